package s3

import (
	"net/url"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// TestAddresses asks where a client would send its requests.
func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		want string // host and path of the object "a/b"
	}{
		{"AWS", Config{}, "https://bucket.s3.eu-west-1.amazonaws.com/a/b"},
		{"dual stack", Config{DualStack: true}, "https://bucket.s3.dualstack.eu-west-1.amazonaws.com/a/b"},
		{"accelerate", Config{Accelerate: true}, "https://bucket.s3-accelerate.amazonaws.com/a/b"},
		{"both", Config{DualStack: true, Accelerate: true}, "https://bucket.s3-accelerate.dualstack.amazonaws.com/a/b"},
		{"path style", Config{Style: objstore.PathStyle}, "https://s3.eu-west-1.amazonaws.com/bucket/a/b"},
		{"dual stack by path", Config{Style: objstore.PathStyle, DualStack: true}, "https://s3.dualstack.eu-west-1.amazonaws.com/bucket/a/b"},
		{"IPv6", Config{Endpoint: "http://[::1]:9000", Style: objstore.PathStyle}, "http://[::1]:9000/bucket/a/b"},
		{"a path in the endpoint", Config{Endpoint: "https://host/s3", Style: objstore.PathStyle}, "https://host/s3/bucket/a/b"},
	} {
		p, _ := objstore.ProfileByName("aws")
		c.cfg.Bucket, c.cfg.Region, c.cfg.Profile = "bucket", "eu-west-1", p
		c.cfg.Credentials = Credentials{AccessKey: "a", SecretKey: "s"}
		client, err := New(t.Context(), c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		key := "a/b"
		signed, err := awss3.NewPresignClient(client.api).PresignHeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: &client.bucket, Key: &key})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		u, err := url.Parse(signed.URL)
		if err != nil {
			t.Fatal(err)
		}
		if u.RawQuery = ""; u.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, u, c.want)
		}
		if got := client.direct.object(key, "").String(); got != c.want {
			t.Errorf("%s: %s beside the SDK, want %s", c.name, got, c.want)
		}
	}
}
