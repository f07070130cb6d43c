//go:build integration

package s3server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/integration/s3server"
)

var kinds = []s3server.Kind{s3server.KindVersityGW, s3server.KindMinIO}

// orphanVariable, when set, makes the test binary start a server of the kind it
// names, print it, and wait to be killed.
const orphanVariable = "S3SERVER_TEST_ORPHAN"

func TestMain(m *testing.M) {
	if kind := os.Getenv(orphanVariable); kind != "" {
		leaveOrphan(s3server.Kind(kind))
	}
	os.Exit(mounttest.Main(m))
}

func leaveOrphan(kind s3server.Kind) {
	p, err := s3server.Start(context.Background(), kind, "")
	if err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(p.Server); err != nil {
		panic(err)
	}
	<-p.Done() // the parent kills this process first
	os.Exit(1)
}

func TestServerAnswersUntilTheTestEnds(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			var server s3server.Server
			ok := t.Run("Running", func(t *testing.T) {
				if kind == s3server.KindMinIO {
					server = s3server.MinIO(t)
				} else {
					server = s3server.VersityGW(t)
				}
				if server.Kind != kind {
					t.Errorf("kind is %q, want %q", server.Kind, kind)
				}
				// Both kinds refuse a stranger, and say so in S3's words.
				if status := get(t, server.Endpoint+"/"); status != http.StatusForbidden {
					t.Errorf("a request without a signature is answered %d, want 403", status)
				}
				checkDir(t, server.Dir, true)
			})
			if !ok {
				return
			}
			checkListening(t, server, false)
			checkDir(t, server.Dir, false)
		})
	}
}

func TestStopKeepsTheCallersFolder(t *testing.T) {
	dir := t.TempDir()
	p, err := s3server.Start(t.Context(), s3server.KindVersityGW, dir)
	if err != nil {
		t.Fatal(err)
	}
	if p.Dir != dir {
		t.Errorf("the server stores in %s, want %s", p.Dir, dir)
	}
	if err := p.MakeBucket("kept"); err != nil {
		t.Error(err)
	}
	checkListening(t, p.Server, true)
	for range 2 { // a second Stop does no harm
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
	select {
	case <-p.Done():
	default:
		t.Error("Done is open after Stop")
	}
	checkListening(t, p.Server, false)
	checkDir(t, filepath.Join(dir, "kept"), true)
}

func TestStartReportsAServerThatEnds(t *testing.T) {
	_, err := s3server.Start(t.Context(), s3server.KindVersityGW, "", "--no-such-flag")
	if err == nil {
		t.Fatal("a server with a flag that it does not know was started")
	}
	if !strings.Contains(err.Error(), "no-such-flag") {
		t.Errorf("the error does not quote the server: %v", err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s3server.Start(ctx, s3server.KindVersityGW, "")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Start with a cancelled context: %v, want %v", err, context.Canceled)
	}
}

func TestServerDiesWithAKilledTest(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), orphanVariable+"="+string(kind))
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadBytes('\n')
			if err != nil {
				t.Error(err)
			}
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Error(err)
			}
			_ = cmd.Wait() // "signal: killed", as asked

			var server s3server.Server
			if err := json.Unmarshal(line, &server); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the port closes", func() bool { return !listening(server) })
			eventually(t, "the folder goes", func() bool { return !exists(t, server.Dir) })
		})
	}
}

func get(t *testing.T, url string) (status int) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp.StatusCode
}

func listening(s s3server.Server) bool {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Endpoint, "http://"))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func checkListening(t *testing.T, s s3server.Server, want bool) {
	t.Helper()
	if got := listening(s); got != want {
		t.Errorf("%s at %s listens: %t, want %t", s.Kind, s.Endpoint, got, want)
	}
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

func checkDir(t *testing.T, path string, want bool) {
	t.Helper()
	if got := exists(t, path); got != want {
		t.Errorf("%s exists: %t, want %t", path, got, want)
	}
}

// eventually waits for what another process does in its own time.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	const limit = 20 * time.Second
	for end := time.Now().Add(limit); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
