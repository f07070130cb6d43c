package objstore_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func TestCheckKey(t *testing.T) {
	p := &objstore.Profile{Key: objstore.KeyLimits{MaxBytes: 20, MaxSegment: 8, Forbid: "/\\"}}
	for _, c := range []struct {
		key  string
		want error
	}{
		{"a", nil},
		{"12345678/12345678", nil},
		{"", objstore.ErrInvalid},
		{"/a", objstore.ErrInvalid},
		{"\\a", objstore.ErrInvalid},
		{"a/123456789", objstore.ErrKeyTooLong},
		{strings.Repeat("a/", 11), objstore.ErrKeyTooLong},
		{"ümläut", nil},
		{"\xff", objstore.ErrInvalid},
		{"a\x01", nil},
	} {
		if err := p.CheckKey(c.key); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.key, err, c.want)
		}
	}
}

func TestXMLSafe(t *testing.T) {
	p := &objstore.Profile{Key: objstore.KeyLimits{XMLOnly: true}}
	for key, want := range map[string]bool{
		"a b": true, "new\nline": true, "tab\t": true, "cr\r": true, "<&>\"'": true, "ü😀": true, "\ufffd": true, "del\x7f": true,
		"\x00": false, "\x01": false, "\x1b": false, "\uffff": false, "\xff": false, "a\xe9b": false,
	} {
		if got := objstore.XMLSafe(key); got != want {
			t.Errorf("%q: %v", key, got)
		}
		if err := p.CheckKey(key); (err == nil) != want {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestMetadataIsCountedAsItIsSent(t *testing.T) {
	p := &objstore.Profile{MetaBytes: 20}
	for value, want := range map[string]error{"12345678": nil, "123456789": objstore.ErrInvalid} {
		if err := p.CheckOptions(&objstore.ObjectOptions{Metadata: map[string]string{"n": value}}); !errors.Is(err, want) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestConditionsThatTheProfileCannotKeep(t *testing.T) {
	none := &objstore.Profile{NoClobberPut: objstore.GuardHeadFirst, NoClobberDone: objstore.GuardNone}
	all := &objstore.Profile{
		NoClobberPut: objstore.GuardIfNoneMatch, NoClobberDone: objstore.GuardIfNoneMatch,
		IfMatchPut: true, IfMatchDone: true, CopyGuards: true,
	}
	checks := map[string]func(*objstore.Profile, objstore.Condition) error{
		"Put": (*objstore.Profile).CheckPut, "Complete": (*objstore.Profile).CheckComplete, "Copy": (*objstore.Profile).CheckCopy,
	}
	for name, check := range checks {
		for _, c := range []objstore.Condition{{Absent: true}, {ETag: "x"}} {
			if err := check(none, c); !errors.Is(err, objstore.ErrUnsupported) {
				t.Errorf("%s with %+v where there are no guards: %v", name, c, err)
			}
			if err := check(all, c); err != nil {
				t.Errorf("%s with %+v where there are guards: %v", name, c, err)
			}
		}
		if err := check(none, objstore.Condition{}); err != nil {
			t.Errorf("%s without a condition: %v", name, err)
		}
	}
}

// TestSumOf checks the digests of "123456789", the check value of CRC catalogues.
func TestSumOf(t *testing.T) {
	for a, want := range map[objstore.Algorithm]string{
		objstore.CRC32C:     "e3069283",
		objstore.CRC64NVME:  "ae8b14860a799888",
		objstore.ContentMD5: "25f9e794323b453885f5181f1b624d0b",
	} {
		got := objstore.SumOf(a, []byte("1234"), nil, []byte("56789"))
		sum, _ := hex.DecodeString(want)
		if got.Algorithm != a || !bytes.Equal(got.Sum, sum) {
			t.Errorf("%s: %x, want %s", a, got.Sum, want)
		}
	}
	if !objstore.SumOf(objstore.DigestNone, []byte("x")).IsZero() {
		t.Error("no algorithm gave a digest")
	}
}
