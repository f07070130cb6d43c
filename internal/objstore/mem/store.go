package mem

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Store is one bucket in memory. All methods may be called from any number of
// goroutines.
type Store struct {
	profile objstore.Profile
	now     func() time.Time
	page    int

	mu       sync.Mutex
	objects  map[string]*object
	names    names
	uploads  map[string]*upload
	thawed   map[string]bool // keys of archived objects that were restored
	counters map[string]*Count
}

var _ objstore.Store = (*Store)(nil)

// Option changes how a Store is made.
type Option func(*Store)

// WithClock gives the store another source of Last-Modified than time.Now.
func WithClock(now func() time.Time) Option {
	return func(s *Store) { s.now = now }
}

// WithPage makes every page of a listing hold at most n entries instead of
// objstore.MaxPage, so that paging can be tested with little.
func WithPage(n int) Option {
	return func(s *Store) { s.page = n }
}

// New returns an empty bucket that keeps the rules of the profile.
func New(profile objstore.Profile, opts ...Option) *Store {
	s := &Store{
		profile:  profile,
		now:      time.Now,
		page:     objstore.MaxPage,
		objects:  map[string]*object{},
		uploads:  map[string]*upload{},
		thawed:   map[string]bool{},
		counters: map[string]*Count{},
	}
	for _, o := range opts {
		o(s)
	}
	return s
}

// Profile implements objstore.Store.
func (s *Store) Profile() *objstore.Profile { return &s.profile }

// HeadBucket implements objstore.Store: the bucket is always there.
func (s *Store) HeadBucket(ctx context.Context) (err error) {
	c := s.begin(objstore.OpHeadBucket, "")
	defer func() { c.end(err) }()
	return c.alive(ctx)
}

// modTime is the time of a change in the resolution that HTTP dates have.
func (s *Store) modTime() time.Time { return s.now().UTC().Truncate(time.Second) }

// randomHex is an opaque name of 2n hex digits.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, says its contract
	return hex.EncodeToString(b)
}
