//go:build integration && live

package integration

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/probe"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
	"github.com/sluicefs/sluicefs/internal/objstore/storetest"
)

// live says which server the tests of this file talk to: it was started by somebody
// else, tools/live.sh for one. Buckets are made in it, and stay.
type live struct {
	*testing.T
	provider, endpoint, region string
	access, secret             string
	name                       string // of the bucket
}

func newLive(t *testing.T) *live {
	t.Helper()
	l := &live{
		T: t, provider: os.Getenv("LIVE_PROVIDER"), endpoint: os.Getenv("LIVE_ENDPOINT"), region: os.Getenv("LIVE_REGION"),
		access: os.Getenv("LIVE_ACCESS_KEY"), secret: os.Getenv("LIVE_SECRET_KEY"),
	}
	if l.provider == "" || l.endpoint == "" || l.access == "" {
		t.Fatal("LIVE_PROVIDER, LIVE_ENDPOINT, LIVE_ACCESS_KEY and LIVE_SECRET_KEY say which server to talk to: see make live")
	}
	return l
}

func (l *live) config(p objstore.Profile) s3.Config {
	return s3.Config{
		Endpoint: l.endpoint, Region: l.region, Bucket: l.name, Profile: p, Style: objstore.PathStyle,
		Credentials: s3.Credentials{AccessKey: l.access, SecretKey: l.secret},
	}
}

// bucket makes a bucket, with a name that no run before had.
func (l *live) bucket() *s3.Client {
	l.Helper()
	l.name = "live-" + strings.ToLower(rand.Text()[:16])
	p, ok := objstore.ProfileByName(l.provider)
	if !ok {
		l.Fatalf("no profile %s", l.provider)
	}
	c, err := s3.New(l.Context(), l.config(p))
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(c.Close)
	if err := c.CreateBucket(l.Context()); err != nil {
		l.Fatal(err)
	}
	return c
}

// TestLiveStore runs the conformance suite of the object store.
func TestLiveStore(t *testing.T) {
	newLive(t)
	storetest.Run(t, func(t *testing.T) objstore.Store { return newLive(t).bucket() })
}

// TestLiveMount does with a mount what TestStores does.
func TestLiveMount(t *testing.T) {
	client := newLive(t).bucket()
	(&shop{t, retry.New(client, retry.Config{}), client}).run()
}

// TestLiveDoctor says what the profile of the server has wrong.
func TestLiveDoctor(t *testing.T) {
	l := newLive(t)
	store := l.bucket()
	report, err := probe.Run(t.Context(), probe.Config{Profile: *store.Profile(), Open: func(p objstore.Profile) (probe.Target, error) {
		return s3.New(t.Context(), l.config(p))
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		t.Logf("%-8s %-20s %s %s", c.Verdict, c.Name, c.Detail, c.Option)
		if c.Option != "" && c.Verdict != probe.Better { // what it can besides, other versions may not
			t.Errorf("the profile is not what was found: %s", c.Option)
		}
	}
	if !report.Safe || len(report.Left) != 0 {
		t.Errorf("safe %v, left %q", report.Safe, report.Left)
	}
}

// TestLiveDetect asks the server what it is.
func TestLiveDetect(t *testing.T) {
	l := newLive(t)
	l.bucket()
	p, err := s3.Detect(t.Context(), l.config(objstore.Profile{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("taken for %s", p.Name)
}
