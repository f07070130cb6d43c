package uploader_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

var (
	seeds = flag.Int("model.seeds", 100, "random sequences that the model test runs")
	begin = flag.Uint64("model.first", 1, "the first of them")
	seed  = flag.Uint64("model.seed", 0, "run only this sequence")
)

// small is a profile scaled down so that a few hundred KiB visit every turn of
// the grid: parts of 100 kB, nine direct ones of a hundred, segments of 400 kB.
func small(change ...func(*objstore.Profile)) objstore.Profile {
	p, _ := objstore.ProfileByName("aws")
	p.Part = objstore.PartLimits{Min: 100_000, Max: 1 << 30, Align: 1000, MaxCount: 100}
	p.MaxCopy = 400_000
	for _, c := range change {
		c(&p)
	}
	return p
}

func smallConfig(t testing.TB) uploader.Config {
	return uploader.Config{
		Memory: 2 << 20, Threshold: 150_000, Concurrency: 4, SpillDir: t.TempDir(),
		Ladder: []uploader.Rung{{Size: 100_000, PerMille: 50}, {Size: 200_000, PerMille: 40}},
	}
}

func newUploader(t testing.TB, store uploader.Store, cfg uploader.Config) *uploader.Uploader {
	t.Helper()
	u, err := uploader.New(t.Context(), store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Errorf("close uploader: %v", err)
		}
	})
	return u
}

// modelProfiles are the kinds of stores that the model is held against.
func modelProfiles() map[string]objstore.Profile {
	return map[string]objstore.Profile{
		"free":        small(),
		"consecutive": small(func(p *objstore.Profile) { p.Part.Consecutive = true }),
		"equal":       small(func(p *objstore.Profile) { p.Part.Equal = true }),
		"md5":         small(func(p *objstore.Profile) { p.Digest = objstore.ContentMD5 }),
		"lists all":   small(func(p *objstore.Profile) { p.CompleteListsAll = true }),
		"own checksum": small(func(p *objstore.Profile) {
			p.Digest, p.FullDigest, p.FinalETag = objstore.ContentMD5, false, objstore.ETagOpaque
			p.AnswerDigest, p.AnswerHeader = objstore.CRC64ECMA, "X"
		}),
		"opaque": small(func(p *objstore.Profile) {
			p.PartETag, p.FinalETag, p.FullDigest = objstore.ETagOpaque, objstore.ETagOpaque, false
		}),
	}
}

// TestModel runs random sequences of operations against a file and a byte slice.
func TestModel(t *testing.T) {
	for name, p := range modelProfiles() {
		t.Run(name, func(t *testing.T) {
			if *seed != 0 {
				runModel(t, p, *seed)
				return
			}
			for s := *begin; s < *begin+uint64(*seeds); s++ {
				if !t.Run(fmt.Sprint(s), func(t *testing.T) { runModel(t, p, s) }) {
					t.Fatalf("run again with -run 'TestModel/%s' -model.seed %d", name, s)
				}
			}
		})
	}
}

type model struct {
	t     *testing.T
	r     *rand.Rand
	store *mem.Store
	u     *uploader.Uploader
	f     *uploader.File
	want  []byte // the file
	saved []byte // the object; nil is none
	dir   string
	key   string
	info  objstore.Info
	log   []string

	// onError is told of operations that failed. nil means that none may.
	onError func(what string, err error)
}

// failed reports that an operation came to nothing.
func (m *model) failed(what string, err error) bool {
	if err == nil {
		return false
	}
	m.did("%s: %v", what, err)
	if m.onError == nil {
		m.t.Fatalf("%s: %v\n%s", what, err, strings.Join(m.log, "\n"))
	}
	m.onError(what, err)
	return true
}

func runModel(t *testing.T, p objstore.Profile, seed uint64) {
	store := mem.New(p)
	m := &model{t: t, r: rand.New(rand.NewPCG(seed, 1)), store: store, dir: "dir/", key: "dir/file"}
	m.u = newUploader(t, store, smallConfig(t))
	m.f = m.u.Open(m.key, uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
	for range 5 + m.r.IntN(40) {
		m.step()
		if t.Failed() {
			break
		}
	}
	m.commit()
	m.close()
	if err := m.u.Close(); err != nil {
		t.Errorf("close uploader: %v", err)
	}
	if n := store.Uploads(); n != 0 {
		t.Errorf("%d uploads left unfinished", n)
	}
	for _, k := range store.Keys() {
		if k != m.key {
			t.Errorf("object %q left behind", k)
		}
	}
	if t.Failed() {
		t.Logf("sequence:\n%s", strings.Join(m.log, "\n"))
	}
}

func (m *model) did(format string, args ...any) { m.log = append(m.log, fmt.Sprintf(format, args...)) }

func (m *model) step() {
	switch k := m.r.IntN(100); {
	case k < 25:
		m.write(int64(len(m.want)), 1+m.r.IntN(150_000)) // append
	case k < 55:
		m.write(m.r.Int64N(int64(len(m.want))+200_000), 1+m.r.IntN(1<<m.r.IntN(19)))
	case k < 60:
		m.write(0, 1+m.r.IntN(5000)) // header
	case k < 75:
		m.read()
	case k < 83:
		m.truncate()
	case k < 85:
		m.punch()
	case k < 93:
		m.commit()
	case k < 97:
		m.commit()
		m.close()
		m.open()
	default:
		m.rename()
	}
	if err := m.f.Check(); err != nil {
		m.t.Errorf("%v\n%s", err, strings.Join(m.log, "\n"))
	}
}

// novel are bytes to write: never zero, which a hole would be, and different
// wherever they are taken from.
var novel = sync.OnceValue(func() []byte {
	p := noise(1, 4<<20)
	for i := range p {
		p[i] |= 1
	}
	return p
})

func (m *model) write(off int64, n int) {
	if off+int64(n) > 3_000_000 {
		return
	}
	m.did("write %d+%d", off, n)
	at := m.r.IntN(len(novel()) - n)
	p := novel()[at : at+n]
	k, err := m.f.WriteAt(m.t.Context(), p, off)
	if m.failed("write", err) {
		return
	}
	if k != n {
		m.t.Fatalf("wrote %d bytes of %d", k, n)
	}
	if end := int(off) + n; end > len(m.want) {
		m.want = append(m.want, make([]byte, end-len(m.want))...)
	}
	copy(m.want[off:], p)
}

func (m *model) read() {
	off := m.r.Int64N(int64(len(m.want)) + 1000)
	n := 1 + m.r.IntN(300_000)
	m.did("read %d+%d", off, n)
	p := make([]byte, n)
	k, err := m.f.ReadAt(m.t.Context(), p, off)
	if m.failed("read", err) {
		return
	}
	want := m.want[min(int(off), len(m.want)):min(int(off)+n, len(m.want))]
	if !bytes.Equal(p[:k], want) {
		m.t.Errorf("read %d+%d: %s", off, n, difference(p[:k], want))
	}
}

func (m *model) truncate() {
	n := m.r.IntN(len(m.want) + 200_000)
	if m.r.IntN(10) == 0 {
		n = 0
	}
	m.truncateTo(n)
}

func (m *model) truncateTo(n int) {
	m.did("truncate %d to %d", len(m.want), n)
	if m.failed("truncate", m.f.Truncate(m.t.Context(), int64(n))) {
		return
	}
	if n <= len(m.want) {
		m.want = m.want[:n:n]
	} else {
		m.want = append(m.want, make([]byte, n-len(m.want))...)
	}
}

func (m *model) punch() {
	off, n := m.r.Int64N(int64(len(m.want))+1000), m.r.Int64N(400_000)
	m.did("punch %d+%d", off, n)
	if m.failed("punch", m.f.Punch(m.t.Context(), off, n)) {
		return
	}
	clear(m.want[min(int(off), len(m.want)):min(int(off+n), len(m.want))])
}

func (m *model) commit() {
	m.did("commit")
	info, err := m.f.Commit(m.t.Context())
	if m.failed("commit", err) {
		return
	}
	got, seen, ok := m.store.Object(m.key)
	if !ok {
		m.t.Fatalf("no object after commit\n%s", strings.Join(m.log, "\n"))
	}
	if !bytes.Equal(got, m.want) {
		m.t.Errorf("committed: %s", difference(got, m.want))
	}
	if seen.ETag != info.ETag || info.Size != int64(len(m.want)) || m.f.Dirty() {
		m.t.Errorf("commit says %q of %d bytes, dirty %v; the store has %q of %d", info.ETag, info.Size, m.f.Dirty(), seen.ETag, seen.Size)
	}
	m.saved, m.info = bytes.Clone(got), info
}

func (m *model) close() {
	m.did("close")
	if err := m.f.Close(m.t.Context()); err != nil {
		m.t.Errorf("close: %v", err)
	}
}

// open begins again over the committed object, known in full or from a listing.
func (m *model) open() {
	if m.saved == nil {
		m.did("open new")
		m.f = m.u.Open(m.key, uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
		return
	}
	full := m.r.IntN(2) == 0
	m.did("open full=%v", full)
	info := m.info
	if !full {
		info = objstore.Info{Key: info.Key, Size: info.Size, ETag: info.ETag}
	}
	m.f = m.u.Open(m.key, uploader.OpenOptions{Base: &info, Guard: objstore.Condition{ETag: info.ETag}})
}

// rename moves the file before it is committed, as fs does with a file that is
// open: what was committed under the old name is copied and removed.
func (m *model) rename() {
	to := m.dir + "file"
	if m.key == to {
		to = m.dir + "other"
	}
	m.did("rename %s to %s", m.key, to)
	if m.failed("rename", m.f.Rename(m.t.Context(), to, objstore.Condition{Absent: true})) {
		return
	}
	if _, seen, ok := m.store.Object(m.key); ok {
		seen.Key = m.key
		info, err := m.move(to, seen)
		if err != nil {
			m.t.Fatalf("copy: %v", err)
		}
		if err := m.store.Delete(context.Background(), m.key); err != nil {
			m.t.Fatal(err)
		}
		m.info.Key, m.info.ETag = to, info.ETag
		m.f.Rebase(info)
	}
	m.key = to
}

// move copies an object. Where requests may fail it goes to the store directly.
func (m *model) move(to string, from objstore.Info) (objstore.Info, error) {
	if m.onError == nil {
		return m.u.Copy(m.t.Context(), to, from, objstore.CopyOptions{})
	}
	data, _, _ := m.store.Object(from.Key)
	body := objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data))}
	return m.store.Put(context.Background(), to, body, objstore.PutOptions{ObjectOptions: from.ObjectOptions})
}

func difference(got, want []byte) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			j := i
			for j < len(got) && got[j] != want[j] {
				j++
			}
			return fmt.Sprintf("bytes %d-%d differ: %x, want %x", i, j, got[i:min(i+8, j)], want[i:min(i+8, j)])
		}
	}
	return "equal"
}
