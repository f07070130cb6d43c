package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Target is a store, with the requests that no mount sends.
type Target interface {
	objstore.Store
	// Clock returns the time of the store.
	Clock(ctx context.Context) (time.Time, error)
	// AbortRule tells after how many days a lifecycle rule ends unfinished uploads
	// of a key: 0 means never.
	AbortRule(ctx context.Context, key string) (days int, err error)
	// PutTrailer stores an object whose digest comes behind it.
	PutTrailer(ctx context.Context, key string, data []byte) error
	// Close ends the target.
	Close()
}

// Config says what is probed.
type Config struct {
	Profile objstore.Profile
	Prefix  string // of all keys that are made; "" or ending in "/"
	// Open returns the store as a profile would talk to it.
	Open func(objstore.Profile) (Target, error)
}

// cleanTime is how long removing what was made may take.
const cleanTime = time.Minute

// Run asks all questions. It fails only if the store cannot be reached at all.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	b := &bench{
		ctx: ctx, cfg: cfg, profile: cfg.Profile, report: &Report{Provider: cfg.Profile.Name, Options: []string{}},
		prefix: cfg.Prefix + ".sluicefs/doctor-" + strings.ToLower(rand.Text()[:12]) + "/",
	}
	defer b.close()
	target, err := b.as(nil)
	if err != nil {
		return nil, err
	}
	b.target = target
	if err := b.bucket(); err != nil {
		return nil, err
	}
	if b.objects() {
		b.digests()
		b.guards()
		b.lists()
		b.copies()
		if b.multipart() {
			b.shapes()
			b.uploads()
		}
		b.deletes()
		b.extras()
	}
	b.cleanUp()
	b.report.finish()
	return b.report, ctx.Err()
}

// bench is a store that is being probed.
type bench struct {
	ctx     context.Context
	cfg     Config
	profile objstore.Profile
	target  Target
	opened  []Target
	report  *Report
	prefix  string

	keys    []string             // that were made, perhaps
	begun   []objstore.UploadRef // likewise
	source  objstore.Info        // an object of two parts, "" where there is none
	content []byte               // its bytes
}

// as returns the store as another profile would talk to it.
func (b *bench) as(change func(*objstore.Profile)) (Target, error) {
	p := b.profile
	if change != nil {
		change(&p)
	}
	t, err := b.cfg.Open(p)
	if err != nil {
		return nil, err
	}
	b.opened = append(b.opened, t)
	return t, nil
}

func (b *bench) close() {
	for _, t := range b.opened {
		t.Close()
	}
}

// tell adds a check to the report.
func (b *bench) tell(c Check) { b.report.Checks = append(b.report.Checks, c) }

func (b *bench) advise(format string, args ...any) {
	b.report.Advice = append(b.report.Advice, fmt.Sprintf(format, args...))
}

// differs adds a check whose answer is not what the profile says.
func (b *bench) differs(name string, v Verdict, detail, option, value string) {
	b.tell(Check{Name: name, Verdict: v, Detail: detail, Option: option + "=" + value})
}

// key returns a scratch key.
func (b *bench) key(name string) string {
	k := b.prefix + name
	b.keys = append(b.keys, k)
	return k
}

// repeats is how often a request is made that a store in trouble did not serve.
const repeats = 3

// again repeats a request that failed for a reason that passes.
func (b *bench) again(request func() error) error {
	var err error
	for i := range repeats {
		err = request()
		if !errors.Is(err, objstore.ErrThrottled) && !errors.Is(err, objstore.ErrUnavailable) || b.ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(i+1) * 300 * time.Millisecond):
		case <-b.ctx.Done():
		}
	}
	return err
}

// body carries a digest of some bytes, which need not be the body's.
func body(data []byte, a objstore.Algorithm, of []byte) objstore.Body {
	return objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data)), Digest: objstore.SumOf(a, of)}
}

// put stores an object as the mount would.
func (b *bench) put(t Target, key string, data []byte, opts objstore.PutOptions) (info objstore.Info, err error) {
	err = b.again(func() error {
		info, err = t.Put(b.ctx, key, body(data, t.Profile().Digest, data), opts)
		return err
	})
	if errors.Is(err, objstore.ErrAccessDenied) { // who may not write may not be told either what is there
		b.keys = slices.DeleteFunc(b.keys, func(k string) bool { return k == key })
	}
	return info, err
}

// holds reports that a key has exactly some bytes.
func (b *bench) holds(key string, want []byte) (bool, error) {
	r, _, err := b.target.Get(b.ctx, key, objstore.GetOptions{})
	if err != nil {
		return false, err
	}
	defer r.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(r); err != nil {
		return false, err
	}
	return bytes.Equal(got.Bytes(), want), nil
}

// denied is the permission that an error says is missing, "" for other errors.
func denied(err error, permission string) string {
	if errors.Is(err, objstore.ErrAccessDenied) {
		return permission
	}
	return ""
}

// cleanUp removes everything, also when the caller has given up.
func (b *bench) cleanUp() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), cleanTime)
	defer cancel()
	for _, up := range b.begun {
		if err := b.target.Abort(ctx, up); err != nil {
			b.report.Left = append(b.report.Left, up.Key+" (unfinished upload "+up.ID+")")
		}
	}
	for _, key := range b.keys {
		if err := b.target.Delete(ctx, key); err != nil && !b.absent(ctx, key) {
			b.report.Left = append(b.report.Left, key)
		}
	}
}

// absent tells whether there is nothing under a key, for sure.
func (b *bench) absent(ctx context.Context, key string) bool {
	_, err := b.target.Head(ctx, key)
	return errors.Is(err, objstore.ErrNotFound)
}
