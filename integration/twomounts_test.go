//go:build integration

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pythonExclusive makes each file that its standard input names, if it is not there,
// and says what came of it.
const pythonExclusive = `
import os, sys
def says(name, what): os.write(1, f"{name} {what}\n".encode())
for line in sys.stdin:
    name, size = line.split()
    try:
        fd = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        try:
            text = (sys.argv[1] * int(size)).encode()
            while text: text = text[os.write(fd, text):]
        finally:
            os.close(fd)
        says(name, "made")
    except OSError as e:
        says(name, os.strerror(e.errno))`

// TestTwoMountsMakeAFile has two mounts make the same files with O_EXCL at once.
func TestTwoMountsMakeAFile(t *testing.T) {
	t.Parallel()
	for _, server := range []*sharedServer{&versityGW, &minIO} {
		t.Run(string(server.kind), func(t *testing.T) {
			t.Parallel()
			raceToMake(realPlace(t, server.of(t)))
		})
	}
}

func raceToMake(p *place) {
	a, b := p.begin(), p.begin()
	makers := map[string]*feeder{
		"a": a.feed("python3", "-c", pythonExclusive, "a"),
		"b": b.feed("python3", "-c", pythonExclusive, "b"),
	}
	for round := range 15 {
		name, size := fmt.Sprint("f", round), 100
		if round%5 == 4 {
			size = 22 * mib // with a multipart upload
		}
		for _, w := range makers {
			w.give(fmt.Sprintln(name, size))
		}
		var winners []string
		for letter, w := range makers {
			switch end := w.says(name, ""); end {
			case "made":
				winners = append(winners, letter)
			case "File exists":
			default:
				p.Errorf("%s: it says %s", name, end)
			}
		}
		if len(winners) != 1 {
			p.Errorf("%s was made by %q, want one", name, winners)
			continue
		}
		p.stored(name, strings.Repeat(winners[0], size))
	}
	for _, w := range makers {
		w.finish()
	}
	a.unmount(b)
}

// TestTwoMountsChangeAFile has a file change in another mount while it is written,
// under each policy.
func TestTwoMountsChangeAFile(t *testing.T) {
	t.Parallel()
	p := realPlace(t, versityGW.of(t))
	theirs := p.begin()
	for policy, c := range map[string]struct{ want, says string }{
		"fail":      {"theirs", "Stale file handle"},
		"overwrite": {"ours", ""},
		"keep-both": {"ours", ""},
	} {
		ours := p.begin("--conflict=" + policy)
		for kind, size := range map[string]int{"small": 100, "large": 22 * mib} {
			key := policy + "-" + kind
			p.put(key, "old", nil)
			ours.shows(key, "old")
			theirs.shows(key, "old")
			w := ours.feed("bash", "-c", "cat > "+key)
			w.give(strings.Repeat("ours", size/4))
			waitUntil(t, "the file has what was written", func() bool { return ours.size(key) == int64(size) })
			theirs.write(key, strings.Repeat("theirs", size/4))
			_ = w.in.Close()
			if state := w.wait(); state.Success() != (c.says == "") || !strings.Contains(w.said.String(), c.says) {
				t.Errorf("%s: %v: %s", key, state, w.said.String())
			}
			p.stored(key, strings.Repeat(c.want, size/4))
			aside := 0
			for _, k := range p.keys() {
				if strings.HasPrefix(k, key+".conflict") {
					p.stored(k, strings.Repeat("theirs", size/4))
					aside++
				}
			}
			if (aside == 1) != (policy == "keep-both") {
				t.Errorf("%s: %d objects were put aside", key, aside)
			}
		}
		if policy != "fail" {
			ours.unmount()
			continue
		}
		ours.cli.fails(3, "2 files are not stored", "umount", ours.dir)
		ours.wantEnd(3)
	}
	theirs.unmount()
}

// pythonReplace replaces files: it writes what a line of its standard input says, and
// closes the file at the next. (A test does not have such files open itself: a
// program that another test starts would have them, too, and close them.)
const pythonReplace = `
import os, sys
def says(*what): os.write(1, (" ".join(what) + "\n").encode())
for line in sys.stdin:
    name, size = line.split()
    fd = os.open(name, os.O_WRONLY | os.O_TRUNC)
    text = (sys.argv[1] * int(size)).encode()
    while text: text = text[os.write(fd, text):]
    says(name, "written")
    sys.stdin.readline()
    try:
        os.close(fd)
        says(name, "closed:", "stored")
    except OSError as e:
        says(name, "closed:", os.strerror(e.errno))`

// TestTwoMountsRace has two mounts replace one object at the same moment, under each
// policy: both have opened it before either closes.
func TestTwoMountsRace(t *testing.T) {
	t.Parallel()
	for _, server := range []*sharedServer{&versityGW, &minIO} {
		t.Run(string(server.kind), func(t *testing.T) {
			t.Parallel()
			p := realPlace(t, server.of(t))
			for _, policy := range []string{"fail", "overwrite", "keep-both"} {
				t.Run(policy, func(t *testing.T) {
					q := *p
					q.env = &env{t, p.store}
					raceToReplace(&q, policy)
				})
			}
		})
	}
}

func raceToReplace(p *place, policy string) {
	const rounds = 12
	for round := range rounds { // before the mounts: they need not wait to see it
		p.put(fmt.Sprint(policy, round), "old", nil)
	}
	mounts := []*realMount{p.begin("--conflict=" + policy), p.begin("--conflict=" + policy)}
	var writers []*feeder
	for i, m := range mounts {
		writers = append(writers, m.feed("python3", "-c", pythonReplace, fmt.Sprint(i)))
	}
	for round := range rounds {
		key, size := fmt.Sprint(policy, round), 1000
		if round%4 == 3 {
			size = 22 * mib
		}
		var texts []string
		for i, w := range writers {
			mounts[i].shows(key, "old")
			w.give(fmt.Sprintln(key, size+i))
			w.says(key, "written")
			texts = append(texts, strings.Repeat(fmt.Sprint(i), size+i))
		}
		for _, w := range writers {
			w.give("close\n")
		}
		var ends []string
		for _, w := range writers {
			ends = append(ends, w.says(key, "closed: "))
		}
		p.checkRace(policy, key, texts, ends)
	}
	for i, m := range mounts {
		writers[i].finish()
		status, _, said := m.cli.run("umount", m.dir)
		if status != 0 && (policy != "fail" || status != 3) { // 3 if it lost a round
			p.Errorf("umount: exit status %d: %s", status, said)
		}
		m.wantEnd(status)
	}
	if n := p.uploads(); n != 0 {
		p.Errorf("%d unfinished uploads are left", n)
	}
}

// says waits until a program has said something of a key, and returns the rest of
// that line.
func (w *feeder) says(key, what string) (rest string) {
	w.m.Helper()
	waitUntil(w.m.T, "it says of "+key+": "+what, func() bool {
		_, after, there := strings.Cut(w.said.String(), key+" "+what)
		var whole bool
		rest, _, whole = strings.Cut(after, "\n")
		return there && whole
	})
	return rest
}

// checkRace checks what came of a round.
func (p *place) checkRace(policy, key string, texts, ends []string) {
	p.Helper()
	var won []string
	for i, end := range ends {
		switch {
		case end == "stored":
			won = append(won, texts[i])
		case policy != "fail" || end != "Stale file handle":
			p.Errorf("%s: close: %s", key, end)
		}
	}
	if policy == "fail" && len(won) != 1 || policy != "fail" && len(won) != 2 {
		p.Errorf("%s: %d were told that they have stored it", key, len(won))
		return
	}
	content, _ := p.get(key)
	if !slices.Contains(won, content) {
		p.Errorf("%s is %s, want the content of one that won", key, short(content))
	}
	if policy != "keep-both" {
		return
	}
	aside := map[string]bool{content: true}
	for _, k := range p.keys() {
		if strings.HasPrefix(k, key+".conflict") {
			text, _ := p.get(k)
			aside[text] = true
		}
	}
	if !aside[texts[0]] || !aside[texts[1]] {
		p.Errorf("%s: not both are kept", key)
	}
}
