//go:build integration

package integration

import (
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// unlike names the tests of go-fuse's POSIX suite that do not apply, why, and the
// sentence of docs/SEMANTICS.md that says so.
var unlike = map[string]string{
	"Link":             "[X1] there are no hard links",
	"LinkUnlinkRename": "[X1] there are no hard links",
	"XAttrLarge":       "[A17] there is no room for 64 KB in the metadata of an object",
	"Tmpfile":          "[X4] there is no O_TMPFILE",
	// It expects one process to be refused a lock because of its own other
	// descriptor, as if locks belonged to descriptors; fcntl(2) says that they belong
	// to the process.
	"FcntlFlockLocksFile": "[S6] the kernel keeps the locks, as it does for local files",
}

// TestPosix runs go-fuse's POSIX suite.
func TestPosix(t *testing.T) {
	for name := range unlike {
		if posixtest.All[name] == nil && name != "Tmpfile" {
			t.Errorf("%s is not a test of the suite", name)
		}
	}
	for name, test := range posixtest.All {
		if unlike[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p, ok := objstore.ProfileByName("aws")
			if !ok {
				t.Fatal("there is no profile of AWS")
			}
			test(t, mounttest.New(t, mem.New(p), mounttest.Options{}).Dir)
		})
	}
}
