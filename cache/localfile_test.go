package cache

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/cache/disk"
)

// TestAFileIsLetGoOfOnce has a read find that the file is not sound when its reader is closed.
func TestAFileIsLetGoOfOnce(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	l := newLocalFile(&disk.File{File: f})
	r := &Reader{s: &blocks{now: time.Now}, v: &version{key: "k", users: 2}, local: l}
	for range 2 { // reads under way
		if r.wholeFile(1) != l {
			t.Fatal("a read does not have the file")
		}
	}
	r.Close()
	r.dropFile(l)
	l.release()
	if _, err := f.Stat(); err != nil {
		t.Errorf("it was closed under the second read: %v", err)
	}
	l.release()
	if _, err := f.Stat(); err == nil {
		t.Error("it is not closed")
	}
}
