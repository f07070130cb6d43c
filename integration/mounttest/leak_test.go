//go:build integration

package mounttest

import (
	"os"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// TestGoroutines tells those of two mounts apart, while they live and after.
func TestGoroutines(t *testing.T) {
	p, _ := objstore.ProfileByName("aws")
	mount, other := New(t, mem.New(p), Options{}), New(t, mem.New(p), Options{})
	if len(goroutines(mount.label)) == 0 {
		t.Error("a mount is not seen while it lives")
	}
	mount.Unmount()
	noGoroutines(t, mount.label)
	if len(goroutines(other.label)) == 0 {
		t.Error("the other is taken for gone, too")
	}
}
