package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
)

// picky refuses some keys of a DeleteMany: those of busy that often, those of
// denied always.
type picky struct {
	*mem.Store
	busy   map[string]int
	denied map[string]bool
	asked  [][]string
}

func (p *picky) DeleteMany(ctx context.Context, keys []string) (map[string]error, error) {
	p.asked = append(p.asked, keys)
	failed := map[string]error{}
	var left []string
	for _, key := range keys {
		switch {
		case p.denied[key]:
			failed[key] = &objstore.Error{Op: objstore.OpDeleteMany, Key: key, Kind: objstore.ErrAccessDenied}
		case p.busy[key] > 0:
			p.busy[key]--
			failed[key] = &objstore.Error{Op: objstore.OpDeleteMany, Key: key, Kind: objstore.ErrThrottled}
		default:
			left = append(left, key)
		}
	}
	if _, err := p.Store.DeleteMany(ctx, left); err != nil {
		return nil, err
	}
	return failed, nil
}

func newPicky(t *testing.T, keys ...string) *picky {
	t.Helper()
	p, _ := objstore.ProfileByName("aws")
	s := mem.New(p)
	for _, key := range keys {
		if _, err := s.Put(t.Context(), key, objstore.Body{}, objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return &picky{Store: s}
}

func TestDeleteManyAsksAgainForWhatHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		under := newPicky(t, "a", "b", "c", "d")
		under.busy, under.denied = map[string]int{"a": 2, "b": 1}, map[string]bool{"d": true}
		failed, err := retry.New(under, retry.Config{}).DeleteMany(t.Context(), []string{"a", "b", "c", "d"})
		if err != nil || len(failed) != 1 || !errors.Is(failed["d"], objstore.ErrAccessDenied) {
			t.Errorf("%v, %v", failed, err)
		}
		if keys := under.Keys(); len(keys) != 1 || keys[0] != "d" {
			t.Errorf("left: %q", keys)
		}
		if len(under.asked) != 3 || len(under.asked[1]) != 2 || len(under.asked[2]) != 1 {
			t.Errorf("asked for %q", under.asked)
		}
	})
}

func TestDeleteManyGivesUpOnSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		under := newPicky(t, "a", "b")
		under.busy = map[string]int{"a": 1 << 30}
		failed, err := retry.New(under, retry.Config{For: time.Minute}).DeleteMany(t.Context(), []string{"a", "b"})
		if err != nil || len(failed) != 1 || !errors.Is(failed["a"], objstore.ErrThrottled) {
			t.Errorf("%v, %v", failed, err)
		}
	})
}
