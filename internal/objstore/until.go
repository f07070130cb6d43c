package objstore

import "context"

type untilKey struct{}

// Until returns a context for a request that is to be answered even when nobody
// wants its effect any more: once last has ended no attempt begins, but one
// under way goes on until ctx ends. ctx must not end before last does.
func Until(ctx, last context.Context) context.Context {
	return context.WithValue(ctx, untilKey{}, last)
}

// Last returns the context that ends the waits between the attempts of a request:
// that of Until, or ctx itself.
func Last(ctx context.Context) context.Context {
	if last, ok := ctx.Value(untilKey{}).(context.Context); ok {
		return last
	}
	return ctx
}
