package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/mounttable"
)

func TestAwaitVerdict(t *testing.T) {
	for _, c := range []struct {
		name   string
		finish func(r *record) // what the daemon does before umount looks
		ctx    func(t *testing.T) context.Context
		status int
		stdout string
		stderr string
	}{
		{name: "all stored", status: exitOK, finish: func(r *record) {
			_ = r.finish(verdict{Mountpoint: "/mnt", Stored: true, Files: []unstored{}})
			_ = r.close()
		}},
		{name: "not all stored", status: exitNotStored, stdout: `"key": "a&b"`, stderr: `"a&b" is not stored: denied`,
			finish: func(r *record) {
				_ = r.finish(verdict{Mountpoint: "/mnt", Files: []unstored{{Key: "a&b", Error: "denied"}}})
				_ = r.close()
			}},
		{name: "killed", status: exitNotStored, stderr: "ended without a word", finish: func(r *record) { _ = r.close() }},
		{name: "too slow", status: exitTimeout, stderr: "not everything is stored yet", finish: func(*record) {}},
		{name: "interrupted", status: exitFailed, stderr: "interrupted", finish: func(*record) {},
			ctx: func(t *testing.T) context.Context {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				return ctx
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := t.TempDir()
			daemon, err := makeRecord(state, mountInfo{Mountpoint: "/mnt"})
			if err != nil {
				t.Fatal(err)
			}
			c.finish(daemon)
			r, err := openRecord(state, "/mnt")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if c.ctx != nil {
				ctx = c.ctx(t)
			}
			var out bytes.Buffer
			p := &program{stdout: &out}
			err = p.awaitVerdict(ctx, umountOptions{timeout: 10 * time.Millisecond}, "/mnt", r)
			if statusOf(err) != c.status || !strings.Contains(out.String(), c.stdout) || (c.stdout == "") != (out.Len() == 0) {
				t.Errorf("exit status %d, printed %q", statusOf(err), &out)
			}
			if (err != nil) != (c.stderr != "") || err != nil && !strings.Contains(err.Error(), c.stderr) {
				t.Errorf("%v, want %q in it", err, c.stderr)
			}
		})
	}
}

func TestNotMounted(t *testing.T) {
	state, mountpoint := t.TempDir(), t.TempDir()
	for _, c := range []struct {
		v    verdict
		want string
	}{
		{verdict{Stored: true}, "and everything was stored"},
		{verdict{Stored: false}, "not everything was stored: see " + state},
	} {
		r, err := makeRecord(state, mountInfo{Mountpoint: mountpoint})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.finish(c.v), r.close()); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := call(t, "status", "--state-dir", state, mountpoint)
		wantLine(t, exitFailed, status, stdout, stderr, c.want)
	}
}

// TestUmountTellsAgain asks for the verdict of a mount that has ended already, as those
// do whose first call did not wait for the end.
func TestUmountTellsAgain(t *testing.T) {
	state, mountpoint := t.TempDir(), t.TempDir()
	end := func(v *verdict) {
		t.Helper()
		r, err := makeRecord(state, mountInfo{Mountpoint: mountpoint})
		if err != nil {
			t.Fatal(err)
		}
		if v != nil {
			err = r.finish(*v)
		}
		if err := errors.Join(err, r.close()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		end(&verdict{Mountpoint: mountpoint, Stored: true})
		if status, stdout, stderr := call(t, "umount", "--state-dir", state, mountpoint); status != exitOK || stdout+stderr != "" {
			t.Errorf("everything was stored: %d, %q, %q", status, stdout, stderr)
		}
		end(&verdict{Mountpoint: mountpoint, Files: []unstored{{Key: "lost", Error: "denied"}}})
		status, stdout, stderr := call(t, "umount", "--state-dir", state, mountpoint)
		if status != exitNotStored || !strings.Contains(stdout, `"key": "lost"`) || !strings.Contains(stderr, `"lost" is not stored: denied`) {
			t.Errorf("a file was not stored: %d, %q, %q", status, stdout, stderr)
		}
		end(nil)
		status, stdout, stderr = call(t, "umount", "--state-dir", state, mountpoint)
		wantLine(t, exitFailed, status, stdout, stderr, "nothing is mounted on "+mountpoint)
	}
}

func TestUmountRefusesNegativeTime(t *testing.T) {
	status, stdout, stderr := call(t, "umount", "--timeout", "-5s", t.TempDir())
	wantLine(t, exitUsage, status, stdout, stderr, "--timeout -5s: want a time that is not negative")
}

// TestOwns tells our mount from those of others at the same place.
func TestOwns(t *testing.T) {
	r, err := makeRecord(t.TempDir(), mountInfo{Mountpoint: "/mnt"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	ours := mounttable.Entry{Path: "/mnt", Kind: fuseType, Device: "0:50"}
	another, foreign := ours, ours
	another.Device, foreign.Kind = "0:51", "tmpfs"
	if (*record)(nil).owns(ours) || r.owns(foreign) || !r.owns(another) {
		t.Error("without a device, the type does not tell")
	}
	if err := r.write(infoFile, mountInfo{Mountpoint: "/mnt", Device: ours.Device}); err != nil {
		t.Fatal(err)
	}
	if !r.owns(ours) || r.owns(another) || r.owns(foreign) {
		t.Error("the device does not tell")
	}
}

func TestHoldersOf(t *testing.T) {
	dir := t.TempDir()
	if holders := holdersOf(dir).String(); holders != "" {
		t.Errorf("nobody is in %s, and yet: %s", dir, holders)
	}
	cat := exec.Command("cat")
	cat.Dir = dir
	in, err := cat.StdinPipe()
	if err == nil {
		err = cat.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // we do not count ourselves
	want := fmt.Sprintf("cat (pid %d) has its working directory there, or is closing a file", cat.Process.Pid)
	if holders := holdersOf(dir).String(); holders != want {
		t.Errorf("in %s it is so that %q, want %q", dir, holders, want)
	}
	if err := errors.Join(in.Close(), cat.Wait()); err != nil {
		t.Error(err)
	}
}

func TestHolders(t *testing.T) {
	for _, c := range []struct {
		h    holders
		want string
	}{
		{holders{}, ""},
		{holders{open: []string{"b", "a"}}, "files are open in a, b"},
		{holders{stay: []string{"b", "a"}}, "a, b have their working directory there, or are closing files"},
		{holders{open: []string{"a"}, stay: []string{"b"}}, "files are open in a, and b has its working directory there, or is closing a file"},
		{holders{open: []string{"1", "2", "3", "4", "5", "6"}}, "files are open in 1, 2, 3, 4, 2 more"},
	} {
		if got := c.h.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
