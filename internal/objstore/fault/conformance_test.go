package fault_test

import (
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/storetest"
)

func TestConformanceWithoutRules(t *testing.T) {
	p, _ := objstore.ProfileByName("minio")
	p.Part.Min = 64 << 10
	storetest.Run(t, func(*testing.T) objstore.Store { return fault.New(mem.New(p)) })
}
