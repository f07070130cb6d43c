//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/integration/s3server"
)

// sharedServer is a server that the tests of this package have in common. The first
// one that needs it starts it, and it ends with the last of them. Each test makes
// buckets of its own.
type sharedServer struct {
	kind s3server.Kind

	start   sync.Once
	process *s3server.Process
	err     error
}

// startLimit is longer than a build of the server takes.
const startLimit = 9 * time.Minute

var versityGW, minIO = sharedServer{kind: s3server.KindVersityGW}, sharedServer{kind: s3server.KindMinIO}

// of returns how to reach the server.
func (s *sharedServer) of(t *testing.T) s3server.Server {
	t.Helper()
	s.start.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		s.process, s.err = s3server.Start(ctx, s.kind, "")
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	t.Cleanup(func() {
		if t.Failed() && s.process.Log() != "" {
			t.Logf("%s, which other tests use as well, said at the end:\n%s", s.kind, s.process.Log())
		}
	})
	return s.process.Server
}

// stopServers ends those that were started, when all tests have ended.
func stopServers() error {
	var errs []error
	for _, s := range []*sharedServer{&versityGW, &minIO} {
		if s.process != nil {
			errs = append(errs, s.process.Stop())
		}
	}
	return errors.Join(errs...)
}

// buckets numbers the buckets of all tests: each has its own, also when it is run again.
var buckets atomic.Int64

// bucketFor returns the name of a new bucket.
func bucketFor(what string) string { return fmt.Sprintf("%s-%d", what, buckets.Add(1)) }
