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
	if err != nil || p.uploader+p.cache != 512<<20 || p.cache != 128<<20 || p.heap != p.cache+heapRoom {
		t.Errorf("512 MiB are shared out as %+v (%v)", p, err)
	}
	if p, err := planMemory(40<<20, &store); err != nil || p.uploader < uploader.MinMemory(&store) {
		t.Errorf("40 MiB are shared out as %+v (%v)", p, err)
	}
	if p, err := planMemory(40<<20-4, &store); err == nil || !strings.Contains(err.Error(), "need at least 40MiB") {
		t.Errorf("less than 40 MiB are shared out as %+v (%v)", p, err)
	}
}
