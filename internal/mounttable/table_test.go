package mounttable

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]Entry{
		`36 35 98:0 / /mnt/data rw,noatime master:1 - fuse.sluicefs sluicefs:bucket rw,user_id=0`: {"/mnt/data", "fuse.sluicefs", "sluicefs:bucket", "98:0"},
		`36 35 98:0 / /mnt/a\040b\134c rw - ext4 /dev/sd\040a rw`:                                 {`/mnt/a b\c`, "ext4", "/dev/sd a", "98:0"},
		`36 35 98:0 / /mnt rw shared:1 master:2 - tmpfs none rw`:                                  {"/mnt", "tmpfs", "none", "98:0"},
		`36 35 98:0 / /odd\ rw - tmpfs none rw`:                                                   {`/odd\`, "tmpfs", "none", "98:0"},
	} {
		if got, ok := parse(line); !ok || got != want {
			t.Errorf("%q is %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "36 35 98:0 / /mnt rw", "1 2 - x y", "36 35 98:0 / /mnt rw - tmpfs"} {
		if got, ok := parse(line); ok {
			t.Errorf("%q is taken for %+v", line, got)
		}
	}
}

func TestAt(t *testing.T) {
	if m, ok, err := At("/proc"); err != nil || !ok || m.Kind != "proc" {
		t.Errorf("/proc is %+v, %v, %v", m, ok, err)
	}
	if m, ok, err := At(t.TempDir()); err != nil || ok {
		t.Errorf("a plain directory is %+v, %v, %v", m, ok, err)
	}
}

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o755), os.Symlink("d", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"link": "d", "d/../link/": "d", "link/none": "d/none", "none/none": "none/none"} {
		if got, err := Resolve(filepath.Join(dir, path)); err != nil || got != filepath.Join(real, want) {
			t.Errorf("%s is %s, want %s below %s: %v", path, got, want, real, err)
		}
	}
}
