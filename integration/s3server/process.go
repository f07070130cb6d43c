package s3server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"sync"

	"github.com/sluicefs/sluicefs/integration/scratch"
)

// startAttempts is how many ports are tried. A port is free when it is chosen,
// not when the server gets to use it, and another process may come in between.
const startAttempts = 3

// Process is a running server. Its methods may be called concurrently.
type Process struct {
	Server // how to reach it

	kms   [32]byte // MinIO's key of the name KMSKey
	child *child
	made  *scratch.Folder // nil when the caller brought the folder

	stopOnce sync.Once
	stopErr  error
}

// KMSKey is the id of the key that MinIO encrypts with where it is asked to.
const KMSKey = "sluicefs"

// Start starts a server of the given kind over dir and returns when it answers.
// dir must exist, and stays when the server ends; with an empty dir the server
// gets a temporary folder, which does not. flags are added to the program's own
// (versitygw's go before its "posix" command: "--mp-max-parts", "50", …).
//
// The first start of a kind in a checkout builds the program, which takes
// minutes. With flags that name certificates (versitygw's --cert and --key, MinIO's
// --certs-dir) the server speaks TLS. ctx ends that and the wait for an answer, with its error; it has no
// effect on a server that was returned, which runs until Stop, or until it or
// this process ends. An error of a server that came up badly quotes the end of
// its output.
func Start(ctx context.Context, kind Kind, dir string, flags ...string) (*Process, error) {
	if kind != KindVersityGW && kind != KindMinIO {
		return nil, fmt.Errorf("start a server: unknown kind %q", kind)
	}
	path, err := program(ctx, kind)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		p, err := start(ctx, path, kind, dir, flags)
		if err == nil {
			return p, nil
		}
		var ended *endedError
		if !errors.As(err, &ended) || attempt == startAttempts {
			return nil, fmt.Errorf("start %s: %w", kind, err)
		}
	}
}

// start makes one attempt, on a port of its own, and leaves nothing when it fails.
func start(ctx context.Context, path string, kind Kind, dir string, flags []string) (*Process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &Process{}
	_, _ = rand.Read(p.kms[:]) // never fails
	if dir == "" {
		if p.made, err = scratch.New("sluicefs-" + string(kind) + "-"); err != nil {
			return nil, err
		}
		dir = p.made.Path
	}
	scheme := "http://"
	if slices.Contains(flags, "--cert") || slices.Contains(flags, "--certs-dir") {
		scheme = "https://"
	}
	p.Server = Server{
		Kind:      kind,
		Endpoint:  scheme + addr,
		Region:    "us-east-1",
		AccessKey: "sluicefs",
		SecretKey: rand.Text(),
		Dir:       dir,
	}
	p.child, err = spawn(p.command(path, addr, flags))
	if err != nil {
		return nil, errors.Join(err, p.removeFolder())
	}
	if err := p.waitReady(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// command is how the server is called, listening on addr. It is given no other
// environment: the settings of the user's own servers are not for this one.
func (p *Process) command(path, addr string, flags []string) *exec.Cmd {
	var args, env []string
	switch p.Kind {
	case KindVersityGW:
		// Without --keep-alive it closes the connection after every answer,
		// which no store that people pay for does.
		args = slices.Concat([]string{"--port", addr, "--region", p.Region, "--quiet", "--keep-alive"},
			flags, []string{"posix", p.Dir})
		env = []string{"ROOT_ACCESS_KEY=" + p.AccessKey, "ROOT_SECRET_KEY=" + p.SecretKey}
	case KindMinIO:
		args = slices.Concat([]string{"server", "--address", addr, "--quiet"}, flags, []string{p.Dir})
		env = []string{"MINIO_ROOT_USER=" + p.AccessKey, "MINIO_ROOT_PASSWORD=" + p.SecretKey,
			"MINIO_REGION=" + p.Region,
			"MINIO_KMS_SECRET_KEY=" + KMSKey + ":" + base64.StdEncoding.EncodeToString(p.kms[:]),
			"MINIO_BROWSER=off", "MINIO_UPDATE=off", // no web page, no look for a newer version
			"HOME=" + p.Dir} // where it wants a folder for certificates
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = p.Dir
	cmd.Env = env
	return cmd
}

// Done returns a channel that is closed when the server has ended, by Stop or by
// itself.
func (p *Process) Done() <-chan struct{} { return p.child.done }

// Log returns the end of what the server has printed so far, 32 KiB at most.
func (p *Process) Log() string { return p.child.log.String() }

// Stop ends the server and removes its folder if Start made it. It returns when
// both are gone; the error is about the folder. Further calls return the same.
func (p *Process) Stop() error {
	p.stopOnce.Do(func() {
		p.child.stop()
		p.stopErr = p.removeFolder()
	})
	return p.stopErr
}

func (p *Process) removeFolder() error {
	if p.made == nil {
		return nil
	}
	return p.made.Remove()
}

// freeAddress returns a loopback address that nobody listens on at the moment.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	addr := l.Addr().String()
	return addr, l.Close()
}
