package main

import (
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

func TestPlanMemory(t *testing.T) {
	store, _ := objstore.ProfileByName("generic")
	p, err := planMemory(512<<20, &store)
	if err != nil || p.requests != 32 || p.uploader+p.cache+24<<20 != 512<<20 || p.cache != 122<<20 {
		t.Errorf("512 MiB are shared out as %+v (%v)", p, err)
	}
	for _, total := range []int64{40 << 20, 64 << 20, 100 << 20, 128 << 20, 512 << 20, 1 << 30, 16 << 30} {
		const text = 20 << 20
		p, err := planMemory(total, &store)
		if sum := p.uploader + p.cache - p.names + p.heap + text; err != nil || sum > total+40<<20 {
			t.Errorf("%d MiB are shared out as %+v, %d MiB with the program (%v)", total>>20, p, sum>>20, err)
		}
	}
	if p, err := planMemory(40<<20, &store); err != nil || p.uploader < uploader.MinMemory(&store) {
		t.Errorf("40 MiB are shared out as %+v (%v)", p, err)
	}
	if p, err := planMemory(40<<20-4, &store); err == nil || !strings.Contains(err.Error(), "need at least 40MiB") {
		t.Errorf("less than 40 MiB are shared out as %+v (%v)", p, err)
	}
}
