package cache_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

var modelRuns = flag.Uint64("model.runs", 100, "random runs of TestModel, with and without changes by others")

// TestModel runs random changes of this mount and of others, lookups and
// readings of directories against a store whose answers come late, and holds
// each result against what was in the store at the time:
//
//   - what this mount changed is visible from then on, whatever was asked before;
//   - what others changed is visible after the time to live, counted from the
//     moment at which the request was sent;
//   - a directory that is read shows every name that was there all the time, once,
//     and none that this mount has removed.
func TestModel(t *testing.T) {
	for _, others := range []bool{false, true} {
		for seed := range *modelRuns {
			t.Run(fmt.Sprintf("others %v, seed %d", others, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { newModel(t, seed, others).run(400) })
			})
		}
	}
}

// instant is what was in the store from some moment on.
type instant struct {
	at   time.Time
	keys map[string]bool
}

// is what a path would show of a name.
func (i instant) is(dir, name string) string {
	for k := range i.keys {
		if strings.HasPrefix(k, dir+name+"/") {
			return "dir"
		}
	}
	if i.keys[dir+name] {
		return "file"
	}
	return "none"
}

type model struct {
	t      *testing.T
	r      *rand.Rand
	b      *bucket
	g      *gated
	others bool

	mu      sync.Mutex // held by callers that have come back, for all that follows
	history []instant
	own     map[string][]int // by key, the places in history of this mount's changes of it
	running int
	readers []*reading
	log     []string
}

// reading is a DirReader under way.
type reading struct {
	d     *cache.DirReader
	dir   string
	from  window
	start int // in history
	busy  bool
	gave  map[string]int
	done  bool
}

const modelTTL = time.Second

var (
	modelDirs = []string{"", "a/", "a/b/", "c/"}
	modelKeys = []string{"a", "a-", "a/", "a/b", "a/b.", "a/b/", "a/b/x", "a/b/y", "a/c", "c", "c/", "c/d", "c/e", "c/f", "z"}
)

func newModel(t *testing.T, seed uint64, others bool) *model {
	m := &model{t: t, r: rand.New(rand.NewPCG(seed, 7)), others: others, own: map[string][]int{}}
	s := newMem(t, []int{1, 2, 3, 1000}[m.r.IntN(4)])
	m.g = &gated{Store: s}
	m.b = &bucket{t, s, newCache(t, m.g, cache.Config{ListOnly: m.r.IntN(4) == 0})}
	for _, k := range modelKeys {
		if m.r.IntN(3) == 0 {
			put(t, s, k, "")
		}
	}
	m.record()
	return m
}

func (m *model) record() {
	i := instant{time.Now(), map[string]bool{}}
	for _, k := range m.b.s.Keys() {
		i.keys[k] = true
	}
	m.history = append(m.history, i)
}

func (m *model) now() instant { return m.history[len(m.history)-1] }

func (m *model) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf("%v: ", time.Now().Format("05.000"))+fmt.Sprintf(format, args...))
}

func (m *model) fail(format string, args ...any) {
	m.t.Errorf(format, args...)
	m.t.Fatalf("after:\n%s", strings.Join(m.log, "\n"))
}

func (m *model) run(steps int) {
	for range steps {
		switch m.r.IntN(10) {
		case 0, 1:
			m.change(true)
		case 2:
			if m.others {
				m.change(false)
			}
		case 3, 4:
			m.lookup()
		case 5:
			m.stat()
		case 6, 7:
			for range 1 + m.r.IntN(3) {
				m.read()
			}
		case 8:
			m.forget()
		}
		for range m.r.IntN(4) {
			m.g.step(m.r.IntN)
			synctest.Wait()
		}
		if m.r.IntN(8) == 0 {
			time.Sleep(time.Duration(m.r.IntN(1500)) * time.Millisecond)
		}
		synctest.Wait()
	}
	m.settle()
}

// settle lets everything end, waits for the time to live and compares all.
func (m *model) settle() {
	for m.g.step(m.r.IntN) {
		synctest.Wait()
	}
	if m.running != 0 {
		m.fail("%d callers hang", m.running)
	}
	m.g.mu.Lock()
	m.g.open = true
	m.g.mu.Unlock()
	time.Sleep(modelTTL)
	for _, k := range modelKeys {
		dir, name := dirOf(k)
		if got, want := looked(m.b.c, dir, name), m.now().is(dir, name); got != want {
			m.fail("in the end %q is %s, want %s", k, got, want)
		}
	}
}

func dirOf(key string) (dir, name string) {
	key = strings.TrimSuffix(key, "/")
	i := strings.LastIndexByte(key, '/') + 1
	return key[:i], key[i:]
}

// start runs f beside the test. What f returns is run when nothing else is.
func (m *model) start(f func() func()) {
	m.running++
	go func() {
		check := f()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.running--
		check()
	}()
	synctest.Wait()
}

// change does what a file system would: it makes no file where a directory is,
// and nothing below a file.
func (m *model) change(own bool) {
	k := modelKeys[m.r.IntN(len(modelKeys))]
	dir, name := dirOf(k)
	is, isDir := m.now().is(dir, name), strings.HasSuffix(k, "/")
	for up := k; up != ""; up, _ = dirOf(up) {
		d, n := dirOf(up)
		if up != k && m.now().is(d, n) == "file" || own && !m.certain(d, n) {
			return
		}
	}
	var do func()
	switch there := m.now().keys[k]; {
	case there && isDir:
		if do = func() { m.b.remove(k) }; m.empty(k) && m.r.IntN(2) == 0 {
			do = func() { m.b.rmdir(k) }
		}
	case there && is == "file":
		do = func() { m.b.remove(k) }
		if m.r.IntN(3) == 0 {
			do = func() { m.b.put(k) }
		}
	case there:
		return // hidden by a directory
	case isDir && is == "none":
		do = func() { m.b.mkdir(k) }
	case isDir && is == "dir":
		do = func() { m.b.put(k) }
	case is == "none":
		do = func() { m.b.put(k) }
	default:
		return
	}
	m.note("change %q, own %v, was there %v", k, own, m.now().keys[k])
	if own {
		do()
		m.record()
		m.own[k] = append(m.own[k], len(m.history)-1)
		return
	}
	if m.now().keys[k] {
		del(m.t, m.b.s, k)
	} else {
		put(m.t, m.b.s, k, k)
	}
	m.record()
}

func (m *model) empty(dir string) bool {
	for k := range m.now().keys {
		if k != dir && strings.HasPrefix(k, dir) {
			return false
		}
	}
	return true
}

// window says from which places in history on things count.
type window struct {
	answer int // the oldest that an answer may be
	own    int // this mount's changes up to here are in every answer
}

// oldest is the place in history that an answer may be as old as, if it is
// asked for now.
func (m *model) oldest() window {
	since := time.Now().Add(-modelTTL)
	m.g.mu.Lock()
	for _, at := range m.g.sent {
		if at.Before(since) {
			since = at
		}
	}
	m.g.mu.Unlock()
	i := len(m.history) - 1
	for i > 0 && !m.history[i].at.Before(since) { // many things happen at one time
		i--
	}
	return window{i, math.MaxInt}
}

// may reports that an answer may be that there is such a key, or that there is
// none: it was so at some time from a place in history on, and since this mount
// changed it last.
func (m *model) may(from window, key string, there bool) bool {
	first := from.answer
	for _, i := range m.own[key] {
		if i <= from.own {
			first = max(first, i)
		}
	}
	for _, i := range m.history[first:] {
		if i.keys[key] == there {
			return true
		}
	}
	return false
}

// allowed reports that a name may be shown so. What is known of the keys that
// make it up may be of different ages.
func (m *model) allowed(from window, dir, name, is string) bool {
	dirMay, noDirMay := false, true
	for _, k := range modelKeys {
		if strings.HasPrefix(k, dir+name+"/") {
			dirMay = dirMay || m.may(from, k, true)
			noDirMay = noDirMay && m.may(from, k, false)
		}
	}
	switch is {
	case "dir":
		return dirMay
	case "file":
		return noDirMay && m.may(from, dir+name, true)
	case "none":
		return noDirMay && m.may(from, dir+name, false)
	}
	return false
}

// certain reports that the mount knows what a name is, whatever others did.
func (m *model) certain(dir, name string) bool {
	for _, i := range m.history[m.oldest().answer:] {
		if i.is(dir, name) != m.now().is(dir, name) {
			return false
		}
	}
	return true
}

func (m *model) lookup() {
	dir, name := dirOf(modelKeys[m.r.IntN(len(modelKeys))])
	from := m.oldest()
	m.note("look up %q in %q", name, dir)
	m.start(func() func() {
		got := looked(m.b.c, dir, name)
		return func() {
			m.note("looked up %q in %q: %s", name, dir, got)
			if !m.allowed(from, dir, name, got) {
				m.fail("%q in %q is %s, which it was not from %v to %d", name, dir, got, from, len(m.history)-1)
			}
		}
	})
}

func (m *model) stat() {
	k := modelKeys[m.r.IntN(len(modelKeys))]
	from := m.oldest()
	m.note("stat %q", k)
	m.start(func() func() {
		_, err := m.b.c.Stat(context.Background(), k)
		return func() {
			m.note("stat %q: %v", k, err)
			if err != nil && !errors.Is(err, objstore.ErrNotFound) {
				m.fail("stat %q: %v", k, err)
			}
			if !m.may(from, k, err == nil) {
				m.fail("stat %q: %v, which it was not from %v to %d", k, err, from, len(m.history)-1)
			}
		}
	})
}

func (m *model) forget() {
	dir := modelDirs[m.r.IntN(len(modelDirs))]
	k := modelKeys[m.r.IntN(len(modelKeys))]
	switch m.r.IntN(3) {
	case 0:
		m.note("invalidate directory %q", dir)
		m.b.c.InvalidateDir(dir)
	case 1:
		m.note("invalidate %q", k)
		m.b.c.Invalidate(k)
	}
}

// read begins to read a directory or goes on with one.
func (m *model) read() {
	if len(m.readers) < 3 && m.r.IntN(4) == 0 {
		dir := modelDirs[m.r.IntN(len(modelDirs))]
		m.note("read %q", dir)
		m.readers = append(m.readers, &reading{d: m.b.c.ReadDir(dir), dir: dir, from: m.oldest(), start: len(m.history) - 1, gave: map[string]int{}})
	}
	if len(m.readers) == 0 {
		return
	}
	i := m.r.IntN(len(m.readers))
	r := m.readers[i]
	if r.busy {
		return
	}
	if r.done {
		m.readers = append(m.readers[:i], m.readers[i+1:]...)
		return
	}
	r.busy = true
	m.start(func() func() {
		e, err := r.d.Next(context.Background())
		return func() {
			r.busy = false
			m.next(r, e, err)
		}
	})
}

// next checks what came of a Next.
func (m *model) next(r *reading, e cache.Entry, err error) {
	m.note("next of %q: %q %v %v", r.dir, e.Name, e.Dir, err)
	switch {
	case err == io.EOF:
		r.done = true
		m.complete(r)
		return
	case err != nil:
		m.fail("read %q: %v", r.dir, err)
	}
	is := "file"
	if e.Dir {
		is = "dir"
	}
	if !m.allowed(r.from, r.dir, e.Name, is) {
		m.fail("%q in %q is shown as %s, which it was not from %v on", e.Name, r.dir, is, r.from)
	}
	if r.gave[e.Name]++; r.gave[e.Name] > 1 && m.steady(r, e.Name) {
		m.fail("%q in %q is shown again", e.Name, r.dir)
	}
}

// steady reports that a name was the same for as long as it was read.
func (m *model) steady(r *reading, name string) bool {
	could := 0
	for _, is := range []string{"file", "dir", "none"} {
		if m.allowed(window{r.from.answer, r.start}, r.dir, name, is) {
			could++
		}
	}
	return could == 1
}

func (m *model) complete(r *reading) {
	for _, k := range modelKeys {
		dir, name := dirOf(k)
		if dir == r.dir && m.steady(r, name) && !m.allowed(window{r.from.answer, r.start}, dir, name, "none") && r.gave[name] == 0 {
			m.fail("%q in %q is not shown", name, dir)
		}
	}
}
