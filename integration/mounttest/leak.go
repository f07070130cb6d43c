package mounttest

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// detach takes a mount away that is in use, so that the test can go on to fail.
func detach(t testing.TB, dir string) {
	if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
		t.Errorf("umount -l %s: %v: %s", dir, err, out)
	}
}

// noUploads fails the test if a mount left unfinished uploads in the store.
func noUploads(t testing.TB, store objstore.Store) {
	if store.Profile().ListUploads == objstore.ListUploadsNone {
		return
	}
	page, err := store.ListUploads(context.Background(), objstore.ListUploadsOptions{})
	if errors.Is(err, objstore.ErrUnsupported) && store.Profile().ListUploads == objstore.ListUploadsUnproven {
		return
	}
	if err != nil {
		t.Errorf("list uploads: %v", err)
	}
	for _, u := range page.Uploads {
		t.Errorf("the mount left upload %s of %q unfinished", u.ID, u.Key)
	}
}

// goroutines returns those that run code of a mount.
func goroutines() []string {
	buf := make([]byte, 8<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var out []string
	for _, g := range strings.Split(string(buf), "\n\n") {
		for _, pkg := range []string{"/fs.", "/uploader.", "/cache."} {
			if strings.Contains(g, "github.com/sluicefs/sluicefs"+pkg) {
				out = append(out, g)
				break
			}
		}
	}
	return out
}

// noGoroutines fails the test if goroutines are left. Those that are on their way
// out get a moment.
func noGoroutines(t testing.TB) {
	deadline := time.Now().Add(patience)
	left := goroutines()
	for ; len(left) > 0 && time.Now().Before(deadline); left = goroutines() {
		time.Sleep(time.Millisecond)
	}
	if len(left) > 0 {
		t.Errorf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
	}
}
