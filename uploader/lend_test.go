package uploader_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// borrower has all of an uploader's memory that it can get.
type borrower struct {
	u     *uploader.Uploader
	mu    sync.Mutex
	loans []loan
}

type loan struct {
	b        []byte
	giveBack func()
}

// borrow writes into what it gets, and returns how many bytes that was.
func (b *borrower) borrow() (got int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		p, giveBack := b.u.Lend(uploader.LoanSize)
		if p == nil {
			return got
		}
		mark := byte(len(b.loans) + 1)
		for i := range p {
			p[i] = mark
		}
		b.loans = append(b.loans, loan{p, giveBack})
		got += int64(len(p))
	}
}

// giveBack gives back what was borrowed last, n bytes of it, and reports whether
// anybody else has written to it.
func (b *borrower) giveBack(n int64) (spoiled bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ; n > 0 && len(b.loans) > 0; n -= uploader.LoanSize {
		last := len(b.loans) - 1
		l := b.loans[last]
		spoiled = spoiled || len(bytes.Trim(l.b, string([]byte{byte(last + 1)}))) > 0
		l.giveBack()
		b.loans = b.loans[:last]
	}
	return spoiled
}

func (b *borrower) has() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int64(len(b.loans)) * uploader.LoanSize
}

// tightLender is an uploader with little memory, and who borrows of it.
func tightLender(t *testing.T, change ...func(*uploader.Config)) (*uploader.Uploader, *borrower, *mem.Store) {
	store := mem.New(tight())
	cfg := tightConfig(t, store.Profile())
	cfg.Memory = 16 * uploader.LoanSize
	for _, c := range change {
		c(&cfg)
	}
	u := newUploader(t, store, cfg)
	return u, &borrower{u: u}, store
}

func TestThreeQuartersAreLent(t *testing.T) {
	u, b, _ := tightLender(t)
	u.OnShort(func(int64) {})
	if p, _ := u.Lend(uploader.LoanSize + 1); p != nil {
		t.Error("more than a loan was lent at once")
	}
	if spare := u.Spare(); spare != 12*uploader.LoanSize {
		t.Errorf("%d loans could be made of 16", spare/uploader.LoanSize)
	}
	if got := b.borrow(); got != 12*uploader.LoanSize || u.Stats().Lent != got || u.Stats().Memory != 0 || u.Spare() != got {
		t.Errorf("%d loans of 16 were made: %+v", got/uploader.LoanSize, u.Stats())
	}
	if b.giveBack(5 * uploader.LoanSize); u.Stats().Lent != 7*uploader.LoanSize {
		t.Errorf("%+v", u.Stats())
	}
	if got := b.borrow(); got != 5*uploader.LoanSize {
		t.Errorf("%d loans were made of 5", got/uploader.LoanSize)
	}
	if b.giveBack(b.has()) {
		t.Error("somebody wrote to what was lent")
	}
}

// TestWritersTakeFromLoans has a writer use more and more, and looks at how much could
// be lent beside that.
func TestWritersTakeFromLoans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, b, store := tightLender(t, func(c *uploader.Config) { c.Threshold = 0; c.Memory *= 3 })
		defer nothingLeft(t, u, store)
		u.OnShort(func(int64) {})
		f := u.Open("f", uploader.OpenOptions{})
		defer mustClose(t, f)
		// One byte of each cell: nothing of it can be sent.
		for i := range int64(20) {
			mustWrite(t, f, []byte{1}, i*cell)
		}
		total, used := int64(48*uploader.LoanSize), u.Stats().Memory
		if used != 20*chunk {
			t.Fatalf("%d chunks are used", used/chunk)
		}
		got := b.borrow()
		if most := total - total/4 - used; got > most || got < most-uploader.LoanSize || u.Spare() != got {
			t.Errorf("%d loans beside %d chunks, %d could be made", got/uploader.LoanSize, used/chunk, u.Spare()/uploader.LoanSize)
		}
		for i := range int64(20) {
			mustWrite(t, f, []byte{1}, (100+i)*cell)
		}
		if want := got - 20*chunk; u.Spare() != want {
			t.Errorf("%d loans could be made, want %d", u.Spare()/uploader.LoanSize, want/uploader.LoanSize)
		}
		b.giveBack(b.has())
		f.Discard(nil)
	})
}

// TestWhoWaitsIsGivenBackFirst has a file take all memory while as much as can be is
// lent: nothing is spilled, and nothing more comes back than is needed.
func TestWhoWaitsIsGivenBackFirst(t *testing.T) {
	u, b, store := tightLender(t)
	u.OnShort(func(n int64) { b.giveBack(n) })
	b.borrow()
	f := u.Open("f", uploader.OpenOptions{})
	const chunks = 40 // of 64
	for i := range int64(chunks) {
		mustWrite(t, f, []byte{1}, i*cell)
	}
	if s := u.Stats(); s.SpillTotal != 0 || s.Memory != chunks*chunk || s.Lent != 16*uploader.LoanSize-chunks*chunk {
		t.Errorf("%+v", s)
	}
	mustCommit(t, f)
	mustClose(t, f)
	b.giveBack(b.has())
	nothingLeft(t, u, store)
}

// TestWhoHasNothingElseWaitsForLoans has no place to spill to. A write does not fail as
// long as something is lent, and goes on when it is given back.
func TestWhoHasNothingElseWaitsForLoans(t *testing.T) {
	u, b, store := tightLender(t, func(c *uploader.Config) { c.SpillDir = "/nowhere" })
	asked := make(chan struct{}, 1000)
	u.OnShort(func(int64) { asked <- struct{}{} })
	b.borrow()
	f := u.Open("f", uploader.OpenOptions{})
	for i := range int64(16) { // what is not lent
		mustWrite(t, f, []byte{1}, i*cell)
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := f.WriteAt(t.Context(), []byte{1}, 16*cell)
		wrote <- err
	}()
	<-asked
	select {
	case err := <-wrote:
		t.Errorf("the write did not wait: %v", err)
	default:
	}
	if p, _ := u.Lend(uploader.LoanSize); p != nil {
		t.Error("something was lent while a writer waited")
	}
	b.giveBack(uploader.LoanSize)
	if err := <-wrote; err != nil {
		t.Errorf("the write failed: %v", err)
	}
	b.giveBack(b.has())
	for i := int64(17); i < 64; i++ {
		mustWrite(t, f, []byte{1}, i*cell)
	}
	if _, err := f.WriteAt(t.Context(), []byte{1}, 64*cell); !errors.Is(err, uploader.ErrNoSpace) {
		t.Errorf("there is no memory and nothing is lent: %v", err)
	}
	f.Discard(nil)
	_ = f.Close(t.Context())
	nothingLeft(t, u, store)
}

// TestWritersBesideLoans streams through little memory, of which all that can be is lent
// all the time, to several who give back when they are asked, or by themselves.
func TestWritersBesideLoans(t *testing.T) {
	u, _, store := tightLender(t)
	borrowers := []*borrower{{u: u}, {u: u}, {u: u}}
	u.OnShort(func(n int64) {
		for _, b := range borrowers {
			if b.giveBack(n) {
				t.Error("somebody wrote to what was lent")
			}
		}
	})
	over := make(chan struct{})
	var borrowing, writing sync.WaitGroup
	for i, b := range borrowers {
		borrowing.Go(func() {
			for !closed(over) {
				b.borrow()
				if i == 0 && b.giveBack(b.has()/2) {
					t.Error("somebody wrote to what was lent")
				}
			}
		})
	}
	for i := range uint64(16) {
		writing.Go(func() {
			want := noise(i, 1<<20+int(i)*997)
			f := u.Open(fmt.Sprint(i), uploader.OpenOptions{})
			const piece = 40_000
			for off := 0; off < len(want); off += piece {
				mustWrite(t, f, want[off:min(off+piece, len(want))], int64(off))
			}
			mustCommit(t, f)
			holds(t, store, fmt.Sprint(i), want)
			mustClose(t, f)
		})
	}
	writing.Wait()
	close(over)
	borrowing.Wait()
	for _, b := range borrowers {
		b.giveBack(b.has())
	}
	nothingLeft(t, u, store)
	if n := u.Stats().Lent; n != 0 {
		t.Errorf("%d bytes are still lent", n)
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestLoansOutliveTheUploader gives back after the end.
func TestLoansOutliveTheUploader(t *testing.T) {
	u, b, _ := tightLender(t)
	u.OnShort(func(int64) {})
	b.borrow()
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	if p, _ := u.Lend(uploader.LoanSize); p != nil {
		t.Error("memory was lent after the end")
	}
	if b.giveBack(b.has()) { // reads all of it
		t.Error("what was lent has changed")
	}
}
