//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// TestWhoTakesANameHasItForHimself has a file lose its name to another one while it is
// written, when parts were sent under that name, and reads back what was sent: the other one's object stays
// what it is, also where a copy of an object gets another ETag.
func TestWhoTakesANameHasItForHimself(t *testing.T) {
	for name, take := range map[string]func(t *testing.T, dir string){
		"by a rename": func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, "other"), filepath.Join(dir, "f")); err != nil {
				t.Error(err)
			}
		},
		"by a rename, when it was deleted": func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "f")); err != nil {
				t.Error(err)
			}
			if err := os.Rename(filepath.Join(dir, "other"), filepath.Join(dir, "f")); err != nil {
				t.Error(err)
			}
		},
		"by a new file, when it was deleted": func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "f")); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "f"), []byte("other"), 0o644); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			profile := modelProfile(func(p *objstore.Profile) {
				p.PartETag, p.FinalETag, p.FullDigest = objstore.ETagOpaque, objstore.ETagOpaque, false
			})
			store := mem.New(profile)
			m := variant{profile: profile, through: true}.mount(t, store)
			if err := os.WriteFile(filepath.Join(m.Dir, "other"), []byte("other"), 0o644); err != nil {
				t.Fatal(err)
			}
			text := noise(200_000)
			f, err := os.Create(filepath.Join(m.Dir, "f"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteString(text); err != nil {
				t.Fatal(err)
			}
			e := &env{T: t}
			e.eventually("parts are sent", func() bool { return store.Calls(objstore.OpUploadPart) > 3 })
			take(t, m.Dir)
			_, taken, ok := store.Object("f")
			if !ok {
				t.Fatal("nothing has the name")
			}
			// What is sent is not held any more, by the kernel or the mount: another file needs the memory.
			if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(filepath.Join(m.Dir, "large"), []byte(noise(2<<20)), 0o644); err != nil {
				t.Error(err)
			}
			got := make([]byte, len(text))
			if n, err := unix.Pread(int(f.Fd()), got, 0); err != nil || string(got[:n]) != text {
				t.Errorf("%d bytes are read back, as they were: %v, %v", n, string(got[:n]) == text, err)
			}
			if _, now, _ := store.Object("f"); now.ETag != taken.ETag {
				t.Error("the object that has the name now was replaced")
			}
		})
	}
}
