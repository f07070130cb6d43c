package fs

import (
	"maps"
	"syscall"
	"testing"
	"time"
)

func TestDecodeMode(t *testing.T) {
	for _, c := range []struct {
		in   string
		want uint32
		ok   bool
	}{
		{"33188", 0o100644, true},   // s3fs: a regular file, in decimal
		{"16877", 0o040755, true},   // s3fs: a directory
		{"41471", 0o120777, true},   // s3fs: a symlink
		{"100644", 0o100644, true},  // rclone: octal, with the type
		{"0100755", 0o100755, true}, // the same with the sign of an octal number
		{"0644", 0o644, true},       // people
		{"644", 0o644, true},
		{"0", 0, true},
		{"", 0, false},
		{"rw-r--r--", 0, false},
		{"-1", 0, false},
		{"999999", 0, false},
		{"177777", 0, false}, // no such type
		{"99999999999999999999", 0, false},
	} {
		if got, ok := decodeMode(c.in); got != c.want || ok != c.ok {
			t.Errorf("decodeMode(%q) = %o, %v; want %o, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		text      string
		sec, nsec int64
	}{
		{"1600000000", 1600000000, 0},
		{"1600000000.500000000", 1600000000, 500000000},
		{"1600000000.000000001", 1600000000, 1},
		{"0", 0, 0},
		{"-1", -1, 0},
		{"-0.250000000", -1, 750000000},
		{"-2.500000000", -3, 500000000},
		{"253402300800.123456789", 253402300800, 123456789},
	} {
		want := time.Unix(c.sec, c.nsec)
		got, ok := decodeTime(c.text)
		if !ok || !got.Equal(want) {
			t.Errorf("decodeTime(%q) = %v, %v; want %v", c.text, got, ok, want)
		}
		if text := encodeTime(want); text != c.text {
			t.Errorf("encodeTime(%v) = %q, want %q", want, text, c.text)
		}
	}
	for text, want := range map[string]time.Time{
		"1600000000.5":             time.Unix(1600000000, 500000000), // rclone cuts zeros
		"1600000000.1234567891234": time.Unix(1600000000, 123456789),
		"1600000000.":              time.Unix(1600000000, 0),
	} {
		if got, ok := decodeTime(text); !ok || !got.Equal(want) {
			t.Errorf("decodeTime(%q) = %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "yesterday", "1.x", "1.-5", ".5"} {
		if got, ok := decodeTime(text); ok {
			t.Errorf("decodeTime(%q) = %v, want a refusal", text, got)
		}
	}
}

func TestAttributesRoundTrip(t *testing.T) {
	want := attributes{
		known: knownMode | knownUID | knownGID | knownMtime | knownRdev,
		mode:  syscall.S_IFCHR | 0o640, uid: 1000, gid: 4294967295, rdev: 0x103,
		mtime: time.Unix(1700000000, 42),
	}
	others := map[string]string{"note": "kept", "mode": "overwritten"}
	before := maps.Clone(others)
	meta := want.encode(others)
	if !maps.Equal(others, before) {
		t.Errorf("encode changed its argument to %v", others)
	}
	for name, value := range map[string]string{
		"note": "kept", "mode": "8608", "uid": "1000", "gid": "4294967295", "rdev": "259", "mtime": "1700000000.000000042",
	} {
		if meta[name] != value {
			t.Errorf("metadata %q is %q, want %q", name, meta[name], value)
		}
	}
	if got := decodeAttributes(meta, attributes{mode: syscall.S_IFREG | 0o600}); !equalAttributes(got, want) {
		t.Errorf("decoded %+v, want %+v", got, want)
	}
}

func equalAttributes(a, b attributes) bool {
	same := a.mtime.Equal(b.mtime)
	a.mtime = b.mtime
	return same && a == b
}

func TestDecodeAttributesDefaults(t *testing.T) {
	defaults := attributes{mode: syscall.S_IFREG | 0o600, uid: 7, gid: 8, mtime: time.Unix(5, 0)}
	for name, c := range map[string]struct {
		meta map[string]string
		want attributes
	}{
		"nothing is known":          {nil, defaults},
		"nonsense is as if missing": {map[string]string{"mode": "x", "uid": "-1", "gid": "1.5", "mtime": "now", "rdev": ""}, defaults},
		"bits without a type": {map[string]string{"mode": "755"},
			attributes{known: knownMode, mode: syscall.S_IFREG | 0o755, uid: 7, gid: 8, mtime: time.Unix(5, 0)}},
		"only the time": {map[string]string{"mtime": "9.5"},
			attributes{known: knownMtime, mode: syscall.S_IFREG | 0o600, uid: 7, gid: 8, mtime: time.Unix(9, 500000000)}},
	} {
		if got := decodeAttributes(c.meta, defaults); !equalAttributes(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestEncodeWritesOnlyWhatIsKnown(t *testing.T) {
	a := attributes{known: knownMtime, mode: 0o644, uid: 1, mtime: time.Unix(1, 0)}
	if got, want := a.encode(nil), map[string]string{"mtime": "1"}; !maps.Equal(got, want) {
		t.Errorf("encode = %v, want %v", got, want)
	}
}
