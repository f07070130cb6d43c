//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/integration/s3server"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
)

// TestFilesOfAGateway works with files that somebody put into the folder behind a
// gateway: their objects have no ETag, and are objects all the same.
func TestFilesOfAGateway(t *testing.T) {
	server := s3server.VersityGW(t)
	store := retry.New(newBucket(t, server, "versitygw", "gateway"), retry.Config{})
	bucket := filepath.Join(server.Dir, "gateway")
	content := map[string]string{"read": "one", "append": "two", "patch": "three", "rename": "four", "chmod": "five", "truncate": "six", "replace": "seven", "unlink": "eight"}
	for name, text := range content {
		if err := os.WriteFile(filepath.Join(bucket, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		info, err := store.Head(t.Context(), name)
		if err != nil || info.ETag != "" {
			t.Fatalf("ETag %q, %v: this server is not what the test is about", info.ETag, err)
		}
	}
	m := mounttest.New(t, store, mounttest.Options{})
	m.Run(`set -e
		test "$(cat read)" = one
		echo -n + >> append && test "$(cat append)" = two+
		echo -n T | dd of=patch conv=notrunc status=none && test "$(cat patch)" = Three
		exec 3< rename; mv rename renamed; test "$(cat renamed)" = four; test "$(cat <&3)" = four; ! test -e rename
		chmod 600 chmod && sync chmod && test "$(stat -c %a chmod) $(cat chmod)" = "600 five"
		truncate -s 2 truncate && test "$(cat truncate)" = si
		exec 4< replace; echo -n new > new; mv new replace; test "$(cat replace)" = new; test "$(cat <&4)" = seven
		exec 5< unlink; rm unlink; test "$(cat <&5)" = eight; ! test -e unlink`)
	m.Unmount()
	for name, want := range map[string]string{
		"read": "one", "append": "two+", "patch": "Three", "renamed": "four", "chmod": "five", "truncate": "si", "replace": "new",
	} {
		got, err := os.ReadFile(filepath.Join(bucket, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}
