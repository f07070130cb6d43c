//go:build integration

package integration

import (
	"bytes"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/byname"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

const (
	noClasses = "versitygw keeps no storage classes and does not encrypt"
	noACLs    = "what the store was sent can be seen in memory only"
)

// giving mounts with properties for new objects: rules as --object-rules has them.
func (e *env) giving(flags objstore.ObjectOptions, rules string) *mounttest.Mount {
	e.Helper()
	read, err := byname.ReadRules(strings.NewReader(rules), "rules")
	e.ok(err)
	p := byname.Properties{Types: byname.CommonTypes(), Flags: flags, Rules: read}
	return e.mountWith(func(c *fs.Config) { c.Options = p.Of })
}

// putAs stores an object with properties, as another client would.
func (e *env) putAs(key string, content []byte, o objstore.ObjectOptions) {
	e.Helper()
	_, err := e.store.Put(e.Context(), key, objstore.Body{
		Reader: bytes.NewReader(content), Size: int64(len(content)), Digest: objstore.SumOf(e.store.Profile().Digest, content),
	}, objstore.PutOptions{ObjectOptions: o})
	e.ok(err)
}

// own are properties that no rule gives.
func own() objstore.ObjectOptions {
	return objstore.ObjectOptions{
		ContentType: "text/x-own", CacheControl: "max-age=1", ContentDisposition: "inline", ContentEncoding: "x-own",
		ContentLanguage: "de", Metadata: map[string]string{"own": "yes"}, Tags: map[string]string{"own": "a b+c=d"},
	}
}

// wantOwn checks that an object has what own() says.
func (e *env) wantOwn(key string) {
	e.Helper()
	got, want := e.head(key), own()
	e.want(key+" content type", got.ContentType, want.ContentType)
	e.want(key+" cache control", got.CacheControl, want.CacheControl)
	e.want(key+" disposition", got.ContentDisposition, want.ContentDisposition)
	e.want(key+" encoding", got.ContentEncoding, want.ContentEncoding)
	e.want(key+" language", got.ContentLanguage, want.ContentLanguage)
	e.want(key+" metadata", got.Metadata["own"], "yes")
	e.wantTags(key, want.Tags)
}

func (e *env) wantTags(key string, want map[string]string) {
	e.Helper()
	got, err := e.store.Tags(e.Context(), key)
	e.ok(err)
	if !maps.Equal(got, want) {
		e.Errorf("%s has the tags %v, want %v", key, got, want)
	}
}

// change writes on a file in each way there is.
func (e *env) changes(m *mounttest.Mount, name string) map[string]func() {
	open := func(flags int, do func(*os.File) error) func() {
		return func() {
			e.Helper()
			f := e.open(m, name, flags)
			e.ok(do(f))
			e.ok(f.Close())
		}
	}
	text := []byte("new")
	return map[string]func(){
		"replaced": open(os.O_WRONLY|os.O_TRUNC, func(f *os.File) error { _, err := f.Write(text); return err }),
		"appended": open(os.O_WRONLY|os.O_APPEND, func(f *os.File) error { _, err := f.Write(text); return err }),
		"patched":  open(os.O_RDWR, func(f *os.File) error { _, err := f.WriteAt(text, 1); return err }),
		"cut":      func() { e.Helper(); e.ok(os.Truncate(filepath.Join(m.Dir, name), 2)) },
	}
}

func optionClauses() map[string]clause {
	return map[string]clause{
		"P1": {run: func(e *env) {
			m := e.giving(objstore.ObjectOptions{
				CacheControl: "flag", ContentLanguage: "en", Tags: map[string]string{"t": "flag"}, Metadata: map[string]string{"m": "flag"},
			}, "*.jpg: cache-control=rule meta-m=rule\nd/: content-type=text/x-rule tags=t=d\nd/b.jpg: cache-control=last")
			e.ok(os.Mkdir(filepath.Join(m.Dir, "d"), 0o755))
			for _, c := range []struct{ name, kind, cache, meta, tag string }{
				{"a.html", "text/html", "flag", "flag", "flag"},
				{"a.jpg", "image/jpeg", "rule", "rule", "flag"},
				{"d/a.jpg", "text/x-rule", "rule", "rule", "d"},
				{"d/b.jpg", "text/x-rule", "last", "rule", "d"},
			} {
				e.write(m, c.name, "content")
				got := e.head(c.name)
				e.want(c.name+" content type", got.ContentType, c.kind)
				e.want(c.name+" cache control", got.CacheControl, c.cache)
				e.want(c.name+" language", got.ContentLanguage, "en")
				e.want(c.name+" metadata", got.Metadata["m"], c.meta)
				e.wantTags(c.name, map[string]string{"t": c.tag})
			}
			big := bytes.Repeat([]byte("x"), 21<<20) // sent in parts
			e.write(m, "big.png", string(big))
			e.want("big.png content type", e.head("big.png").ContentType, "image/png")
			e.wantTags("big.png", map[string]string{"t": "flag"})
			e.ok(os.Symlink("a.jpg", filepath.Join(m.Dir, "link.jpg")))
			if got := e.head("link.jpg").ContentType; strings.HasPrefix(got, "image/") {
				e.Errorf("a symlink has the content type %s", got)
			}
		}},
		"P2": {run: func(e *env) {
			m := e.giving(objstore.ObjectOptions{CacheControl: "flag", ContentLanguage: "flag", Tags: map[string]string{"t": "flag"}},
				"*.txt: content-type=text/x-rule")
			for how, change := range e.changes(m, "own.txt") {
				e.putAs("own.txt", []byte("content"), own())
				e.settled(m, "own.txt")
				change()
				e.Log(how)
				e.wantOwn("own.txt")
			}
			big := bytes.Repeat([]byte("x"), 12<<20) // of which the server copies a part
			for how, change := range e.changes(m, "big.txt") {
				e.putAs("big.txt", big, own())
				e.settled(m, "big.txt")
				change()
				e.Log(how + ", big")
				e.wantOwn("big.txt")
			}
			for how, change := range e.changes(m, "bare.txt") {
				e.putAs("bare.txt", []byte("content"), objstore.ObjectOptions{})
				e.settled(m, "bare.txt")
				change()
				e.Log(how)
				got := e.head("bare.txt")
				e.want("content type", got.ContentType, "text/x-rule")
				e.want("cache control", got.CacheControl, "flag")
				e.wantTags("bare.txt", map[string]string{"t": "flag"})
			}
		}},
		"P3": {inMemory: noClasses, run: func(e *env) {
			m := e.giving(objstore.ObjectOptions{StorageClass: "ONEZONE_IA"}, "*.safe: sse=kms sse-kms-key-id=rule")
			kms := objstore.SSE{Mode: "kms", KMSKeyID: "own", BucketKey: true}
			for _, c := range []struct{ name, had, want, key string }{
				{"a", "STANDARD_IA", "STANDARD_IA", "own"},
				{"b", "", "ONEZONE_IA", "own"},
				{"c.safe", "STANDARD_IA", "STANDARD_IA", "rule"},
			} {
				for how, change := range e.changes(m, c.name) {
					e.putAs(c.name, []byte("content"), objstore.ObjectOptions{StorageClass: c.had, SSE: kms})
					e.settled(m, c.name)
					change()
					got := e.head(c.name)
					e.want(how+" class of "+c.name, got.StorageClassSeen, c.want)
					e.want(how+" key of "+c.name, got.SSE.Mode+" "+got.SSE.KMSKeyID, "kms "+c.key)
				}
			}
			e.putAs("cold", []byte("content"), objstore.ObjectOptions{StorageClass: "GLACIER"})
			e.settled(m, "cold")
			e.write(m, "cold", "new")
			e.want("class of new content", e.head("cold").StorageClassSeen, "ONEZONE_IA")
		}},
		"P4": {run: func(e *env) {
			e.putAs("own.txt", []byte("content"), own())
			e.putAs("bare.txt", []byte("content"), objstore.ObjectOptions{})
			m := e.giving(objstore.ObjectOptions{CacheControl: "flag"}, "")
			when := time.Unix(1600000000, 0)
			for _, name := range []string{"own.txt", "bare.txt"} {
				at := filepath.Join(m.Dir, name)
				e.ok(os.Chmod(at, 0o600))
				e.ok(os.Chtimes(at, when, when))
				f := e.open(m, name, os.O_RDONLY)
				e.ok(f.Sync())
				e.ok(f.Close())
				e.want("mtime of "+name, e.head(name).Metadata["mtime"], "1600000000")
			}
			e.wantOwn("own.txt")
			e.want("cache control of an object that had none", e.head("bare.txt").CacheControl, "")
		}},
		"P5": {run: func(e *env) {
			m := e.giving(objstore.ObjectOptions{ContentLanguage: "en"}, "*.jpg: cache-control=jpg\n*.png: cache-control=png tags=t=png")
			at := func(name string) string { return filepath.Join(m.Dir, name) }
			e.putAs("own.txt", []byte("content"), own())
			e.ok(os.Rename(at("own.txt"), at("own.jpg")))
			e.wantOwn("own.jpg")
			e.write(m, ".a.jpg.x1Y2z3", "as rsync does it")
			e.ok(os.Rename(at(".a.jpg.x1Y2z3"), at("a.jpg")))
			e.want("content type", e.head("a.jpg").ContentType, "image/jpeg")
			e.want("cache control", e.head("a.jpg").CacheControl, "jpg")
			e.ok(os.Rename(at("a.jpg"), at("a.png")))
			e.want("content type", e.head("a.png").ContentType, "image/png")
			e.want("cache control", e.head("a.png").CacheControl, "png")
			e.want("language", e.head("a.png").ContentLanguage, "en")
			e.wantTags("a.png", map[string]string{"t": "png"})
			e.stored("a.png", "as rsync does it")
			f := e.open(m, "open", os.O_CREATE|os.O_WRONLY) // renamed before it is stored
			_, err := f.WriteString("content")
			e.ok(err)
			e.ok(os.Rename(at("open"), at("open.jpg")))
			e.ok(f.Close())
			e.want("content type", e.head("open.jpg").ContentType, "image/jpeg")
			e.want("cache control", e.head("open.jpg").CacheControl, "jpg")
			e.ok(os.Mkdir(at("d"), 0o755))
			e.putAs("d/own.txt", []byte("content"), own())
			e.write(m, "d/b.jpg", "content")
			e.ok(os.Rename(at("d"), at("e")))
			e.wantOwn("e/own.txt")
			e.want("content type", e.head("e/b.jpg").ContentType, "image/jpeg")
		}},
		"P6": {inMemory: noACLs, run: func(e *env) {
			m := mem.New(*e.store.Profile())
			e = newEnv(e.T, m)
			mount := e.giving(objstore.ObjectOptions{}, "*.acl: acl=bucket-owner-full-control\n*.grant: grant-read=id=\"r\"")
			at := func(name string) string { return filepath.Join(mount.Dir, name) }
			check := func(what, key string) {
				e.Helper()
				_, got, _ := m.Object(key)
				want := objstore.ObjectOptions{Grants: objstore.Grants{Read: `id="r"`}}
				if strings.HasSuffix(key, ".acl") {
					want = objstore.ObjectOptions{ACL: "bucket-owner-full-control"}
				}
				if got.ACL != want.ACL || got.Grants != want.Grants {
					e.Errorf("%s, %s: ACL %q, grants %+v", key, what, got.ACL, got.Grants)
				}
			}
			for _, name := range []string{"f.acl", "f.grant"} {
				for how, change := range e.changes(mount, name) {
					e.write(mount, name, "content")
					check("new", name)
					change()
					check(how, name)
				}
				e.ok(os.Chmod(at(name), 0o600))
				f := e.open(mount, name, os.O_RDONLY)
				e.ok(f.Sync())
				e.ok(f.Close())
				check("after chmod", name)
				e.ok(os.Rename(at(name), at("g"+name)))
				check("renamed", "g"+name)
			}
		}},
		"P7": {inMemory: noClasses, run: testCustomerKey},
	}
}

// settled makes a mount see what another client stored just now.
func (e *env) settled(m *mounttest.Mount, name string) {
	e.Helper()
	want := e.head(name)
	e.eventually("the mount sees "+name+" of another client", func() bool {
		var buf [100]byte
		n, err := syscall.Getxattr(filepath.Join(m.Dir, name), "user.sluicefs.etag", buf[:])
		return err == nil && strings.Trim(string(buf[:n]), `"`) == want.ETag
	})
}

// testCustomerKey works on a bucket with a client that adds the key, as the command
// does, at a server that insists on it.
func testCustomerKey(e *env) {
	p := *e.store.Profile()
	m := mem.New(p)
	srv := httptest.NewServer(memhttp.New(m, "b", memhttp.PersonalityOf(&p)))
	e.Cleanup(srv.Close)
	client, err := s3.New(e.Context(), s3.Config{
		Endpoint: srv.URL, Bucket: "b", Profile: p, Style: objstore.PathStyle, CustomerKey: bytes.Repeat([]byte("k"), 32),
		Credentials: s3.Credentials{AccessKey: "a", SecretKey: "s"},
	})
	e.ok(err)
	e.Cleanup(client.Close)
	_, err = m.Put(e.Context(), "plain", objstore.Body{Reader: strings.NewReader("plain content"), Size: 13}, objstore.PutOptions{})
	e.ok(err)
	e = newEnv(e.T, client)
	mount := e.giving(objstore.ObjectOptions{SSE: objstore.SSE{Mode: "c"}}, "")
	at := func(name string) string { return filepath.Join(mount.Dir, name) }

	e.want("what has no key", e.read(mount, "plain"), "plain content")
	big := bytes.Repeat([]byte("0123456789abcdef"), 24<<20/16)
	e.write(mount, "small", "content")
	e.write(mount, "big", string(big))
	e.ok(os.Mkdir(at("d"), 0o755))
	e.ok(os.Symlink("small", at("link")))
	for name := range map[string]bool{"plain": true, "big": true, "small": true} {
		f := e.open(mount, name, os.O_RDWR|os.O_APPEND)
		_, err := f.WriteString("appended")
		e.ok(err)
		e.ok(f.Close())
		e.ok(os.Chmod(at(name), 0o600))
	}
	e.ok(os.Rename(at("small"), at("d/small")))
	f := e.open(mount, "big", os.O_RDWR)
	_, err = f.WriteAt([]byte("PATCH"), 1<<20)
	e.ok(err)
	e.ok(f.Close())
	copy(big[1<<20:], "PATCH")

	// What is deleted while it is open is kept aside, and encrypted there.
	held := e.open(mount, "big", os.O_RDONLY)
	e.ok(os.Rename(at("big"), at("moved")))
	kept := e.open(mount, "moved", os.O_RDONLY)
	e.ok(os.Remove(at("moved")))
	e.eventually("the attributes are stored", func() bool { return e.head("plain").Metadata["mode"] != "" })
	for _, key := range m.Keys() {
		if _, info, _ := m.Object(key); info.SSE.Mode != "c" {
			e.Errorf("%s is not encrypted with the key", key)
		}
	}
	got := make([]byte, len(big))
	_, err = kept.ReadAt(got, 0)
	e.ok(err)
	if !bytes.Equal(got, big) {
		e.Error("the deleted file has other bytes")
	}
	e.ok(kept.Close())
	e.ok(held.Close())
	other := e.giving(objstore.ObjectOptions{SSE: objstore.SSE{Mode: "c"}}, "")
	e.want("small", e.read(other, "d/small"), "contentappended")
	e.want("plain", e.read(other, "plain"), "plain contentappended")
	target, err := os.Readlink(filepath.Join(other.Dir, "link"))
	e.ok(err)
	e.want("link", target, "small")
}
