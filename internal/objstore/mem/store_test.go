package mem_test

import (
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/storetest"
)

func TestConformance(t *testing.T) {
	for _, p := range objstore.Profiles() {
		p.Part.Min = 64 << 10 // the rule is the same, the suite is quicker
		t.Run(p.Name, func(t *testing.T) {
			storetest.Run(t, func(*testing.T) objstore.Store { return mem.New(p) })
		})
	}
}
