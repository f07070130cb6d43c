package uploader_test

import (
	"context"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// visits counts in how many sequences something was seen.
type visits struct {
	mu    sync.Mutex
	seen  map[string]bool // in the sequence that is played
	count map[string]int
}

func newVisits() *visits { return &visits{seen: map[string]bool{}, count: map[string]int{}} }

func (v *visits) see(names ...string) {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, name := range names {
		v.seen[name] = true
	}
}

// next begins another sequence.
func (v *visits) next() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name := range v.seen {
		v.count[name]++
	}
	clear(v.seen)
}

// turnsOf returns what is to be seen of a file after an operation.
func turnsOf(f *uploader.File) []string {
	out := f.Turns()
	for i := range out {
		out[i] = "after an operation: " + out[i]
	}
	return out
}

// observed is a store in memory that tells what it is asked for. It answers some
// of the parts late, so that files are written to while these are on their way.
type observed struct {
	*mem.Store
	visits *visits // nil where nobody asks
	parts  atomic.Int32
}

func (s *observed) hidden(key string) bool { return strings.HasPrefix(key, ".") }

func (s *observed) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error) {
	s.visits.see("request: put")
	return s.Store.Put(ctx, key, body, opts)
}

func (s *observed) UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error) {
	s.visits.see("request: part")
	for range s.parts.Add(1) % 4 * 8 {
		runtime.Gosched()
	}
	return s.Store.UploadPart(ctx, up, number, body)
}

func (s *observed) UploadPartCopy(ctx context.Context, up objstore.UploadRef, number int32, src objstore.CopySource) (objstore.Part, error) {
	p := s.Profile()
	for name, so := range map[string]bool{
		"":                             true,
		" of several cells":            src.Length > 2*p.Part.Min,
		" of the largest size":         src.Length == p.MaxCopy,
		" from the object's beginning": src.Offset == 0 && !s.hidden(src.Key),
		" of a segment":                s.hidden(src.Key),
		" into a hidden object":        s.hidden(up.Key),
	} {
		if so {
			s.visits.see("request: copied part" + name)
		}
	}
	return s.Store.UploadPartCopy(ctx, up, number, src)
}

func (s *observed) Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	if s.hidden(up.Key) {
		s.visits.see("request: hidden object of parts")
	}
	return s.Store.Complete(ctx, up, parts, opts)
}

func (s *observed) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error) {
	if s.hidden(dst) {
		s.visits.see("request: object copied aside")
	}
	return s.Store.Copy(ctx, dst, src, opts)
}

func (s *observed) Abort(ctx context.Context, up objstore.UploadRef) error {
	s.visits.see("request: unfinished upload ended")
	return s.Store.Abort(ctx, up)
}

func (s *observed) Get(ctx context.Context, key string, opts objstore.GetOptions) (body io.ReadCloser, info objstore.Info, err error) {
	s.visits.see("request: range of an object")
	return s.Store.Get(ctx, key, opts)
}
