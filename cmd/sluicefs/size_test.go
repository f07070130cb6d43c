package main

import "testing"

func TestByteSize(t *testing.T) {
	for _, c := range []struct {
		text, shown string
		bytes       int64
	}{
		{"0", "0", 0},
		{"1", "1", 1},
		{"4095", "4095", 4095},
		{"4096", "4KiB", 4096},
		{"512MiB", "512MiB", 512 << 20},
		{"64M", "64MiB", 64 << 20},
		{"64m", "64MiB", 64 << 20},
		{"64 MiB", "64MiB", 64 << 20},
		{"1g", "1GiB", 1 << 30},
		{"1024Gi", "1TiB", 1 << 40},
		{"1MB", "1000000", 1e6},
		{"5B", "5", 5},
	} {
		var s byteSize
		if err := s.Set(c.text); err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if int64(s) != c.bytes || s.String() != c.shown {
			t.Errorf("%q is %d, shown as %s; want %d, %s", c.text, int64(s), &s, c.bytes, c.shown)
		}
	}
	for _, text := range []string{"", "M", "-1", "1.5G", "1x", "1 M M", "9999999999T", "99999999999999999999", "0x10"} {
		var s byteSize
		if err := s.Set(text); err == nil {
			t.Errorf("%q is taken for %s", text, &s)
		}
	}
}

func TestPermissions(t *testing.T) {
	for text, want := range map[string]string{"644": "0644", "0640": "0640", "0o755": "0755", "0": "0", "777": "0777"} {
		var m permissions
		if err := m.Set(text); err != nil || m.String() != want {
			t.Errorf("%q is %s (%v), want %s", text, &m, err, want)
		}
	}
	for _, text := range []string{"", "8", "1000", "-1", "rw"} {
		var m permissions
		if err := m.Set(text); err == nil {
			t.Errorf("%q is taken for %s", text, &m)
		}
	}
}
