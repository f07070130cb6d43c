//go:build integration

package integration

import (
	"fmt"
	"strings"
	"testing"
)

// TestWalkedTreeHasItsMetadata compares what a walk of a tree shows with what looking
// at each file alone does: the kernel is told of the first entries of a walk when they
// are looked up, and of the others while it reads the directory.
func TestWalkedTreeHasItsMetadata(t *testing.T) {
	const dirs, files = 6, 300
	e := inMemory(t)
	var names []string
	for i := range dirs * files {
		name := fmt.Sprintf("t/d%d/f%03d", i/files, i%files)
		meta := map[string]string{"mode": fmt.Sprint(0o100400 + i%8), "uid": fmt.Sprint(1 + i%5), "mtime": fmt.Sprintf("1%09d.5", i)}
		switch i % 50 {
		case 7:
			meta["mode"] = fmt.Sprint(0o120777)
		case 8:
			meta["mode"] = fmt.Sprint(0o010640)
		case 9:
			meta = nil
		case 10:
			e.put(name+"/inside", "x", nil)
		}
		e.put(name, strings.Repeat("x", i%9), meta)
		names = append(names, name)
	}
	const format = ` -printf '%p %y %m %U %T@ %s\n'`
	walked := e.mount().Run("find t -mindepth 2 -maxdepth 2" + format + " | sort")
	alone := e.mount().Run("find " + strings.Join(names, " ") + " -maxdepth 0" + format + " | sort")
	// A directory without a marker has the time at which the mount saw it.
	for i := range dirs * files {
		if i%50 == 10 {
			walked, alone = withoutLine(walked, names[i]+" d"), withoutLine(alone, names[i]+" d")
		}
	}
	if n := strings.Count(walked, "\n"); n < dirs*files*9/10 {
		t.Fatalf("%d files were found", n)
	}
	if walked != alone {
		w, a := strings.Split(walked, "\n"), strings.Split(alone, "\n")
		for i := range min(len(w), len(a)) {
			if w[i] != a[i] {
				t.Fatalf("walked: %s\nalone:  %s", w[i], a[i])
			}
		}
		t.Fatal("one is longer")
	}
}

// withoutLine is a text without the line that begins so, which must be there.
func withoutLine(text, prefix string) string {
	before, rest, _ := strings.Cut(text, prefix)
	_, after, _ := strings.Cut(rest, "\n")
	return before + after
}
