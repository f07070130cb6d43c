package s3_test

import (
	"net/http/httptest"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
	"github.com/sluicefs/sluicefs/internal/objstore/storetest"
)

const bucket = "some-bucket"

// serve starts a server of a store, with the personality of its profile.
func serve(t *testing.T, store objstore.Store) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(memhttp.New(store, bucket, memhttp.PersonalityOf(store.Profile())))
	t.Cleanup(srv.Close)
	return srv
}

// dial returns a client of a server, which is closed with the test.
func dial(t *testing.T, srv *httptest.Server, p objstore.Profile, change func(*s3.Config)) *s3.Client {
	t.Helper()
	cfg := s3.Config{
		Endpoint: srv.URL, Bucket: bucket, Profile: p, Style: objstore.PathStyle,
		Credentials: s3.Credentials{AccessKey: "test-key", SecretKey: "test-secret"},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := s3.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func profile(t *testing.T, name string) objstore.Profile {
	t.Helper()
	p, ok := objstore.ProfileByName(name)
	if !ok {
		t.Fatalf("no profile %s", name)
	}
	return p
}

// TestConformance runs the suite for what no profile has. Those are the business of
// TestPersonalities.
func TestConformance(t *testing.T) {
	v1 := profile(t, "generic")
	v1.Name, v1.ListV2 = "v1", false
	signed := profile(t, "generic")
	signed.Name, signed.UnsignedBody, signed.Expect = "signed", false, true
	for _, p := range []objstore.Profile{v1, signed} {
		p.Part.Min = 64 << 10
		t.Run(p.Name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) objstore.Store { return dial(t, serve(t, mem.New(p)), p, nil) })
		})
	}
}
