package s3server

import (
	"context"
	"testing"
	"time"
)

// buildTimeout bounds the whole of Start in a test: the build of MinIO with an
// empty build cache takes 3 to 4 minutes on two cores, and one test package may
// have to wait for another's build. It stays below go test's own 10 minutes, so
// that what is wrong is said by us.
const buildTimeout = 9 * time.Minute

// VersityGW starts a versitygw for tb over a temporary folder and stops it when
// tb ends; buckets are folders of Server.Dir, objects files in them. (The folder
// .sgwtmp in a bucket holds its unfinished uploads.) flags go to the
// program: "--mp-max-parts", "50" and "--copy-object-threshold", "1048576"
// scale S3's limits down.
func VersityGW(tb testing.TB, flags ...string) Server {
	tb.Helper()
	return run(tb, KindVersityGW, flags)
}

// MinIO starts a MinIO server for tb over a temporary folder and stops it when
// tb ends. What lies in Server.Dir is in MinIO's own format.
func MinIO(tb testing.TB, flags ...string) Server {
	tb.Helper()
	return run(tb, KindMinIO, flags)
}

func run(tb testing.TB, kind Kind, flags []string) Server {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	p, err := Start(ctx, kind, "", flags...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() && p.Log() != "" {
			tb.Logf("%s said at the end:\n%s", kind, p.Log())
		}
		if err := p.Stop(); err != nil {
			tb.Errorf("stop %s: %v", kind, err)
		}
	})
	return p.Server
}
