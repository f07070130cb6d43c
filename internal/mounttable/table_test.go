package mounttable

import (
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

func TestBelow(t *testing.T) {
	all, err := Below("/")
	if err != nil || len(all) == 0 {
		t.Fatalf("below / is %+v, %v", all, err)
	}
	for _, m := range all {
		if m.Path == "/" {
			t.Errorf("/ is below itself: %+v", m)
		}
	}
	if some, err := Below("/pro"); err != nil || len(some) != 0 {
		t.Errorf("below /pro, which is no directory, is %+v, %v", some, err)
	}
}
