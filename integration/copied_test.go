//go:build integration

package integration

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// slowCopier answers a copy only when it is told to; the copy is made at once.
type slowCopier struct {
	objstore.Store
	made, answer chan struct{}
}

// Copy implements objstore.Store.
func (s *slowCopier) Copy(ctx context.Context, dst string, src objstore.CopySource, o objstore.CopyOptions) (objstore.Info, error) {
	info, err := s.Store.Copy(ctx, dst, src, o)
	close(s.made)
	<-s.answer
	return info, err
}

// TestReadWhileItIsCopied reads a file of which the mount stores new attributes: the
// copy of an object that was sent in parts has another ETag than that.
func TestReadWhileItIsCopied(t *testing.T) {
	profile, _ := objstore.ProfileByName("aws")
	for name, flags := range map[string]int{"to read": os.O_RDONLY, "to write": os.O_RDWR} {
		t.Run(name, func(t *testing.T) {
			store := &slowCopier{mem.New(profile), make(chan struct{}), make(chan struct{})}
			e := newEnv(t, store)
			text := noise(streamed)
			first := e.mount()
			e.write(first, "f", text)
			first.Unmount()

			m := e.mountWith(never)
			f := e.open(m, "f", flags)
			e.ok(os.Chmod(filepath.Join(m.Dir, "f"), 0o600))
			synced := make(chan error, 1)
			go func() { synced <- f.Sync() }()
			<-store.made
			before := e.store.Calls(objstore.OpGet)
			read := make(chan error, 1)
			got := make([]byte, 1000)
			go func() {
				_, err := f.ReadAt(got, 15*mib)
				read <- err
			}()
			e.eventually("the store is asked", func() bool { return e.store.Calls(objstore.OpGet) > before })
			close(store.answer)
			e.ok(<-read)
			e.ok(<-synced)
			e.want("what is read", string(got), text[15*mib:15*mib+1000])
			e.ok(f.Close())
		})
	}
}
