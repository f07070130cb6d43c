package retry_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
)

// dripping is a store whose bodies come in pieces, each after a while that depends on
// the key and on how often it was asked for before.
type dripping struct {
	*mem.Store
	piece int
	every func(key string, asked int) time.Duration

	mu    sync.Mutex
	asked map[string]int
}

func (d *dripping) Get(ctx context.Context, key string, opts objstore.GetOptions) (io.ReadCloser, objstore.Info, error) {
	r, info, err := d.Store.Get(ctx, key, opts)
	if err != nil {
		return nil, info, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	every := d.every(key, d.asked[key])
	d.asked[key]++
	return &drops{r, ctx, d.piece, every}, info, nil
}

type drops struct {
	io.ReadCloser
	ctx   context.Context
	piece int
	every time.Duration
}

func (b *drops) Read(p []byte) (int, error) {
	select {
	case <-time.After(b.every):
		return b.ReadCloser.Read(p[:min(len(p), b.piece)])
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

const never = 24 * time.Hour

// TestABodyThatDoesNotKeepUp has one body that is stuck, once, beside others of
// 64 KiB every 10 ms.
func TestABodyThatDoesNotKeepUp(t *testing.T) {
	text := strings.Repeat("sixteen letters.", 2<<16) // 2 MiB
	for _, c := range []struct {
		name   string
		stuck  time.Duration // for each piece, when it is asked for the first time
		others bool          // come meanwhile
		asked  int
		least  time.Duration
		most   time.Duration
	}{
		{"gives nothing while others come", never, true, 2, 5 * time.Second, 6 * time.Second},
		{"gives nothing, as nobody does", never, false, 2, 30 * time.Second, 31 * time.Second},
		{"gives little while others come", 2 * time.Second, true, 2, 5 * time.Second, 8 * time.Second},
		{"gives little, as nobody gave more", 2 * time.Second, false, 1, 60 * time.Second, 70 * time.Second},
		{"gives less than others", 100 * time.Millisecond, true, 1, 3 * time.Second, 4 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := objstore.ProfileByName("aws")
				under := &dripping{Store: mem.New(p), piece: 64 << 10, asked: map[string]int{}, every: func(key string, asked int) time.Duration {
					if key == "stuck" && asked == 0 {
						return c.stuck
					}
					return 10 * time.Millisecond
				}}
				s := retry.New(under, retry.Config{})
				for _, key := range []string{"stuck", "other"} {
					if _, err := s.Put(t.Context(), key, body(text), objstore.PutOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				var others sync.WaitGroup
				defer others.Wait()
				ctx, end := context.WithCancel(t.Context())
				defer end()
				if c.others {
					others.Go(func() {
						for ctx.Err() == nil {
							whole(t, s, "other", text)
						}
					})
					time.Sleep(time.Second)
				}
				began := time.Now()
				whole(t, s, "stuck", text)
				if d := time.Since(began); d < c.least || d > c.most {
					t.Errorf("took %v", d)
				}
				if n := under.asked["stuck"]; n != c.asked {
					t.Errorf("%d requests, want %d", n, c.asked)
				}
			})
		})
	}
}

// whole reads an object, which has to be text.
func whole(t *testing.T, s *retry.Store, key, text string) {
	r, _, err := s.Get(t.Context(), key, objstore.GetOptions{})
	if err != nil {
		t.Error(err)
		return
	}
	defer r.Close()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != text {
		t.Errorf("%s: %d bytes, of which some are wrong, %v", key, n, err)
	}
}
