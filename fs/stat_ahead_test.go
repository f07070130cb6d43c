package fs

import (
	"fmt"
	"testing"
)

// TestStatAhead has a program look at every entry of a directory larger than what is
// remembered: reading names and looking at them by turns, as ls does, and after all
// were read.
func TestStatAhead(t *testing.T) {
	const files, chunk = 10 * aheadNames, aheadNames / 4
	name := func(i int) string { return fmt.Sprintf("f%06d", i) }
	for _, c := range []struct {
		name  string
		read  int // names that are read before they are looked at
		ahead int // of all, at least as many are asked for ahead
	}{
		{"by turns", chunk, files - 2*aheadStart - files/chunk}, // none is known to follow the last of a chunk
		{"after all", files, aheadNames - 2*aheadStart},
	} {
		var s statAhead
		d := &dirNode{}
		times := map[string]int{}
		for at := 0; at < files; at += c.read {
			for i := at; i < at+c.read; i++ {
				s.listed(d, name(i), i == 0)
			}
			for i := at; i < at+c.read; i++ {
				names, _ := s.look(d, name(i))
				for _, n := range names {
					if n <= name(i) {
						t.Errorf("%s: %s is asked for ahead of %s", c.name, n, name(i))
					}
					times[n]++
				}
			}
			if b := s.dirs[d]; len(b.names) > aheadNames || len(b.place) != len(b.names) {
				t.Fatalf("%s: %d names, %d places", c.name, len(b.names), len(b.place))
			}
		}
		if len(times) < c.ahead {
			t.Errorf("%s: %d names were asked for ahead, want %d", c.name, len(times), c.ahead)
		}
		for n, times := range times {
			if times > 1 {
				t.Errorf("%s: %s was asked for %d times", c.name, n, times)
			}
		}
	}
}

// TestStatAheadOfTheNextDirectory counts how often who walks a tree has to wait: for
// the first window of a directory, and for each that is larger than the one before.
func TestStatAheadOfTheNextDirectory(t *testing.T) {
	var s statAhead
	waits := func(files, step int) (n int) {
		d := &dirNode{}
		known := map[string]bool{}
		for i := range files {
			s.listed(d, fmt.Sprintf("f%04d", i), i == 0)
		}
		for i := 0; i < files; i += step {
			name := fmt.Sprintf("f%04d", i)
			ahead, _ := s.look(d, name)
			if known[name] {
				continue
			}
			n++
			for _, a := range ahead {
				known[a] = true
			}
		}
		return n
	}
	if n := waits(200, 1); n < aheadStart {
		t.Errorf("the first directory is walked with %d waits", n)
	}
	if n := waits(200, 1); n != aheadStart {
		t.Errorf("the second directory is walked with %d waits, want %d", n, aheadStart)
	}
	const few = 10 * aheadStart // of a directory that is left before its end
	for _, step := range []int{3, few} {
		waits(199, step) // the last but one is the last that is looked at, or not
		if n := waits(200, 1); n <= aheadStart {
			t.Errorf("after a directory that was not walked, the next one is walked with %d waits", n)
		}
	}
}

// TestRepliesWithMetadata counts the replies of a directory that are given metadata:
// those whose reader is expected to look at it.
func TestRepliesWithMetadata(t *testing.T) {
	var s statAhead
	const files, reply = 1000, 200
	name := func(i int) string { return fmt.Sprintf("f%04d", i) }
	// read reads a directory as go-fuse has it read: each reply is given metadata but for
	// the last entry, or bare names, and a program looks at some of those names.
	read := func(looks int) (complete int) {
		d := &dirNode{}
		for at := 0; at < files; at += reply {
			window := 0
			for i := at; i < at+reply; i++ {
				s.listed(d, name(i), i == 0)
				if i == at {
					window = s.wanted(d, at == 0)
				}
				if window > 0 && i < files-1 {
					s.tell(d, name(i))
				}
			}
			if window > 0 {
				complete++
			}
			if looks == 0 {
				return complete // the kernel sends READDIR from now on, which has no metadata
			}
			for i := at; i < min(at+reply, looks); i++ {
				if window == 0 || i == files-1 {
					s.look(d, name(i))
				}
			}
		}
		return complete
	}
	for i, c := range []struct{ looks, complete int }{
		{0, 0},
		{aheadStart - 1, 0}, // somebody looks at a few names that he has read
		{files, files/reply - 1},
		{files, files / reply},
		{files, files / reply},
		{0, 1}, // the next one is walked for its names
		{0, 0},
		{files, files/reply - 1},
	} {
		if n := read(c.looks); n != c.complete {
			t.Errorf("directory %d: %d replies had metadata, want %d", i, n, c.complete)
		}
	}
}
