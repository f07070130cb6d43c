package main

import (
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

func TestPlanMemory(t *testing.T) {
	store, _ := objstore.ProfileByName("generic")
	p, err := planMemory(512<<20, &store)
	if err != nil || p.requests != 32 || p.request != 1<<20 || p.uploader+p.cache+48<<20 != 512<<20 || p.cache != 116<<20 {
		t.Errorf("512 MiB are shared out as %+v (%v)", p, err)
	}
	for _, total := range []int64{40 << 20, 64 << 20, 100 << 20, 128 << 20, 512 << 20, 1 << 30, 16 << 30} {
		const text = 20 << 20
		p, err := planMemory(total, &store)
		if sum := p.uploader + p.cache - p.names + p.heap + text; err != nil || sum > total+40<<20 {
			t.Errorf("%d MiB are shared out as %+v, %d MiB with the program (%v)", total>>20, p, sum>>20, err)
		}
	}
	for total, request := range map[int64]int{40 << 20: 256 << 10, 128 << 20: 256 << 10, 200 << 20: 256 << 10, 256 << 20: 512 << 10, 1 << 30: 1 << 20} {
		if p, err := planMemory(total, &store); err != nil || p.request != request || p.requests < 32 || p.requests > fs.MaxRequests {
			t.Errorf("%d MiB give %d requests of %d KiB (%v)", total>>20, p.requests, p.request>>10, err)
		}
	}
	if p, err := planMemory(40<<20, &store); err != nil || p.uploader < uploader.MinMemory(&store) {
		t.Errorf("40 MiB are shared out as %+v (%v)", p, err)
	}
	if p, err := planMemory(40<<20-4, &store); err == nil || !strings.Contains(err.Error(), "need at least 40MiB") {
		t.Errorf("less than 40 MiB are shared out as %+v (%v)", p, err)
	}
}
