package uploader

import (
	"context"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// patient is the store as files ask it. A request that changes something there
// is not cut off by the end of its context, for it could still take effect:
// behind the abort of its upload, say. It is not tried again from then on, its
// body is sent no further, and its answer is waited for. A request whose body was
// cut short has no effect; of any other the answer tells.
type patient struct {
	Store
	answer time.Duration   // for which a request may go on after the end of its context
	hurry  context.Context // ends that time for all of them
}

// answerFor is how long a store may think about a request that nobody wants any
// more. One that takes longer over a body that it has is as good as gone.
const answerFor = 30 * time.Second

// outliving returns the context of a request that goes on after the end of ctx.
func (p *patient) outliving(ctx context.Context) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		late := time.AfterFunc(p.answer, cancel)
		hurried := context.AfterFunc(p.hurry, cancel)
		context.AfterFunc(hard, func() { late.Stop(); hurried() })
	})
	return objstore.Until(hard, ctx), func() { stop(); cancel() }
}

// unhurried makes a request that has no body.
func unhurried[T any](ctx context.Context, p *patient, request func(context.Context) (T, error)) (T, error) {
	if ctx.Err() != nil {
		var none T
		return none, context.Cause(ctx)
	}
	hard, done := p.outliving(ctx)
	defer done()
	return request(hard)
}

// sending makes a request with a body.
func sending[T any](ctx context.Context, p *patient, b objstore.Body, request func(context.Context, objstore.Body) (T, error)) (T, error) {
	h := &halting{r: b.Reader, size: b.Size, ctx: ctx}
	b.Reader = h
	out, err := unhurried(ctx, p, func(ctx context.Context) (T, error) { return request(ctx, b) })
	if err != nil && ctx.Err() != nil && !h.whole {
		err = context.Cause(ctx) // and nothing has come of it
	}
	return out, err
}

// CreateMultipart implements Store.
func (p *patient) CreateMultipart(ctx context.Context, key string, opts objstore.ObjectOptions) (string, error) {
	return unhurried(ctx, p, func(ctx context.Context) (string, error) {
		return p.Store.CreateMultipart(ctx, key, opts)
	})
}

// UploadPart implements Store.
func (p *patient) UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error) {
	return sending(ctx, p, body, func(ctx context.Context, body objstore.Body) (objstore.Part, error) {
		return p.Store.UploadPart(ctx, up, number, body)
	})
}

// UploadPartCopy implements Store.
func (p *patient) UploadPartCopy(ctx context.Context, up objstore.UploadRef, number int32, src objstore.CopySource) (objstore.Part, error) {
	return unhurried(ctx, p, func(ctx context.Context) (objstore.Part, error) {
		return p.Store.UploadPartCopy(ctx, up, number, src)
	})
}

// Complete implements Store.
func (p *patient) Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	return unhurried(ctx, p, func(ctx context.Context) (objstore.Info, error) {
		return p.Store.Complete(ctx, up, parts, opts)
	})
}

// Put implements Store.
func (p *patient) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error) {
	return sending(ctx, p, body, func(ctx context.Context, body objstore.Body) (objstore.Info, error) {
		return p.Store.Put(ctx, key, body, opts)
	})
}

// Copy implements Store.
func (p *patient) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error) {
	return unhurried(ctx, p, func(ctx context.Context) (objstore.Info, error) {
		return p.Store.Copy(ctx, dst, src, opts)
	})
}
