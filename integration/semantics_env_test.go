//go:build integration

package integration

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
)

// env is what a test of the semantics works with: a store, and mounts of it.
type env struct {
	*testing.T
	store *fault.Store
}

func newEnv(t *testing.T, under objstore.Store) *env {
	return &env{t, fault.New(under)}
}

// mount mounts the store as the command does.
func (e *env) mount() *mounttest.Mount { return mounttest.New(e, e.store, mounttest.Options{}) }

// mountWith mounts the store in another way.
func (e *env) mountWith(change func(*fs.Config)) *mounttest.Mount {
	return mounttest.New(e, e.store, mounttest.Options{FS: change})
}

// ok ends the test if something failed that must not.
func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// want compares two texts.
func (e *env) want(what, got, want string) {
	e.Helper()
	if got != want {
		e.Errorf("%s: %s, want %s", what, short(got), short(want))
	}
}

func short(s string) string {
	if len(s) > 200 {
		return string(append([]byte(s[:200]), "…"...))
	}
	return "\"" + s + "\""
}

// fails checks the error number of a failure.
func (e *env) fails(what string, err error, want syscall.Errno) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Errorf("%s: %v, want %v", what, err, want)
	}
}

// put stores an object as another client would.
func (e *env) put(key, content string, meta map[string]string) objstore.Info {
	e.Helper()
	info, err := e.store.Put(e.Context(), key, objstore.Body{
		Reader: strings.NewReader(content), Size: int64(len(content)),
		Digest: objstore.SumOf(e.store.Profile().Digest, []byte(content)),
	}, objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{Metadata: meta}})
	e.ok(err)
	return info
}

// get returns the content of an object as another client sees it.
func (e *env) get(key string) (content string, there bool) {
	e.Helper()
	body, info, err := e.store.Get(e.Context(), key, objstore.GetOptions{})
	if errors.Is(err, objstore.ErrNotFound) {
		return "", false
	}
	e.ok(err)
	defer body.Close()
	var text strings.Builder
	text.Grow(int(info.Size))
	_, err = io.Copy(&text, body)
	e.ok(err)
	return text.String(), true
}

// stored checks the content of an object.
func (e *env) stored(key, want string) {
	e.Helper()
	got, there := e.get(key)
	if !there {
		e.Errorf("there is no object %q", key)
		return
	}
	e.want("object "+key, got, want)
}

// absent checks that there is no object.
func (e *env) absent(key string) {
	e.Helper()
	if got, there := e.get(key); there {
		e.Errorf("there is an object %q: %s", key, short(got))
	}
}

// head returns what the store knows of an object.
func (e *env) head(key string) objstore.Info {
	e.Helper()
	info, err := e.store.Head(e.Context(), key)
	e.ok(err)
	return info
}

// keys returns all keys of the bucket.
func (e *env) keys() []string {
	e.Helper()
	page, err := e.store.List(e.Context(), objstore.ListOptions{})
	e.ok(err)
	var out []string
	for _, o := range page.Objects {
		out = append(out, o.Key)
	}
	return out
}

// uploads returns how many uploads are unfinished.
func (e *env) uploads() int {
	e.Helper()
	page, err := e.store.ListUploads(e.Context(), objstore.ListUploadsOptions{})
	e.ok(err)
	return len(page.Uploads)
}

// requests returns how many requests fn caused, of the kinds that are named or of all.
func (e *env) requests(fn func(), ops ...string) int64 {
	e.Helper()
	before := e.store.Calls(ops...)
	fn()
	return e.store.Calls(ops...) - before
}

// writing are the requests that change something.
var writing = []string{
	objstore.OpPut, objstore.OpCreateMultipart, objstore.OpUploadPart, objstore.OpUploadPartCopy, objstore.OpComplete,
	objstore.OpCopy, objstore.OpDelete, objstore.OpDeleteMany,
}

// write makes a file of the mount in one go.
func (e *env) write(m *mounttest.Mount, name, content string) {
	e.Helper()
	f, err := os.OpenFile(filepath.Join(m.Dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	e.ok(err)
	_, err = f.WriteString(content)
	e.ok(err)
	e.ok(f.Close())
}

// read returns the content of a file of the mount.
func (e *env) read(m *mounttest.Mount, name string) string {
	e.Helper()
	b, err := os.ReadFile(filepath.Join(m.Dir, name))
	e.ok(err)
	return string(b)
}

// open opens a file of the mount. It is closed at the end of the test, if it is
// not closed before.
func (e *env) open(m *mounttest.Mount, name string, flags int) *os.File {
	e.Helper()
	f, err := os.OpenFile(filepath.Join(m.Dir, name), flags, 0o644)
	e.ok(err)
	e.Cleanup(func() { f.Close() })
	return f
}

// stat returns what stat says of a file of the mount.
func (e *env) stat(m *mounttest.Mount, name string) (st syscall.Stat_t) {
	e.Helper()
	if err := syscall.Lstat(filepath.Join(m.Dir, name), &st); err != nil {
		e.Fatalf("stat %s: %v", name, err)
	}
	return st
}

// names returns what a directory of the mount lists.
func (e *env) names(m *mounttest.Mount, dir string) string {
	e.Helper()
	f, err := os.Open(filepath.Join(m.Dir, dir))
	e.ok(err)
	defer f.Close()
	names, err := f.Readdirnames(-1)
	e.ok(err)
	return strings.Join(names, " ")
}

// patience is how long something may take that happens by itself.
const patience = 20 * time.Second

// eventually waits until something is so.
func (e *env) eventually(what string, so func() bool) {
	e.Helper()
	deadline := time.Now().Add(patience)
	for !so() {
		if time.Now().After(deadline) {
			e.Fatalf("it did not happen that %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// noise is n bytes that are different everywhere: those of a cipher, which are cheap to
// make also under the race detector.
func noise(n int) string {
	var key [aes.BlockSize]byte
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // no key of that size
	}
	stream := cipher.NewCTR(block, key[:])
	var text strings.Builder
	text.Grow(n)
	some := make([]byte, 64<<10)
	for text.Len() < n {
		some = some[:min(len(some), n-text.Len())]
		clear(some)
		stream.XORKeyStream(some, some)
		text.Write(some)
	}
	return text.String()
}

// aside counts the objects that --conflict=keep-both has put aside of a key, which must
// have that content.
func (e *env) aside(key, want string) (n int) {
	e.Helper()
	for _, k := range e.keys() {
		if strings.HasPrefix(k, key+".conflict") {
			e.stored(k, want)
			n++
		}
	}
	return n
}
