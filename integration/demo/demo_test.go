//go:build integration

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/integration/mounttest"
)

func TestMain(m *testing.M) { os.Exit(mounttest.Main(m)) }

// small is the demo in a few seconds. The stream is long enough that the kernel
// does not keep all of it to itself.
func small(out *script) config {
	return config{
		out: out, program: "../../.bin/sluicefs",
		copied: []string{"errors", "bufio"}, synced: []string{"embed", "unique"}, stream: 128 << 20,
	}
}

// script is what the demo prints; it calls cue once, when it says a certain thing.
type script struct {
	strings.Builder
	when string
	cue  func()
}

func (s *script) Write(p []byte) (int, error) {
	if s.cue != nil && strings.Contains(string(p), s.when) {
		s.cue()
		s.cue = nil
	}
	return s.Builder.Write(p)
}

// temporary gives the demo a place for its folders, and wants it empty and
// nothing mounted there at the end.
func temporary(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		mounts, err := os.ReadFile("/proc/self/mounts")
		if err != nil || strings.Contains(string(mounts), dir) {
			t.Errorf("something is mounted in %s (%v)", dir, err)
		}
	})
}

func TestDemo(t *testing.T) {
	temporary(t)
	var out script
	if err := run(t.Context(), small(&out), thisHost()); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"cp -r errors bufio ", "rsync -a embed unique ", "parts had arrived before the file was closed",
		"no unfinished upload, no hidden object", "everything arrived",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
}

// A signal ends the demo wherever it is, and nothing is left of it.
func TestDemoInterrupted(t *testing.T) {
	for name, when := range map[string]string{
		"Store": "a store", "Mount": "$ sluicefs mount", "Copy": "$ cp -r", "Sync": "$ rsync -a",
		"Stream": "$ some-program", "Parts": "writer still open", "Umount": "$ sluicefs umount",
		"ReadStore": "over the S3 API", "ReadMount": "sha256sum",
	} {
		t.Run(name, func(t *testing.T) {
			temporary(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out := script{when: when, cue: cancel}
			err := run(ctx, small(&out), thisHost())
			if !errors.Is(err, context.Canceled) {
				t.Errorf("ends with %v", err)
			}
			if left, ok := errors.AsType[*leftError](err); ok {
				t.Error(left)
			}
			if strings.Contains(out.String(), "everything arrived") {
				t.Errorf("goes on after the signal:\n%s", out.String())
			}
		})
	}
}

// A demo that is killed cannot clean up, and is cleaned up after.
func TestDemoKilled(t *testing.T) { mounttest.Killed(t, "^TestDemo$", "") }

// Somebody else's program in the mount keeps it busy: the demo says so, and takes
// the mount away all the same.
func TestDemoBusy(t *testing.T) {
	temporary(t)
	var inside *exec.Cmd
	out := script{when: "sha256sum"}
	out.cue = func() {
		dirs, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "sluicefs-demo-*", "mnt"))
		if err != nil || len(dirs) != 1 {
			t.Fatal(dirs, err)
		}
		inside = exec.Command("sh", "-c", "cd \"$1\" && exec sleep 600", "sh", dirs[0])
		if err := inside.Start(); err != nil {
			t.Fatal(err)
		}
	}
	err := run(t.Context(), small(&out), thisHost())
	if inside == nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if killErr := inside.Process.Kill(); killErr != nil {
		t.Error(killErr)
	}
	_ = inside.Wait() // "signal: killed", as asked
	if err == nil || !strings.Contains(err.Error(), "is busy: sleep (pid ") {
		t.Errorf("ends with %v", err)
	}
}

// What one of the programs did wrong is found, and named.
func TestDemoFindsDifferences(t *testing.T) {
	tests := []struct {
		name, program, script, want string
	}{
		{"Changed", "cp", `PATH=$OLD cp "$@"; for to; do :; done; printf x >> "$to/bufio/scan.go"`, "bufio/scan.go has other contents"},
		{"Missing", "cp", `PATH=$OLD cp "$@"; for to; do :; done; rm "$to/bufio/scan.go"`, "bufio/scan.go is missing"},
		{"More", "rsync", `PATH=$OLD rsync "$@"; for to; do :; done; mkdir "$to/.hidden" && : > "$to/.hidden/new"`, ".hidden/new should not be there"},
		{"Short", "cat", `head -c 1000000`, "stream"},
		{"Fails", "cp", `echo "cp: out of luck" >&2; exit 1`, "cp: out of luck (exit status 1)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			temporary(t)
			bin := t.TempDir()
			if _, err := exec.LookPath(tt.program); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(bin, tt.program), []byte("#!/bin/sh\n"+tt.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("OLD", os.Getenv("PATH"))
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			var out script
			err := run(t.Context(), small(&out), thisHost())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ends with %v, want %q\n%s", err, tt.want, out.String())
			}
		})
	}
}

// A machine without rsync gets the demo without it, and is told so.
func TestDemoWithoutRsync(t *testing.T) {
	temporary(t)
	h := thisHost()
	look := h.look
	h.look = func(program string) (string, error) {
		if program == "rsync" {
			return "", exec.ErrNotFound
		}
		return look(program)
	}
	var out script
	if err := run(t.Context(), small(&out), h); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "make deps") != 2 {
		t.Errorf("does not say how to get rsync, in the story and in the table:\n%s", out.String())
	}
}
