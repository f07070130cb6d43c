package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// textFile makes a file with a text.
func textFile(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

func TestPropertiesOfNewObjects(t *testing.T) {
	key := textFile(t, "key", strings.Repeat("k", 32), 0o600)
	o, err := parseMount(t,
		"--sse-kms-key-id", "id", "--sse-kms-context", "a=b", "--sse-bucket-key", "--sse", "kms", // in any order
		"--grant", `read=id="r"`, "--grant", "write-acp=w", "--tags", "a=1,b=2", "--meta", "One=1", "--meta", "two=2",
		"--cache-control", "no-store", "--content-disposition", "inline", "--content-encoding", "br", "--content-language", "de",
		"--expires", "2030-01-31T12:00:00Z", "--storage-class", "STANDARD_IA", "--sse-c-key-file", key,
		"--content-type-map", textFile(t, "types", "image/own jpg\n", 0o644),
		"--object-rules", textFile(t, "rules", "# cold\nraw/: storage-class=GLACIER_IR sse=c\n", 0o644))
	if err != nil {
		t.Fatal(err)
	}
	o.where = location{bucket: "b", prefix: "pre/"}
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	got := o.of("pre/a.jpg")
	want := objstore.ObjectOptions{
		ContentType: "image/own", CacheControl: "no-store", ContentDisposition: "inline", ContentEncoding: "br", ContentLanguage: "de",
		Expires: "Thu, 31 Jan 2030 12:00:00 GMT", Metadata: map[string]string{"one": "1", "two": "2"},
		Tags: map[string]string{"a": "1", "b": "2"}, StorageClass: "STANDARD_IA", Grants: objstore.Grants{Read: `id="r"`, WriteACP: "w"},
		SSE: objstore.SSE{Mode: "kms", KMSKeyID: "id", KMSContext: base64.StdEncoding.EncodeToString([]byte(`{"a":"b"}`)), BucketKey: true},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v, want\n%+v", got, want)
	}
	got = o.of("pre/raw/x")
	if got.StorageClass != "GLACIER_IR" || got.SSE.Mode != "c" || got.SSE.CustomerKey != nil || !maps.Equal(got.Tags, want.Tags) {
		t.Errorf("by rule: %+v", got)
	}
}

func TestMistakesInProperties(t *testing.T) {
	key := textFile(t, "key", strings.Repeat("k", 32), 0o600)
	open := textFile(t, "open", strings.Repeat("k", 32), 0o640)
	short := textFile(t, "short", "hush-hush", 0o600)
	rules := func(text string) string { return textFile(t, "rules", text, 0o644) }
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--sse", "rot13"}, "want aes256, kms, kms:dsse, c or sm4"},
		{[]string{"--sse", "c"}, "needs --sse-c-key-file"},
		{[]string{"--sse-c-key-file", open}, "chmod 600"},
		{[]string{"--sse-c-key-file", short}, "want a key of 32 bytes"},
		{[]string{"--sse-c-key-file", filepath.Join(t.TempDir(), "none")}, "no such file"},
		{[]string{"--sse-c-key-file", key, "--sse", "kms"}, ""}, // to read with
		{[]string{"--sse-kms-context", "a=b"}, "needs --sse kms"},
		{[]string{"--sse-bucket-key"}, "needs --sse kms"},
		{[]string{"--acl", "private", "--grant", "read=x"}, "exclude each other"},
		{[]string{"--grant", "all=x"}, "grant-full-control"},
		{[]string{"--grant", "read"}, "want NAME=VALUE"},
		{[]string{"--tags", "a=1,a=2"}, "twice"},
		{[]string{"--meta", "a b=c"}, "letters"},
		{[]string{"--expires", "soon"}, "want a time"},
		{[]string{"--cache-control", "a\nb"}, "control characters"},
		{[]string{"--content-type-map", rules("jpg image/jpeg")}, "line 1: \"jpg\" is no content type"},
		{[]string{"--content-type-map", "/nowhere/types"}, "--content-type-map: open /nowhere/types"},
		{[]string{"--object-rules", rules("*: acl=x\n*.jpg = x\n")}, "line 2: want PATTERN: name=value"},
		{[]string{"--object-rules", rules("\n\n*.jpg: sse=c\n")}, "line 3: --sse c needs --sse-c-key-file"},
		{[]string{"--bwlimit", "fast"}, "UP:DOWN"},
		{[]string{"--bwlimit", "1KiB"}, "16KiB a second or more"},
		{[]string{"--put-threshold", "0"}, "1 byte or more"},
		{[]string{"--dual-stack", "--endpoint", "http://localhost:1"}, "without an --endpoint"},
		{[]string{"--accelerate", "--path-style"}, "exclude each other"},
	} {
		o, err := parseMount(t, c.args...)
		if err == nil {
			err = o.check()
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.args, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: %v, want %q in it", c.args, err, c.want)
		case err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hush")):
			t.Errorf("%q: %q", c.args, err)
		}
	}
}

func TestCustomerKeyFile(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdeX")
	for name, text := range map[string]string{
		"binary": string(key), "hex": hex.EncodeToString(key) + "\n", "base64": base64.StdEncoding.EncodeToString(key) + "\n",
	} {
		got, err := readCustomerKey(textFile(t, name, text, 0o400))
		if err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readCustomerKey(textFile(t, "long", strings.Repeat("a", 33), 0o600)); !errors.Is(err, errKeyFile) {
		t.Errorf("33 bytes: %v", err)
	}
}

// TestPropertiesThatAStoreDoesNotHave are refused before anything is mounted.
func TestPropertiesThatAStoreDoesNotHave(t *testing.T) {
	key := textFile(t, "key", strings.Repeat("k", 32), 0o600)
	rule := textFile(t, "rules", "*.a: storage-class=STANDARD\n*.b: storage-class=STANDARD_IA\n", 0o644)
	for _, c := range []struct {
		provider, endpoint string
		args               []string
		want               string
	}{
		{"aws", "", []string{"--storage-class", "ONEZONE_IA", "--sse", "kms:dsse", "--acl", "private", "--tags", "a=b"}, ""},
		{"aws", "", []string{"--sse", "sm4"}, "sm4"},
		{"oss", "", []string{"--sse", "sm4"}, ""},
		{"minio", "", []string{"--storage-class", "GLACIER"}, "GLACIER"},
		{"minio", "", []string{"--object-rules", rule}, "line 2"},
		{"r2", "", []string{"--tags", "a=b"}, "tags"},
		{"bos", "", []string{"--sse", "aes256"}, "aes256"},
		{"minio", "http://127.0.0.1:1", []string{"--sse-c-key-file", key}, ""},
		{"minio", "http://[::1]:1", []string{"--sse-c-key-file", key}, ""},
		{"minio", "http://store.example:1", []string{"--sse-c-key-file", key}, "in the clear"},
		{"minio", "https://store.example:1", []string{"--sse-c-key-file", key}, ""},
	} {
		o, err := parseMount(t, append(c.args, "--provider", c.provider)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.check(); err != nil {
			t.Fatal(err)
		}
		p, _ := objstore.ProfileByName(c.provider)
		err = o.object.checkStore(&p, c.endpoint)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s %q: %v", c.provider, c.args, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s %q: %v, want %q in it", c.provider, c.args, err, c.want)
		}
	}
}

func TestBandwidthFlag(t *testing.T) {
	for text, want := range map[string][2]byteSize{
		"10MiB": {10 << 20, 10 << 20}, "10MiB:0": {10 << 20, 0}, "0:1MB/s": {0, 1e6}, "0": {0, 0}, "64K:2M": {64 << 10, 2 << 20},
	} {
		var b bandwidth
		if err := b.Set(text); err != nil || b.up != want[0] || b.down != want[1] || b.String() != text {
			t.Errorf("%q: %+v, %v", text, b, err)
		}
	}
}
