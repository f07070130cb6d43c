package mounttest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"runtime/pprof"
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

// label is on the goroutines of a mount: who starts a goroutine hands it on.
const label = "mount"

// labelled runs what starts a mount, and returns what its goroutines are labelled with.
func labelled(fn func()) (name string) {
	name = rand.Text()
	pprof.Do(context.Background(), pprof.Labels(label, name), func(context.Context) { fn() })
	return name
}

// goroutines returns those that run code of the mount with that label: where they
// are, and how many are there.
func goroutines(name string) []string {
	var all strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, g := range strings.Split(all.String(), "\n\n") {
		if !strings.Contains(g, fmt.Sprintf("%q:%q", label, name)) {
			continue
		}
		for _, pkg := range []string{"/fs.", "/uploader.", "/cache."} {
			if strings.Contains(g, "github.com/sluicefs/sluicefs"+pkg) {
				out = append(out, g)
				break
			}
		}
	}
	return out
}

// noGoroutines fails the test if goroutines of a mount are left. Those that are on their way
// out get a moment.
func noGoroutines(t testing.TB, name string) {
	deadline := time.Now().Add(patience)
	left := goroutines(name)
	for ; len(left) > 0 && time.Now().Before(deadline); left = goroutines(name) {
		time.Sleep(time.Millisecond)
	}
	if len(left) > 0 {
		t.Errorf("goroutines are left:\n%s", strings.Join(left, "\n\n"))
	}
}
