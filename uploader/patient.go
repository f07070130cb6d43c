package uploader

import (
	"context"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/patient"
)

// patientStore is the store as files ask it: what changes something there is not cut off by
// the end of its context.
type patientStore struct {
	Store
	patience *patient.Patience
}

// CreateMultipart implements Store.
func (p *patientStore) CreateMultipart(ctx context.Context, key string, opts objstore.ObjectOptions) (string, error) {
	return patient.Ask(ctx, p.patience, func(ctx context.Context) (string, error) {
		return p.Store.CreateMultipart(ctx, key, opts)
	})
}

// UploadPart implements Store.
func (p *patientStore) UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (objstore.Part, error) {
	return patient.Send(ctx, p.patience, body, func(ctx context.Context, body objstore.Body) (objstore.Part, error) {
		return p.Store.UploadPart(ctx, up, number, body)
	})
}

// UploadPartCopy implements Store.
func (p *patientStore) UploadPartCopy(ctx context.Context, up objstore.UploadRef, number int32, src objstore.CopySource) (objstore.Part, error) {
	return patient.Ask(ctx, p.patience, func(ctx context.Context) (objstore.Part, error) {
		return p.Store.UploadPartCopy(ctx, up, number, src)
	})
}

// Complete implements Store.
func (p *patientStore) Complete(ctx context.Context, up objstore.UploadRef, parts []objstore.Part, opts objstore.CompleteOptions) (objstore.Info, error) {
	return patient.Ask(ctx, p.patience, func(ctx context.Context) (objstore.Info, error) {
		return p.Store.Complete(ctx, up, parts, opts)
	})
}

// Put implements Store.
func (p *patientStore) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error) {
	return patient.Send(ctx, p.patience, body, func(ctx context.Context, body objstore.Body) (objstore.Info, error) {
		return p.Store.Put(ctx, key, body, opts)
	})
}

// Copy implements Store.
func (p *patientStore) Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error) {
	return patient.Ask(ctx, p.patience, func(ctx context.Context) (objstore.Info, error) {
		return p.Store.Copy(ctx, dst, src, opts)
	})
}
