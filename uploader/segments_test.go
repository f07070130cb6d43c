package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// The grid of these tests: six direct cells up to byte 90,000, and segments of
// twenty cells, 400,000 bytes, for the 44 numbers that are left of fifty.
const (
	directEnd   = 3*10_000 + 3*20_000
	segmentSize = 400_000
	largest     = directEnd + 44*segmentSize
)

func segmented(change ...func(*objstore.Profile)) objstore.Profile {
	p, _ := objstore.ProfileByName("aws")
	p.Part = objstore.PartLimits{Min: 10_000, Max: 1 << 30, Align: 1000, MaxCount: 50}
	p.MaxCopy = 419_430
	for _, c := range change {
		c(&p)
	}
	return p
}

func segmentedUploader(t testing.TB, store *mem.Store, memory int64) *uploader.Uploader {
	return newUploader(t, store, uploader.Config{
		Memory: memory, Threshold: 15_000, Concurrency: 4, SpillDir: t.TempDir(),
		Ladder: []uploader.Rung{{Size: 10_000, PerMille: 60}, {Size: 20_000, PerMille: 60}},
	})
}

// TestLargestFile fills a file to the last byte that the plan has room for.
func TestLargestFile(t *testing.T) {
	store := mem.New(segmented())
	u := segmentedUploader(t, store, 4<<20)
	if u.MaxSize() != largest {
		t.Fatalf("the largest file has %d bytes, want %d", u.MaxSize(), largest)
	}
	f := u.Open("f", uploader.OpenOptions{})
	want := noise(1, largest)
	for off := 0; off < largest; off += 1 << 20 {
		mustWrite(t, f, want[off:min(off+1<<20, largest)], int64(off))
	}
	tooLarge := func(what string, n int, err error) {
		if n != 0 || !errors.Is(err, uploader.ErrTooLarge) {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
	n, err := f.WriteAt(t.Context(), []byte{1}, largest)
	tooLarge("write behind the end", n, err)
	n, err = f.WriteAt(t.Context(), make([]byte, 2), largest-1)
	tooLarge("write across the end", n, err)
	n, err = f.WriteAt(t.Context(), []byte{1}, 1<<63-1)
	tooLarge("write at the end of the world", n, err)
	tooLarge("truncate", 0, f.Truncate(t.Context(), largest+1))
	tooLarge("extend", 0, f.Extend(t.Context(), largest+1))
	if err := f.Extend(t.Context(), largest-1); err != nil {
		t.Error("extend to less:", err)
	}
	if f.Size() != largest || f.Err() != nil {
		t.Errorf("%d bytes, %v", f.Size(), f.Err())
	}
	mustWrite(t, f, []byte("header"), 0)
	copy(want, "header")
	mustCommit(t, f)
	holds(t, store, "f", want)
	cells := int64(6 + 44*20)
	if s := u.Stats(); s.Parts != cells+1 || s.Staged != 44 || s.Copies != 44 {
		t.Errorf("%d parts, %d hidden objects, %d copies; want %d, 44, 44", s.Parts, s.Staged, s.Copies, cells+1)
	}
	tooLarge("write behind the end of the object", 0, writeAt(f, []byte{1}, largest))
	holds(t, store, "f", want)
	mustClose(t, f)
	nothingLeft(t, u, store)
	if keys := store.Keys(); len(keys) != 1 {
		t.Errorf("left behind: %v", keys)
	}
}

func writeAt(f *uploader.File, p []byte, off int64) error {
	_, err := f.WriteAt(context.Background(), p, off)
	return err
}

// TestHeaderRewrite patches the start of a file after any amount of data: it
// costs one part, sent again under its number.
func TestHeaderRewrite(t *testing.T) {
	for _, size := range []int{20_000, directEnd, directEnd + 1, directEnd + segmentSize, 5_000_001} {
		store := mem.New(segmented())
		u := segmentedUploader(t, store, 768<<10)
		f := u.Open("f", uploader.OpenOptions{})
		want := noise(1, size)
		mustWrite(t, f, want, 0)
		for i := range 50 {
			header := fmt.Appendf(nil, "header %d", i)
			mustWrite(t, f, header, int64(i))
			copy(want[i:], header)
		}
		mustCommit(t, f)
		holds(t, store, "f", want)
		plain := mem.New(segmented())
		v := segmentedUploader(t, plain, 768<<10)
		g := v.Open("f", uploader.OpenOptions{})
		mustWrite(t, g, want, 0)
		mustCommit(t, g)
		if n, least := u.Stats(), v.Stats(); n.Parts > least.Parts+1 || n.Staged != least.Staged || n.Copies != least.Copies {
			t.Errorf("%d bytes: %d parts, %d hidden objects, %d copies; without a header %d, %d, %d",
				size, n.Parts, n.Staged, n.Copies, least.Parts, least.Staged, least.Copies)
		}
		mustClose(t, f)
		mustClose(t, g)
		nothingLeft(t, u, store)
	}
}

// TestSegmentsInAnyOrder writes far past the direct cells in any order, with
// holes, rewrites and cuts, in little memory and in enough.
func TestSegmentsInAnyOrder(t *testing.T) {
	profiles := map[string]objstore.Profile{
		"free":        segmented(),
		"consecutive": segmented(func(p *objstore.Profile) { p.Part.Consecutive = true }),
		"opaque": segmented(func(p *objstore.Profile) {
			p.PartETag, p.FinalETag, p.FullDigest = objstore.ETagOpaque, objstore.ETagOpaque, false
		}),
	}
	for name, p := range profiles {
		t.Run(name, func(t *testing.T) {
			for s := range uint64(12) {
				store := mem.New(p)
				u := segmentedUploader(t, store, []int64{768 << 10, 8 << 20}[s%2])
				f := u.Open("f", uploader.OpenOptions{})
				r := rand.New(rand.NewPCG(s, 15))
				want := make([]byte, 0, 3_000_000)
				data := noise(s, 3_000_000)
				write := func(off, n int) {
					n = min(n, cap(want)-off)
					mustWrite(t, f, data[n/2:n/2+n], int64(off))
					want = want[:max(len(want), off+n)]
					copy(want[off:], data[n/2:n/2+n])
				}
				for _, off := range order(r, cap(want), 35_001, 1<<20) {
					if r.IntN(10) > 0 { // else a hole
						write(off, 35_001)
					}
					if r.IntN(20) == 0 {
						write(r.IntN(len(want)), 1+r.IntN(60_000))
					}
					if r.IntN(40) == 0 {
						n := len(want) - r.IntN(min(len(want), 300_000))
						if err := f.Truncate(t.Context(), int64(n)); err != nil {
							t.Fatal(err)
						}
						clear(want[n:])
						want = want[:n]
					}
				}
				if err := f.Check(); err != nil {
					t.Error(err)
				}
				mustCommit(t, f)
				holds(t, store, "f", want)
				write(len(want)/2, 3)
				mustCommit(t, f)
				holds(t, store, "f", want)
				mustClose(t, f)
				nothingLeft(t, u, store)
				if t.Failed() {
					t.Fatalf("seed %d", s)
				}
			}
		})
	}
}

// TestSegmentsWithGaps leaves cells of a segment out, at a store that refuses
// gaps in the numbers.
func TestSegmentsWithGaps(t *testing.T) {
	store := mem.New(segmented(func(p *objstore.Profile) { p.Part.Consecutive = true }))
	u := segmentedUploader(t, store, 4<<20)
	f := u.Open("f", uploader.OpenOptions{})
	want := make([]byte, directEnd+segmentSize+120_000)
	for _, off := range []int{directEnd + 40_000, directEnd + 100_000, directEnd + segmentSize + 60_000} {
		copy(want[off:], noise(1, 20_000))
		mustWrite(t, f, want[off:off+20_000], int64(off))
	}
	if err := f.Truncate(t.Context(), int64(len(want))); err != nil {
		t.Error(err)
	}
	mustCommit(t, f)
	holds(t, store, "f", want)
	mustClose(t, f)
	nothingLeft(t, u, store)
}

// TestManyPatches changes an object in more places than there are part numbers.
func TestManyPatches(t *testing.T) {
	store := mem.New(segmented())
	u := segmentedUploader(t, store, 768<<10)
	f := u.Open("f", uploader.OpenOptions{})
	want := noise(1, 900_000)
	mustWrite(t, f, want, 0)
	mustCommit(t, f)
	for off := 5_000; off < len(want); off += 21_000 {
		mustWrite(t, f, []byte("patch"), int64(off))
		copy(want[off:], "patch")
	}
	mustCommit(t, f)
	holds(t, store, "f", want)
	mustClose(t, f)
	nothingLeft(t, u, store)
}

// watched is a store that keeps what its readers could see under a name.
type watched struct {
	*mem.Store
	key   string
	shown [][]byte // each state of the name; nil is no object
}

func (w *watched) look() {
	data, _, ok := w.Object(w.key)
	if !ok {
		data = nil
	}
	if n := len(w.shown); n == 0 || !bytes.Equal(w.shown[n-1], data) || (w.shown[n-1] == nil) != (data == nil) {
		w.shown = append(w.shown, data)
	}
}

func (w *watched) Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	info, err := w.Store.Complete(ctx, up, parts, opts)
	if up.Key == w.key { // those of segments come from any goroutine
		w.look()
	}
	return info, err
}

func (w *watched) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error) {
	info, err := w.Store.Copy(ctx, dst, src, opts)
	if dst == w.key {
		w.look()
	}
	return info, err
}

func (w *watched) Delete(ctx context.Context, key string) error {
	err := w.Store.Delete(ctx, key)
	if key == w.key {
		w.look()
	}
	return err
}

// squeeze has a file lose all that it holds and that is at the store.
func squeeze(t testing.TB, u *uploader.Uploader, f *uploader.File) {
	t.Helper()
	if err := f.Truncate(context.Background(), f.Size()); err != nil { // waits for what is on its way
		t.Error(err)
	}
	other := u.Open("other", uploader.OpenOptions{})
	for i := range u.Stats().MemoryMax / chunk {
		mustWrite(t, other, []byte{1}, i*chunk) // never a whole cell
	}
	other.Unlink()
	mustClose(t, other)
}

// TestRewriteOfWhatIsGone writes into cells that are not held any more. The name
// shows the object as it was or as it is committed, but for one moment the first
// time, when the upload was begun under the name and cannot go elsewhere.
func TestRewriteOfWhatIsGone(t *testing.T) {
	for _, exists := range []bool{false, true} {
		w := &watched{Store: mem.New(segmented()), key: "f"}
		var before []byte
		open := uploader.OpenOptions{Guard: objstore.Condition{Absent: true}}
		if exists {
			before = noise(9, 123_456)
			open.Guard = objstore.Condition{ETag: putObject(t, w, "f", before).ETag}
		}
		w.look()
		u := newUploader(t, w, uploader.Config{
			Memory: 384 << 10, Threshold: 15_000, Concurrency: 4, SpillDir: t.TempDir(),
			Ladder: []uploader.Rung{{Size: 10_000, PerMille: 60}, {Size: 20_000, PerMille: 60}},
		})
		f := u.Open("f", open)
		want := noise(1, 700_000)
		mustWrite(t, f, want, 0)
		squeeze(t, u, f)
		mustWrite(t, f, []byte("again"), 35_000)
		copy(want[35_000:], "again")
		got := make([]byte, 20_000)
		if n, err := f.ReadAt(t.Context(), got, 30_000); n != len(got) || err != nil || !bytes.Equal(got, want[30_000:50_000]) {
			t.Errorf("read: %d, %v, %s", n, err, difference(got, want[30_000:50_000]))
		}
		if len(w.shown) != 3 || !bytes.Equal(w.shown[2], before) || (w.shown[2] == nil) == exists {
			t.Errorf("exists %v: the name had %d states, and not at last the one it began with", exists, len(w.shown))
		}
		w.shown = nil
		mustWrite(t, f, want, 0) // what is sent from now on, goes to a hidden key
		squeeze(t, u, f)
		mustWrite(t, f, []byte("twice"), 55_000)
		copy(want[55_000:], "twice")
		mustCommit(t, f)
		if len(w.shown) != 1 {
			t.Errorf("exists %v: the name had %d states where it should have had one", exists, len(w.shown))
		}
		holds(t, w.Store, "f", want)
		mustClose(t, f)
		nothingLeft(t, u, w.Store)
	}
}

// TestReadOfWhatIsGone reads back what is only in an unfinished segment: that
// segment is finished, and nothing else.
func TestReadOfWhatIsGone(t *testing.T) {
	w := &watched{Store: mem.New(segmented()), key: "f"}
	u := newUploader(t, w, uploader.Config{
		Memory: 384 << 10, Threshold: 15_000, Concurrency: 4, SpillDir: t.TempDir(),
		Ladder: []uploader.Rung{{Size: 10_000, PerMille: 60}, {Size: 20_000, PerMille: 60}},
	})
	f := u.Open("f", uploader.OpenOptions{Guard: objstore.Condition{Absent: true}})
	want := noise(1, directEnd+segmentSize/2)
	mustWrite(t, f, want, 0)
	squeeze(t, u, f)
	got := make([]byte, 1000)
	if n, err := f.ReadAt(t.Context(), got, directEnd+100_000); n != len(got) || err != nil || !bytes.Equal(got, want[directEnd+100_000:][:1000]) {
		t.Errorf("read: %d, %v", n, err)
	}
	if s := u.Stats(); s.Staged != 1 || len(w.shown) != 0 {
		t.Errorf("%d hidden objects were made, and the name had %d states", s.Staged, len(w.shown))
	}
	more := noise(2, segmentSize)
	mustWrite(t, f, more, int64(len(want)))
	want = append(want, more...)
	mustCommit(t, f)
	holds(t, w.Store, "f", want)
	mustClose(t, f)
	nothingLeft(t, u, w.Store)
}

// TestNothingToStageWith reads, renames and rewrites what is gone at a store that
// cannot copy parts: it cannot be had, and the file is none the worse for asking.
func TestNothingToStageWith(t *testing.T) {
	store := mem.New(segmented(func(p *objstore.Profile) { p.PartCopy = false }))
	u := segmentedUploader(t, store, 384<<10)
	f := u.Open("f", uploader.OpenOptions{})
	want := noise(1, 300_000)
	mustWrite(t, f, want, 0)
	squeeze(t, u, f)
	if n, err := f.ReadAt(t.Context(), make([]byte, 10), 40_000); n != 0 || !errors.Is(err, objstore.ErrUnsupported) {
		t.Errorf("read: %d, %v", n, err)
	}
	if err := f.Rename(t.Context(), "g", objstore.Condition{}); !errors.Is(err, objstore.ErrUnsupported) {
		t.Errorf("rename: %v", err)
	}
	if err := f.Err(); err != nil {
		t.Errorf("the file failed: %v", err)
	}
	mustCommit(t, f)
	holds(t, store, "f", want)
	mustWrite(t, f, []byte("patch"), 100_000)
	copy(want[100_000:], "patch")
	mustCommit(t, f)
	holds(t, store, "f", want)
	mustWrite(t, f, want, 0)
	squeeze(t, u, f)
	mustWrite(t, f, []byte("again"), 40_000)
	if _, err := f.Commit(t.Context()); !errors.Is(err, objstore.ErrUnsupported) {
		t.Errorf("commit: %v", err)
	}
	holds(t, store, "f", want)
	if err := f.Close(t.Context()); !errors.Is(err, objstore.ErrUnsupported) {
		t.Errorf("close: %v", err)
	}
	nothingLeft(t, u, store)
}
