package fs

import (
	"context"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/patient"
)

// patientStore is the store as the tree asks it: what changes something there is not cut off
// when its caller is killed. The gates are held until the answer comes, so that nothing is
// stored meanwhile that it could take effect on.
type patientStore struct {
	Mutator
	patience *patient.Patience
}

// Put implements Mutator.
func (p *patientStore) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error) {
	return patient.Send(ctx, p.patience, body, func(ctx context.Context, body objstore.Body) (objstore.Info, error) {
		return p.Mutator.Put(ctx, key, body, opts)
	})
}

// Copy implements Mutator.
func (p *patientStore) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error) {
	return patient.Ask(ctx, p.patience, func(ctx context.Context) (objstore.Info, error) {
		return p.Mutator.Copy(ctx, dst, src, opts)
	})
}

// Delete implements Mutator.
func (p *patientStore) Delete(ctx context.Context, key string) error {
	_, err := patient.Ask(ctx, p.patience, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, p.Mutator.Delete(ctx, key)
	})
	return err
}

// DeleteMany implements Mutator.
func (p *patientStore) DeleteMany(ctx context.Context, keys []string) (failed map[string]error, err error) {
	return patient.Ask(ctx, p.patience, func(ctx context.Context) (map[string]error, error) {
		return p.Mutator.DeleteMany(ctx, keys)
	})
}
