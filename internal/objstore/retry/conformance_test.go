package retry_test

import (
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/internal/objstore/storetest"
)

// quick repeats what fails without a pause to speak of. A digest that is wrong
// on purpose stays wrong.
var quick = retry.Config{Base: time.Microsecond, Cap: time.Millisecond}

func TestConformance(t *testing.T) {
	p, _ := objstore.ProfileByName("aws")
	p.Part.Min = 64 << 10
	storetest.Run(t, func(*testing.T) objstore.Store { return retry.New(fault.New(mem.New(p)), quick) })
}

// TestConformanceOfAFlakyStore loses the first attempt of everything, in ways
// that leave no doubt about what happened.
func TestConformanceOfAFlakyStore(t *testing.T) {
	p, _ := objstore.ProfileByName("aws")
	p.Part.Min = 64 << 10
	storetest.Run(t, func(*testing.T) objstore.Store {
		f := fault.New(mem.New(p))
		for _, op := range []string{
			objstore.OpHeadBucket, objstore.OpHead, objstore.OpGet, objstore.OpList, objstore.OpPut, objstore.OpCreateMultipart,
			objstore.OpUploadPart, objstore.OpUploadPartCopy, objstore.OpComplete, objstore.OpAbort, objstore.OpListParts,
			objstore.OpListUploads, objstore.OpDelete, objstore.OpDeleteMany, objstore.OpCopy,
		} {
			f.Add(fault.Rule{Op: op, Times: 1, Mode: fault.Fail, Code: "SlowDown"})
			f.Add(fault.Rule{Op: op, Times: 1, Mode: fault.Fail, Status: 500})
		}
		f.Add(fault.Rule{Op: objstore.OpGet, After: 1, Times: 3, Mode: fault.Truncate, At: 1})
		return retry.New(f, quick)
	})
}
