//go:build integration

package integration

import (
	"testing"

	"github.com/sluicefs/sluicefs/integration/s3server"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
	"github.com/sluicefs/sluicefs/internal/objstore/storetest"
)

// TestStore runs the conformance suite of the object store against real servers.
func TestStore(t *testing.T) {
	t.Parallel()
	for _, shared := range []*sharedServer{&versityGW, &minIO} {
		name := string(shared.kind)
		t.Run(name, func(t *testing.T) {
			server := shared.of(t)
			storetest.Run(t, func(t *testing.T) objstore.Store {
				return newBucket(t, server, name, bucketFor("storetest"))
			})
		})
	}
}

// TestDetect finds out what a server is by asking it.
func TestDetect(t *testing.T) {
	t.Parallel()
	for _, shared := range []*sharedServer{&versityGW, &minIO} {
		name := string(shared.kind)
		t.Run(name, func(t *testing.T) {
			server := shared.of(t)
			made := bucketFor("detect")
			newBucket(t, server, name, made)
			for _, bucket := range []string{made, "no-such-bucket"} {
				p, err := s3.Detect(t.Context(), storeConfig(server, objstore.Profile{}, bucket))
				if err != nil || p.Name != name {
					t.Errorf("bucket %s: profile %q, %v", bucket, p.Name, err)
				}
			}
		})
	}
}

func storeConfig(server s3server.Server, p objstore.Profile, bucket string) s3.Config {
	return s3.Config{
		Endpoint: server.Endpoint, Region: server.Region, Bucket: bucket, Profile: p, Style: objstore.PathStyle,
		Credentials: s3.Credentials{AccessKey: server.AccessKey, SecretKey: server.SecretKey},
	}
}

// newBucket makes an empty bucket, which goes with the server.
func newBucket(t *testing.T, server s3server.Server, profile, bucket string) *s3.Client {
	t.Helper()
	p, ok := objstore.ProfileByName(profile)
	if !ok {
		t.Fatalf("no profile %s", profile)
	}
	c, err := s3.New(t.Context(), storeConfig(server, p, bucket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.CreateBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}
