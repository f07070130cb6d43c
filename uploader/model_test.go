package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

var (
	seeds = flag.Int("model.seeds", max(10, 500/scale), "random sequences that the model test runs; many with -tags smallchunks")
	begin = flag.Uint64("model.first", 1, "the first of them")
	seed  = flag.Uint64("model.seed", 0, "run only this sequence")
)

// small is a profile scaled down so that a few hundred kB visit every turn of
// the grid: parts of 100 kB, nine direct ones of a hundred, segments of 400 kB.
func small(change ...func(*objstore.Profile)) objstore.Profile {
	p, _ := objstore.ProfileByName("aws")
	p.Part = objstore.PartLimits{Min: 100 * kB * scale, Max: 1 << 30, Align: kB * scale, MaxCount: 100}
	p.MaxCopy = 400 * kB * scale
	for _, c := range change {
		c(&p)
	}
	return p
}

func smallConfig(t testing.TB) uploader.Config {
	return uploader.Config{
		Memory: 32 * uploader.ChunkSize, Threshold: 150 * kB * scale, Concurrency: 4, SpillDir: t.TempDir(),
		Ladder: []uploader.Rung{{Size: 100 * kB * scale, PerMille: 50}, {Size: 200 * kB * scale, PerMille: 40}},
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

// TestModel plays random sequences of operations on files and on byte slices: those
// that failed once, and new ones.
func TestModel(t *testing.T) {
	for name, k := range modelKinds() {
		t.Run(name, func(t *testing.T) {
			if *seed != 0 {
				must(t, k, *seed, generate(*seed), nil)
				return
			}
			for what, text := range kept {
				seq, err := parseSequence(text)
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				must(t, k, 0, seq, nil)
			}
			end := *begin + uint64(*seeds)
			for s := *begin; s < end && !t.Failed(); s += groundSize {
				k.playFrom(t, s, min(s+groundSize, end))
			}
		})
	}
}

// groundSize is how many sequences are played with one uploader: each finds its
// memory as the others left it.
const groundSize = 100

// playFrom plays the sequences from one seed up to another on one ground.
func (k kind) playFrom(t *testing.T, from, to uint64) {
	g := newGround(t, k)
	defer g.close(t)
	for s := from; s < to && !t.Failed(); s++ {
		must(t, k, s, generate(s), g)
	}
}

// ground is what sequences are played on, one after the other.
type ground struct {
	store  *observed
	u      *uploader.Uploader
	played int
}

func newGround(t testing.TB, k kind) *ground {
	g := &ground{store: &observed{Store: mem.New(k.profile)}}
	g.u = newUploader(t, g.store, k.config(t))
	return g
}

func (g *ground) close(t testing.TB) {
	if err := g.u.Close(); err != nil {
		t.Errorf("close uploader: %v", err)
	}
}

// play plays a sequence.
func (g *ground) play(seq []operation) (int, error) {
	g.played++
	m := newModel(g.store.Store, g.u, fmt.Sprint(g.played, "/"))
	m.visits = g.store.visits
	if !g.store.Profile().PartCopy {
		m.onError = m.cannotCopy
	}
	i, err := m.play(seq)
	if err == nil {
		err = m.end()
	}
	if err == nil {
		err = errors.Join(m.nothingHeld(), m.nothingLeft())
	}
	return i, err
}

// model is some files and what should be in them.
type model struct {
	store *mem.Store
	u     *uploader.Uploader
	dir   string // what the keys begin with
	files [files]*modelFile

	visits *visits // nil where nobody asks

	// onError is told of operations that failed. nil means that none may.
	onError func(f *modelFile, what string, err error) error
	// onArm is told to let the store fail.
	onArm func(o operation)
}

// modelFile is a file of the model.
type modelFile struct {
	f     *uploader.File
	name  string
	key   string
	want  []byte // the file
	saved []byte // the object; nil is none
	info  objstore.Info
}

func newModel(store *mem.Store, u *uploader.Uploader, dir string) *model {
	m := &model{store: store, u: u, dir: dir}
	for i := range m.files {
		f := &modelFile{name: fmt.Sprint(dir, string(rune('a'+i)))}
		f.key = f.name
		m.files[i] = f
		m.open(f, false)
	}
	return m
}

// play does operations until something is not as it should be, and returns how many.
func (m *model) play(seq []operation) (int, error) {
	for i, o := range seq {
		f := m.files[o.f]
		if err := errors.Join(m.do(f, o), f.f.Check()); err != nil {
			return i, fmt.Errorf("%v: %w", o, err)
		}
		if m.visits != nil {
			m.visits.see(turnsOf(f.f)...)
		}
		runtime.Gosched() // so that parts leave now and then, also on one processor
	}
	return len(seq), nil
}

// end commits and closes all files.
func (m *model) end() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, m.commit(f), f.f.Close(context.Background()))
	}
	return errors.Join(errs...)
}

// nothingHeld makes sure that closed files hold no memory.
func (m *model) nothingHeld() error {
	if s := m.u.Stats(); s.Memory != 0 || s.Spilled != 0 || s.Files != 0 || s.InFlight != 0 {
		return fmt.Errorf("left behind: %+v", s)
	}
	return nil
}

// nothingLeft makes sure that closed files left nothing but their objects.
func (m *model) nothingLeft() error {
	if n := m.store.Uploads(); n != 0 {
		return fmt.Errorf("%d uploads left unfinished", n)
	}
	known := map[string]bool{}
	for _, f := range m.files {
		known[f.key] = true
	}
	for _, k := range m.store.Keys() {
		if !known[k] {
			return fmt.Errorf("object %q left behind", k)
		}
		if err := m.store.Delete(context.Background(), k); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) do(f *modelFile, o operation) error {
	off, n := o.off*scale, o.n*scale
	switch o.what {
	case "write":
		return m.write(f, off, n, o.salt)
	case "read":
		return m.read(f, off, n)
	case "truncate":
		return m.truncate(f, n)
	case "punch":
		return m.punch(f, off, n)
	case "commit":
		return m.commit(f)
	case "reopen", "reopen listed":
		return m.reopen(f, o.what == "reopen listed")
	case "rename":
		return m.rename(f)
	case "give up":
		return m.giveUp(f)
	case "arm":
		m.onArm(o)
		return nil
	}
	return fmt.Errorf("do not know how to %s", o.what)
}

// failed says what it means that an operation failed.
func (m *model) failed(f *modelFile, what string, err error) error {
	if m.onError == nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return m.onError(f, what, err)
}

// novel are bytes to write: never zero, which a hole would be, and different
// wherever they are taken from.
var novel = sync.OnceValue(func() []byte {
	p := noise(1, longest*scale+1<<16)
	for i := range p {
		p[i] |= 1
	}
	return p
})

// tooLarge makes sure that what the store cannot hold is refused, and nothing else.
func (m *model) tooLarge(end int64, err error) (refused bool, wrong error) {
	refused = errors.Is(err, uploader.ErrTooLarge)
	if refused != (end > m.u.MaxSize()) {
		return refused, fmt.Errorf("up to %d of at most %d: %w", end, m.u.MaxSize(), err)
	}
	if refused {
		m.visits.see("too large")
	}
	return refused, nil
}

func (m *model) write(f *modelFile, off, n, salt int64) error {
	p := novel()[salt : salt+n]
	k, err := f.f.WriteAt(context.Background(), p, off)
	if refused, wrong := m.tooLarge(off+n, err); refused || wrong != nil {
		return wrong
	}
	if err != nil {
		return m.failed(f, "write", err)
	}
	if int64(k) != n {
		return fmt.Errorf("wrote %d bytes of %d", k, n)
	}
	f.resize(max(int64(len(f.want)), off+n))
	copy(f.want[off:], p)
	return nil
}

func (f *modelFile) resize(n int64) {
	if have := int64(len(f.want)); n > have {
		f.want = append(f.want, make([]byte, n-have)...)
	} else {
		f.want = f.want[:n]
	}
}

func (m *model) read(f *modelFile, off, n int64) error {
	p := make([]byte, n)
	k, err := f.f.ReadAt(context.Background(), p, off)
	if err != nil {
		return m.failed(f, "read", err)
	}
	size := int64(len(f.want))
	return differ(p[:k], f.want[min(off, size):min(off+n, size)])
}

func (m *model) truncate(f *modelFile, n int64) error {
	resize := f.f.Truncate
	if n > int64(len(f.want)) && n%2 == 1 {
		resize = f.f.Extend
	}
	err := resize(context.Background(), n)
	if refused, wrong := m.tooLarge(n, err); refused || wrong != nil {
		return wrong
	}
	if err != nil {
		return m.failed(f, "truncate", err)
	}
	f.resize(n)
	return nil
}

func (m *model) punch(f *modelFile, off, n int64) error {
	if err := f.f.Punch(context.Background(), off, n); err != nil {
		return m.failed(f, "punch", err)
	}
	size := int64(len(f.want))
	clear(f.want[min(off, size):min(off+n, size)])
	return nil
}

func (m *model) commit(f *modelFile) error {
	info, err := f.f.Commit(context.Background())
	if err != nil {
		return m.failed(f, "commit", err)
	}
	got, seen, ok := m.store.Object(f.key)
	if !ok {
		return errors.New("no object after commit")
	}
	if err := differ(got, f.want); err != nil {
		return fmt.Errorf("committed: %w", err)
	}
	if seen.ETag != info.ETag || info.Size != int64(len(f.want)) || f.f.Dirty() {
		return fmt.Errorf("commit says %q of %d bytes, dirty %v; the store has %q of %d", info.ETag, info.Size, f.f.Dirty(), seen.ETag, seen.Size)
	}
	f.saved, f.info = got, info
	return nil
}

// reopen commits a file, closes it, and opens it again.
func (m *model) reopen(f *modelFile, listed bool) error {
	was := f.f
	if err := m.commit(f); err != nil || f.f != was { // it failed, and was opened again
		return err
	}
	if err := f.f.Close(context.Background()); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	m.open(f, listed)
	return nil
}

// giveUp drops what was not committed, as when a writer was killed.
func (m *model) giveUp(f *modelFile) error {
	f.f.Discard(uploader.ErrWriterKilled)
	if err := f.f.Close(context.Background()); f.f.Err() == nil || !errors.Is(err, f.f.Err()) {
		return fmt.Errorf("close what was given up: %w", err)
	}
	got, info, ok := m.store.Object(f.key)
	if ok != (f.saved != nil) || !bytes.Equal(got, f.saved) {
		return fmt.Errorf("given up, the object is there: %v, should be: %v; %s", ok, f.saved != nil, difference(got, f.saved))
	}
	if ok { // it may have been put back as a copy
		f.info.ETag = info.ETag
	}
	f.want = bytes.Clone(f.saved)
	m.open(f, false)
	return nil
}

// cannotCopy allows for what only a store that copies parts could do: to take back
// what was sent and is not held any more. The object is then as it was.
func (m *model) cannotCopy(f *modelFile, what string, err error) error {
	if !errors.Is(err, objstore.ErrUnsupported) {
		return fmt.Errorf("%s: %w", what, err)
	}
	m.visits.see("unsupported: " + what)
	if f.f.Err() == nil {
		return nil // nothing has happened
	}
	return m.giveUp(f)
}

// open begins over the committed object, known in full or from a listing.
func (m *model) open(f *modelFile, listed bool) {
	if f.saved == nil {
		f.f = m.u.Open(f.key, uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
		return
	}
	info := f.info
	if listed {
		info = objstore.Info{Key: info.Key, Size: info.Size, ETag: info.ETag}
	}
	f.f = m.u.Open(f.key, uploader.OpenOptions{Base: &info, Guard: objstore.Condition{ETag: info.ETag}})
}

// rename moves the file before it is committed, as fs does with a file that is
// open: what was committed under the old name is copied and removed.
func (m *model) rename(f *modelFile) error {
	to := f.name
	if f.key == to {
		to += "-renamed"
	}
	was := f.f
	if err := f.f.Rename(context.Background(), to, objstore.Condition{Absent: true}); err != nil {
		return m.failed(f, "rename", err)
	}
	if f.f != was {
		return nil
	}
	if _, seen, ok := m.store.Object(f.key); ok {
		seen.Key = f.key
		info, err := m.move(to, seen)
		if err == nil {
			err = m.store.Delete(context.Background(), f.key)
		}
		if err != nil {
			return fmt.Errorf("move: %w", err)
		}
		f.info.Key, f.info.ETag = to, info.ETag
		f.f.Rebase(info)
	}
	f.key = to
	return nil
}

// move copies an object. Where requests may fail it goes to the store directly.
func (m *model) move(to string, from objstore.Info) (objstore.Info, error) {
	if m.onError == nil {
		return m.u.Copy(context.Background(), to, from, objstore.CopyOptions{})
	}
	data, _, _ := m.store.Object(from.Key)
	body := objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data))}
	return m.store.Put(context.Background(), to, body, objstore.PutOptions{ObjectOptions: from.ObjectOptions})
}

// differ says how bytes are not what they should be.
func differ(got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	return errors.New(difference(got, want))
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
