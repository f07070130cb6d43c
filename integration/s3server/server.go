package s3server

import (
	"os"
	"path/filepath"
)

// Kind names a server program; the value is the program's name in .bin/.
type Kind string

// The servers that Start can start.
const (
	KindVersityGW Kind = "versitygw"
	KindMinIO     Kind = "minio"
)

// Server is what a client needs to talk to a running server. It is a value: it
// can be copied and used concurrently, and stays as it is when the server ends.
type Server struct {
	Kind      Kind
	Endpoint  string // http://127.0.0.1:PORT, without a slash at the end
	Region    string // the region that requests are signed for
	AccessKey string
	SecretKey string
	Dir       string // where the server keeps its data
}

// MakeBucket creates an empty bucket by making its folder in Dir, without a
// request to the server; both kinds take a folder that appears for a bucket.
// The bucket has no ACL or owner of its own: it belongs to the server's only
// account, the one of AccessKey. Its name must follow S3's rules, which are not
// checked here.
func (s Server) MakeBucket(name string) error {
	return os.Mkdir(filepath.Join(s.Dir, name), 0o755)
}

// Env returns the environment variables, as NAME=value, by which the AWS SDKs
// and most S3 programs find this server's keys, region and endpoint. It names
// no shared config file and no instance metadata service to look at, so that
// the machine's own AWS settings stay out of a test.
func (s Server) Env() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + s.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
		"AWS_REGION=" + s.Region,
		"AWS_ENDPOINT_URL=" + s.Endpoint,
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}
