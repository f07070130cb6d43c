//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDescriptorOutlivesListings has the name of an open file looked up twice by who
// seems to be about to delete it, which is answered from a listing: its time is another
// one than that in the object's metadata, but the file is the same.
func TestDescriptorOutlivesListings(t *testing.T) {
	e := inMemory(t)
	e.put("f", "content", map[string]string{"mtime": "1500000000.000000007"})
	for _, name := range []string{"x", "y"} {
		e.put(name, "", nil)
	}
	m := e.trusting(-1)
	at := filepath.Join(m.Dir, "f")
	f := e.open(m, "f", os.O_RDONLY)
	defer f.Close()
	for _, name := range []string{"x", "y"} {
		e.ok(os.Remove(filepath.Join(m.Dir, name)))
		fd, err := unix.Open(at, unix.O_PATH, 0)
		e.ok(err)
		e.ok(unix.Close(fd))
	}
	_, err := os.Stat(at)
	e.ok(err)
	info, err := f.Stat()
	e.ok(err)
	if set := time.Unix(1_500_000_000, 7); err == nil && !info.ModTime().Equal(set) {
		t.Errorf("its time is %v, want %v", info.ModTime(), set)
	}
	b := make([]byte, 7)
	_, err = f.ReadAt(b, 0)
	e.ok(err)
	e.want("what is read", string(b), "content")
}
