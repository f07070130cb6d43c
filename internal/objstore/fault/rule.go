package fault

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Mode is what becomes of a call.
type Mode string

// The modes. All but Delay, Truncate, Stall, Corrupt and LoseAnswer keep the call from
// reaching the store.
const (
	// Fail answers with the error that the rule describes.
	Fail Mode = "fail"
	// Delay holds the call at Rule.Gate, and then lets it go on as usual.
	Delay Mode = "delay"
	// Hang never answers: the call returns when its context ends.
	Hang Mode = "hang"
	// Drop breaks the connection before the store has done anything, which the
	// caller cannot know.
	Drop Mode = "drop"
	// LoseAnswer lets the store do it and breaks the connection then.
	LoseAnswer Mode = "lose-answer"
	// ErrorIn200 is a status of 200 with an error in its body, as S3 may answer
	// Complete and the copies. Nothing was done.
	ErrorIn200 Mode = "error-in-200"
	// Truncate lets Rule.At bytes of a body through. What was sent shorter is
	// shorter at the store; what is read shorter ends with io.ErrUnexpectedEOF.
	Truncate Mode = "truncate"
	// Stall lets Rule.At bytes of a body that is read through, and then nothing until
	// the context of the call ends.
	Stall Mode = "stall"
	// Corrupt flips a bit of the byte at Rule.At of a body, whichever way it goes.
	Corrupt Mode = "corrupt"
)

// Rule says what becomes of which calls.
type Rule struct {
	Op          string // one of the objstore.Op… names; "" means all
	KeyContains string // the key, or the prefix of a listing, contains it
	After       int    // leave alone that many calls first
	Times       int    // then act on that many; 0 means on all that come
	Mode        Mode

	// For Fail: the kind, or a status and a code to take the kind from. All
	// zero means a status of 500.
	Kind       error
	Status     int
	Code       string
	RetryAfter time.Duration

	Gate *Gate // for Delay, which must have one
	At   int64 // for Truncate, Stall and Corrupt: an offset in bytes; a negative one counts from the end
}

func (r *Rule) matches(op string, keys []string) bool {
	if r.Op != "" && r.Op != op {
		return false
	}
	if r.KeyContains == "" {
		return true
	}
	for _, key := range keys {
		if strings.Contains(key, r.KeyContains) {
			return true
		}
	}
	return false
}

// before does what happens on the way to the store. An error is the answer.
func (r *Rule) before(ctx context.Context, op, key string) error {
	switch r.Mode {
	case Fail:
		return r.failure(op, key)
	case Drop:
		return broken(op, key)
	case ErrorIn200:
		return &objstore.Error{Op: op, Key: key, Kind: objstore.ErrUnavailable, Status: 200, Code: "InternalError", Message: "injected in a 200", Sent: true}
	case Hang:
		<-ctx.Done()
		return &objstore.Error{Op: op, Key: key, Kind: ctx.Err(), Sent: true}
	case Delay:
		if err := r.Gate.pass(ctx); err != nil {
			return &objstore.Error{Op: op, Key: key, Kind: err, Sent: true}
		}
	}
	return nil
}

func (r *Rule) failure(op, key string) error {
	e := &objstore.Error{Op: op, Key: key, Kind: r.Kind, Status: r.Status, Code: r.Code, Message: "injected", RetryAfter: r.RetryAfter}
	if e.Kind == nil {
		if e.Status == 0 && e.Code == "" {
			e.Status = 500
		}
		e.Kind, e.Sent = objstore.Classify(e.Status, e.Code)
		return e
	}
	e.Sent = e.Kind == objstore.ErrUnavailable
	return e
}

// broken is the error of a connection that broke with no answer.
func broken(op, key string) error {
	return &objstore.Error{Op: op, Key: key, Kind: objstore.ErrUnavailable, Sent: true, Err: objstore.ErrBroken}
}

// body is what a body looks like after its way to the store.
func (r *Rule) body(b objstore.Body) objstore.Body {
	if b.Reader == nil {
		return b
	}
	at := r.offset(b.Size)
	switch r.Mode {
	case Truncate:
		b.Size = at
		b.Reader = io.NewSectionReader(readerAt{b.Reader}, 0, at)
	case Corrupt:
		b.Reader = &flipped{r: b.Reader, at: at}
	}
	return b
}

// offset is At within a body of that size.
func (r *Rule) offset(size int64) int64 {
	at := r.At
	if at < 0 {
		at += size
	}
	return max(0, min(at, size))
}

// Active is a rule that a store goes by.
type Active struct {
	rule  Rule
	store *Store
	seen  int // guarded by store.mu
	hits  atomic.Int64
}

// Hits returns how many calls the rule has acted on.
func (a *Active) Hits() int { return int(a.hits.Load()) }

// Remove ends the rule. Calls that it holds stay held.
func (a *Active) Remove() { a.store.remove(a) }

// Gate holds calls until a test lets them go.
type Gate struct {
	arrived chan struct{}
	step    chan struct{}
	open    chan struct{}
	once    sync.Once
}

// NewGate returns a gate that is shut.
func NewGate() *Gate {
	return &Gate{arrived: make(chan struct{}, 1<<16), step: make(chan struct{}), open: make(chan struct{})}
}

// Arrived gives one value for each call that has come to the gate.
func (g *Gate) Arrived() <-chan struct{} { return g.arrived }

// Step lets one call through, and waits for one to come if there is none.
func (g *Gate) Step() { g.step <- struct{}{} }

// Open lets all calls through, now and later. It may be called again.
func (g *Gate) Open() { g.once.Do(func() { close(g.open) }) }

func (g *Gate) pass(ctx context.Context) error {
	g.arrived <- struct{}{}
	select {
	case <-g.open:
	case <-g.step:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
