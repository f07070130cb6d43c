//go:build integration

package integration

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// largest is how large the files of the model get: past the direct parts and
// into the second segment of the profiles of modelProfile.
const largest = 600_000

// generator makes random sequences. It plays them on a model while it makes
// them, so that offsets are near the ends of the files and handles are open.
type generator struct {
	*rand.Rand
	model  *posix
	faults faults
	seq    []operation
}

// generate returns the sequence of a seed. The same seed gives the same sequence
// for as long as this file is not changed: what is to be kept is kept as text.
func generate(seed uint64, faults faults) []operation {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), model: newPosix(), faults: faults}
	for _, name := range fileNames[:2] {
		if g.chance(4) {
			g.add(operation{what: "put", name: name, n: g.length(), salt: g.salt()})
		}
	}
	if g.chance(3) {
		g.add(operation{what: "mkdir", name: "d"})
	}
	for range 4 + g.IntN(4<<g.IntN(5)) {
		g.step()
	}
	return g.seq
}

var (
	fileNames = []string{"a", "b", "d/a", "e/a"}
	allNames  = []string{"a", "b", "c", "d", "e", "d/a", "d/b", "e/a", "d/e"}
	dirNames  = []string{"d", "e", "d/e"}
)

func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

func (g *generator) add(o operation) {
	g.seq = append(g.seq, o)
	if !g.model.unserved(o) {
		g.model.apply(o)
	}
}

// name returns one of the usual names, and now and then any.
func (g *generator) name(usual []string) string {
	if g.chance(12) {
		usual = allNames
	}
	return usual[g.IntN(len(usual))]
}

// handle returns one that is open, if there is any.
func (g *generator) handle() (int, *posixHandle) {
	first := g.IntN(handles)
	for i := range handles {
		if h := (first + i) % handles; g.model.table[h] != nil {
			return h, g.model.table[h]
		}
	}
	return 0, nil
}

func (g *generator) salt() int64 { return g.Int64N(1 << 20) }

// length is of a few bytes as often as of some parts.
func (g *generator) length() int64 { return 1 + g.Int64N(1<<(1+g.IntN(18))) }

// offset is somewhere in the file, at its ends, at the edges of parts and pages,
// or beyond.
func (g *generator) offset(f *posixFile) int64 {
	size := int64(len(f.data))
	switch g.IntN(8) {
	case 0:
		return 0
	case 1:
		return size
	case 2:
		return size + g.length()
	case 3:
		return max(0, g.Int64N(10)*24_000+g.Int64N(3)-1)
	case 4:
		return g.Int64N(size/4096+2) * 4096
	}
	return g.Int64N(size + 1)
}

func (g *generator) step() {
	if g.faults != noFaults && g.chance(6) {
		g.fault()
		return
	}
	h, open := g.handle()
	if k := g.IntN(100); open == nil || k < 14 {
		g.open()
	} else if k < 82 {
		g.onHandle(h, open)
	} else {
		g.onName()
	}
}

func (g *generator) open() {
	flags := []string{[]string{"rdonly", "wronly", "rdwr", "rdwr"}[g.IntN(4)]}
	for _, f := range []struct {
		flag string
		of   int
	}{{"append", 6}, {"trunc", 6}, {"excl", 12}, {"direct", 20}, {"sync", 30}} {
		if g.chance(f.of) {
			flags = append(flags, f.flag)
		}
	}
	if !g.chance(4) {
		flags = append(flags, "creat")
	}
	name := g.name(fileNames)
	if flags[0] == "rdonly" && slices.Contains(dirNames, name) { // directories have no O_DIRECT
		flags = slices.DeleteFunc(flags, func(f string) bool { return f == "direct" })
	}
	g.add(operation{what: "open", h: g.IntN(handles), name: name, flags: strings.Join(flags, "|")})
}

func (g *generator) onHandle(h int, open *posixHandle) {
	o := operation{h: h, off: g.offset(open.file), n: g.length()}
	switch k := g.IntN(100); {
	case k < 20:
		o.what, o.off, o.salt = "write", 0, g.salt()
	case k < 40:
		o.what, o.salt = "pwrite", g.salt()
	case k < 45:
		o.what, o.off = "read", 0
	case k < 55:
		o.what = "pread"
	case k < 57:
		o.what, o.n = "seek", 0
	case k < 59:
		o.what, o.n = []string{"seekdata", "seekhole"}[g.IntN(2)], 0
	case k < 66:
		o.what, o.n, o.off = "ftruncate", o.off, 0
	case k < 71:
		o.what, o.flags = "fallocate", []string{"", "keep", "punch|keep", "zero", "zero|keep"}[g.IntN(5)]
	case k < 76:
		o.what, o.n, o.off = "fsync", 0, 0
	case k < 79:
		o.what, o.n, o.off = "fstat", 0, 0
	case k < 82:
		o.what, o.n, o.off = "dupclose", 0, 0
	case k < 85:
		o.what, o.n, o.off = "drop", 0, 0
	case k < 87:
		o.what, o.n, o.off = "clean", 0, 0
	case k < 90:
		from, source := g.handle()
		o.what, o.from, o.salt = "copy", from, g.Int64N(int64(len(source.file.data))+1)
	default:
		o.what, o.n, o.off = "close", 0, 0
	}
	if o.off+o.n > largest || o.what == "write" && max(open.pos, int64(len(open.file.data)))+o.n > largest ||
		o.what == "pwrite" && open.appended && int64(len(open.file.data))+o.n > largest {
		o = operation{what: "ftruncate", h: h, n: g.Int64N(100_000)}
	}
	g.add(o)
	if (o.what == "write" || o.what == "pwrite") && g.chance(3) { // as the kernel does when it likes
		g.add(operation{what: "push", h: h})
	}
}

func (g *generator) onName() {
	switch k := g.IntN(100); {
	case k < 30:
		g.add(operation{what: "rename", name: g.name(fileNames), to: g.name(fileNames)})
	case k < 36:
		g.add(operation{what: "rename", name: g.name(dirNames), to: g.name(dirNames)})
	case k < 52:
		g.add(operation{what: "unlink", name: g.name(fileNames)})
	case k < 64:
		o := operation{what: "truncate", name: g.name(fileNames)}
		if _, _, f, _ := g.model.find(o.name); f != nil {
			o.n = min(g.offset(f), largest)
		}
		g.add(o)
	case k < 76:
		g.add(operation{what: "stat", name: g.name(fileNames)})
	case k < 86:
		g.add(operation{what: "mkdir", name: g.name(dirNames)})
	case k < 90:
		g.add(operation{what: "rmdir", name: g.name(dirNames)})
	default:
		g.add(operation{what: "readdir", name: g.name([]string{"", "d", "e"})})
	}
}

// faultModes says which requests can come to nothing in which way, and which of
// that heals when it is tried again.
var faultModes = []struct {
	mode  string
	ops   []string // nil is all
	heals bool
}{
	{"fail", nil, true},
	{"drop", nil, true},
	{"denied", nil, false},
	{"lose-answer", []string{objstore.OpPut, objstore.OpUploadPart, objstore.OpUploadPartCopy, objstore.OpComplete, objstore.OpCopy, objstore.OpDelete, objstore.OpGet}, true},
	{"error-in-200", []string{objstore.OpComplete, objstore.OpCopy, objstore.OpUploadPartCopy}, true},
	{"truncate", []string{objstore.OpPut, objstore.OpUploadPart, objstore.OpGet}, true},
	{"corrupt", []string{objstore.OpPut, objstore.OpUploadPart}, true},
}

// fault lets the next requests of one kind come to nothing, or all of them.
func (g *generator) fault() {
	if g.chance(5) {
		g.add(operation{what: "heal"})
		return
	}
	m := faultModes[g.IntN(len(faultModes))]
	if g.faults == faultsHeal && !m.heals {
		m = faultModes[0]
	}
	if g.faults == faultsHeal {
		g.add(operation{what: "heal"})
	}
	ops := m.ops
	if ops == nil {
		ops = faultOps
	}
	o := operation{what: "fault", name: ops[g.IntN(len(ops))], flags: m.mode, off: g.Int64N(3), n: 1 + g.Int64N(3)}
	if g.faults == faultsStay && g.chance(3) {
		o.n = 0
	}
	if g.faults == faultsHeal && (m.mode == "truncate" || m.mode == "corrupt") {
		o.n = 1 // one request may meet several of these, and a body is sent five times at the most
	}
	g.add(o)
}

// faults says whether a sequence has the store fail.
type faults int

const (
	noFaults   faults = iota
	faultsHeal        // a few times in a row, so that whoever tries again succeeds
	faultsStay        // in any way
)

// faultOps are the requests that faults are for.
var faultOps = []string{
	objstore.OpPut, objstore.OpCreateMultipart, objstore.OpUploadPart, objstore.OpUploadPartCopy, objstore.OpComplete,
	objstore.OpCopy, objstore.OpDelete, objstore.OpGet, objstore.OpHead, objstore.OpList, objstore.OpAbort,
}
