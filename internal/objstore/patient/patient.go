// Package patient makes requests that change something at the store, and does not cut
// them off.
//
// When the context of such a request ends, it could still take effect: behind the
// abort of its upload, say, or over what was stored later. So it is not tried again from
// then on, its body is sent no further, and its answer is waited for. A request whose
// body was cut short has no effect; of any other the answer tells.
package patient

import (
	"context"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Answer is how long a store may think about a request that nobody wants any
// more. One that takes longer over a body that it has is as good as gone.
const Answer = 30 * time.Second

// Patience says for how long a request goes on after the end of its context. It may be
// used by any number of goroutines.
type Patience struct {
	Answer time.Duration
	Hurry  context.Context // ends that time for all requests
}

// outliving returns the context of a request that goes on after the end of ctx.
func (p *Patience) outliving(ctx context.Context) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		late := time.AfterFunc(p.Answer, cancel)
		hurried := context.AfterFunc(p.Hurry, cancel)
		context.AfterFunc(hard, func() { late.Stop(); hurried() })
	})
	return objstore.Until(hard, ctx), func() { stop(); cancel() }
}

// Ask makes a request that has no body.
func Ask[T any](ctx context.Context, p *Patience, request func(context.Context) (T, error)) (T, error) {
	if ctx.Err() != nil {
		var none T
		return none, context.Cause(ctx)
	}
	hard, done := p.outliving(ctx)
	defer done()
	return request(hard)
}

// Send makes a request with a body.
func Send[T any](ctx context.Context, p *Patience, b objstore.Body, request func(context.Context, objstore.Body) (T, error)) (T, error) {
	h := &halting{r: b.Reader, size: b.Size, ctx: ctx, whole: b.Size == 0}
	b.Reader = h
	out, err := Ask(ctx, p, func(ctx context.Context) (T, error) { return request(ctx, b) })
	if err != nil && ctx.Err() != nil && !h.whole {
		err = context.Cause(ctx) // and nothing has come of it
	}
	return out, err
}
