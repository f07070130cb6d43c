package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// checkBucketAt asks the store whether the bucket can be used. direct makes one
// attempt per call; patient repeats while the store is in trouble. Where a key may
// list only what is below the prefix, that is enough.
func checkBucketAt(ctx context.Context, where location, direct, patient objstore.Store) error {
	err := direct.HeadBucket(ctx)
	if e, answered := errors.AsType[*objstore.Error](err); answered && e.Status != 0 && objstore.Retryable(err) {
		// What the store said is of more use than that the time was over.
		if again := patient.HeadBucket(ctx); !errors.Is(again, context.DeadlineExceeded) {
			err = again
		}
	}
	if !isVague(err) {
		return err
	}
	// HEAD answers have no body: only a listing says why it was refused.
	if _, err = direct.List(ctx, objstore.ListOptions{Prefix: where.prefix, Delimiter: "/", Max: 1}); err != nil {
		return fmt.Errorf("list %s: %w", where, err)
	}
	return nil
}

// isVague tells whether a store refused without saying why. To some, a key that
// they do not know is a 404.
func isVague(err error) bool {
	e, answered := errors.AsType[*objstore.Error](err)
	return answered && (e.Status == http.StatusForbidden || e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound)
}
