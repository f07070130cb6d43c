package uploader_test

import "math/rand/v2"

// files is how many files a sequence writes.
const files = 2

// kB is about a thousand bytes as sequences count them, and a cell of the model
// is 100 of them: 25 to 16 chunks, so that cells end within chunks.
const kB = 16

// longest is how large the files of the model get: past the direct parts and into
// the sixth segment, and past what the store of the profile "short" takes.
const longest = 3000 * kB

// generator makes random sequences. It follows the sizes of the files, so that
// offsets are near their ends.
type generator struct {
	*rand.Rand
	size [files]int64
	seq  []operation
}

// generate returns the sequence of a seed. The same seed gives the same sequence
// for as long as this file is not changed: what is to be kept is kept as text.
func generate(seed uint64) []operation {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	for range 5 + g.IntN(40) {
		g.step()
	}
	return g.seq
}

// generateFaulty has the store fail, and does more often what takes rare requests:
// small files, files that are given up, and the rewriting of what is not held any more.
func generateFaulty(seed uint64) []operation {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 12))}
	for range 3 {
		g.seq = append(g.seq, operation{what: "arm", off: int64(g.IntN(8)), n: 1 + int64(g.IntN(2))})
		for range 3 + g.IntN(12) {
			g.stepFaulty()
		}
	}
	return g.seq
}

func (g *generator) stepFaulty() {
	f := g.file()
	switch g.IntN(16) {
	case 0, 1:
		g.truncate(f, 0)
		g.write(f, 0, g.upTo(100*kB))
		g.add(operation{what: "commit", f: f})
	case 2, 7:
		g.write(f, g.size[f], 300*kB)
		g.truncate(f, 0)
	case 3, 4: // an upload under the file's own name cannot go to another
		g.add(operation{what: "reopen", f: f})
		g.truncate(f, 0)
		g.write(f, 0, 350*kB)
		g.add(operation{what: "rename", f: f}, operation{what: "commit", f: f})
	case 6, 8, 9: // read from the object what is sent along with a change
		g.add(operation{what: "reopen", f: f})
		g.write(f, g.size[f]/2, 10)
		g.add(operation{what: "commit", f: f})
	default:
		g.step()
	}
}

func (g *generator) add(ops ...operation) { g.seq = append(g.seq, ops...) }

func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

// file returns the one that most is done with, or the other.
func (g *generator) file() int {
	if g.chance(4) {
		return 1
	}
	return 0
}

// upTo returns a length.
func (g *generator) upTo(n int64) int64 { return 1 + g.Int64N(n) }

// length is of a few bytes as often as of some parts.
func (g *generator) length() int64 { return 1 + g.Int64N(1<<(1+g.IntN(13))) }

// offset is somewhere in the file, at the edges of cells and chunks, or beyond.
func (g *generator) offset(f int) int64 {
	switch g.IntN(8) {
	case 0:
		return max(0, g.Int64N(12)*100*kB+g.Int64N(3)-1)
	case 1:
		return g.Int64N(g.size[f]/(1<<10)+2) * (1 << 10)
	}
	return g.Int64N(g.size[f] + 200*kB)
}

func (g *generator) step() {
	f := g.file()
	switch k := g.IntN(100); {
	case k < 25:
		g.write(f, g.size[f], g.upTo(150*kB)) // append
	case k < 52:
		g.write(f, g.offset(f), g.length())
	case k < 57:
		g.write(f, 0, g.upTo(5*kB)) // header
	case k < 60:
		g.scatter(f)
	case k < 75:
		g.add(operation{what: "read", f: f, off: g.Int64N(g.size[f] + kB), n: g.upTo(300 * kB)})
	case k < 83:
		g.truncate(f, min(g.Int64N(g.size[f]+200*kB), longest))
	case k < 84:
		g.truncate(f, 0)
	case k < 86:
		g.punch(f)
	case k < 93:
		g.add(operation{what: "commit", f: f})
	case k < 94:
		g.add(operation{what: "give up", f: f})
		g.size[f] = 0 // or what was committed last
	case k < 97:
		g.add(operation{what: []string{"reopen", "reopen listed"}[g.IntN(2)], f: f})
	default:
		g.add(operation{what: "rename", f: f})
	}
}

func (g *generator) write(f int, off, n int64) {
	if off+n > longest {
		g.truncate(f, g.Int64N(500*kB))
		return
	}
	g.add(operation{what: "write", f: f, off: off, n: n, salt: g.Int64N(1 << 16)})
	g.size[f] = max(g.size[f], off+n)
}

// scatter writes here and there all over the file, as a database does.
func (g *generator) scatter(f int) {
	for range 3 + g.IntN(20) {
		g.write(f, g.Int64N(g.size[f]+1), g.upTo(100))
	}
}

func (g *generator) truncate(f int, size int64) {
	g.add(operation{what: "truncate", f: f, n: size})
	g.size[f] = size
}

// punch makes a hole, of whole cells as often as not.
func (g *generator) punch(f int) {
	o := operation{what: "punch", f: f, off: g.Int64N(g.size[f] + kB), n: g.Int64N(400 * kB)}
	if g.chance(2) {
		o.off = g.Int64N(12) * 100 * kB
		o.n = g.Int64N(4) * 100 * kB
	}
	g.add(o)
}
