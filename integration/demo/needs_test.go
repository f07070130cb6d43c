package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each thing that is missing is one line, with the remedy in it.
func TestCheckSaysWhatIsMissing(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	able := file("able", "Name:\tdemo\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n")
	unable := file("unable", "CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n")
	user := file("user", "CapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n")
	device := file("fuse", "")
	absent := filepath.Join(folder, "absent")

	tests := []struct {
		name    string
		host    host
		without []string // programs
		free    int64
		want    []string // one in each line
	}{
		{name: "Nothing", host: host{root: true, device: device, status: able}, free: 1 << 40},
		{name: "NothingForAUser", host: host{device: device, status: user}, free: 1 << 40},
		{name: "NoStatus", host: host{root: true, device: device, status: absent}, free: 1 << 40},
		{name: "NoRsync", host: host{root: true, device: device, status: able}, free: 1 << 40, without: []string{"rsync"}},
		{name: "NoFusermountForRoot", host: host{root: true, device: device, status: able}, free: 1 << 40,
			without: []string{"fusermount3", "fusermount"}},
		{name: "NoDevice", host: host{root: true, device: absent, status: able}, free: 1 << 40,
			want: []string{"modprobe fuse"}},
		{name: "DeviceCannotBeOpened", host: host{root: true, device: folder, status: able}, free: 1 << 40,
			want: []string{"cannot be used"}},
		{name: "NoPermission", host: host{root: true, device: device, status: unable}, free: 1 << 40,
			want: []string{"--cap-add SYS_ADMIN"}},
		{name: "NoPermissionForAUser", host: host{device: device, status: unable}, free: 1 << 40,
			want: []string{"--cap-add SYS_ADMIN"}},
		{name: "NoFusermount", host: host{device: device, status: user}, free: 1 << 40,
			without: []string{"fusermount3", "fusermount"}, want: []string{"package fuse3"}},
		{name: "NotBuilt", host: host{root: true, device: device, status: able}, free: 1 << 40,
			without: []string{"sluicefs"}, want: []string{"make build"}},
		{name: "NoSums", host: host{root: true, device: device, status: able}, free: 1 << 40,
			without: []string{"sha256sum"}, want: []string{"sha256sum is missing"}},
		{name: "NoRoom", host: host{root: true, device: device, status: able}, free: 1 << 30,
			want: []string{"only 1024 MiB free, and the demo needs 2304 MiB: set TMPDIR"}},
		{name: "Much", host: host{device: absent, status: unable}, free: 0, without: []string{"go"},
			want: []string{"is missing: load", "no permission", "go is missing", "only 0.0 MiB"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.host
			h.look = func(program string) (string, error) {
				if slices.Contains(tt.without, program) {
					return "", errors.New("not found")
				}
				return program, nil
			}
			h.free = func(string) (int64, error) { return tt.free, nil }
			err := h.check(config{program: "sluicefs", stream: 1 << 30})
			var lines []string
			if err != nil {
				lines = strings.Split(err.Error(), "\n")
			}
			if !slices.EqualFunc(lines, tt.want, strings.Contains) {
				t.Errorf("says %q, want lines with %q", lines, tt.want)
			}
		})
	}
}

func TestFreeBytes(t *testing.T) {
	if free, err := freeBytes(t.TempDir()); err != nil || free <= 0 {
		t.Errorf("%d bytes are free, %v", free, err)
	}
	if _, err := freeBytes(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("a folder that is not there has free space")
	}
}
