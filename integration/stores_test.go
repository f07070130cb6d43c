//go:build integration

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// shop is a bucket of one kind of store, as a mount has it.
type shop struct {
	*testing.T
	store  objstore.Store // the mounts'
	behind objstore.Store // another client's
}

// TestStores mounts a bucket of every kind of store there is a profile for, and does
// what people do with it. Real servers stand for themselves; the others are
// served with their personality, which refuses what the vendor refuses.
func TestStores(t *testing.T) {
	for _, p := range objstore.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			serve(t, p).run()
		})
	}
	for _, shared := range []*sharedServer{&versityGW, &minIO} {
		name := string(shared.kind)
		t.Run("real "+name, func(t *testing.T) {
			client := newBucket(t, shared.of(t), name, bucketFor("stores"))
			(&shop{t, retry.New(client, retry.Config{}), client}).run()
		})
	}
}

const shopBucket = "shop-1250000000" // in the form that Tencent wants

// serve makes a shop with the personality of its profile, under a host name of its
// vendor, over TLS and with virtual hosts where the vendor has these.
func serve(t *testing.T, p objstore.Profile) *shop {
	t.Helper()
	store := mem.New(p)
	personality := memhttp.PersonalityOf(&p)
	host := personality.Host
	if host == "" {
		host = p.Name + ".test"
	}
	site, err := memhttp.Open(memhttp.New(store, shopBucket, personality), host, personality.Host != "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
		if n := store.Uploads(); n != 0 {
			t.Errorf("%d uploads are left", n)
		}
	})
	if found, ok := objstore.ProfileByHost(host); ok && found.Name != p.Name {
		t.Errorf("%s is taken for %s", host, found.Name)
	}
	cfg := s3.Config{
		Endpoint: site.Endpoint, Bucket: shopBucket, Profile: p, Dial: site.Dial,
		Credentials: s3.Credentials{AccessKey: "test-key", SecretKey: "test-secret"},
	}
	if site.Authority != nil {
		cfg.CAFile = filepath.Join(t.TempDir(), "authority.pem")
		if err := os.WriteFile(cfg.CAFile, site.Authority, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client, err := s3.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &shop{t, retry.New(client, retry.Config{}), store}
}

func (s *shop) run() {
	for _, step := range []struct {
		name string
		do   func(*shop)
	}{
		{"copy a tree", (*shop).copyTree},
		{"large file", (*shop).largeFile},
		{"exclusive", (*shop).exclusive},
		{"limits", (*shop).limits},
		{"many keys", (*shop).manyKeys},
		{"many uploads", (*shop).manyUploads},
	} {
		s.Run(step.name, func(t *testing.T) { step.do(&shop{t, s.store, s.behind}) })
	}
}

func (s *shop) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shop) mount() *mounttest.Mount { return mounttest.New(s, s.store, mounttest.Options{}) }

// copyTree copies a folder into the mount with cp -a, and looks at it with another
// mount, which knows nothing of the first.
func (s *shop) copyTree() {
	from := s.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		dir := filepath.Join(from, fmt.Sprintf("dir %d", i%3), "sub+dir&more"[:3+i%9])
		s.ok(os.MkdirAll(dir, 0o755))
		content := bytes.Repeat([]byte{byte(i)}, r.IntN(40_000)*(i%5))
		s.ok(os.WriteFile(filepath.Join(dir, fmt.Sprintf("file %d=ü%%.txt", i)), content, os.FileMode(0o600+i%2*0o44)))
	}
	s.ok(os.Symlink("dir 0", filepath.Join(from, "link")))
	m := s.mount()
	m.Run("cp -a '" + from + "' tree")
	m.Run("mv tree/'dir 1' tree/moved && mv tree/'dir 2'/*/* tree/ && rm -r tree/link")
	m.Unmount()
	m = s.mount()
	out := m.Run("find tree -type f -exec cat {} + | wc -c; find tree -type f | wc -l; ls tree/moved | wc -l")
	want := s.shell(from, "find . -type f -exec cat {} + | wc -c; find . -type f | wc -l; ls 'dir 1' | wc -l")
	if out != want {
		s.Errorf("the other mount sees %q, want %q", out, want)
	}
	m.Run("diff -r tree/moved '" + from + "/dir 1'; rm -r tree")
	if left := m.Run("ls"); left != "" {
		s.Errorf("left: %q", left)
	}
	m.Unmount()
}

func (s *shop) shell(dir, script string) string {
	s.Helper()
	m := mounttest.Mount{Dir: dir}
	out, err := m.Try(script)
	if err != nil {
		s.Fatal(err, out)
	}
	return out
}

// largeFile writes a file in parts, appends to it, patches it, shortens it and gives
// it another name; each is what another client then finds.
func (s *shop) largeFile() {
	m := s.mount()
	want := make([]byte, 26<<20+12345)
	r := rand.NewChaCha8([32]byte{3})
	r.Read(want)
	path := filepath.Join(m.Dir, "large")
	s.ok(os.WriteFile(path, want, 0o644))
	s.holds("large", want)

	more := want[:3<<20]
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	s.ok(err)
	_, err = f.Write(more)
	s.ok(errors.Join(err, f.Close()))
	want = append(want, more...)
	s.holds("large", want)

	f, err = os.OpenFile(path, os.O_WRONLY, 0)
	s.ok(err)
	_, err = f.WriteAt([]byte("patched"), 11<<20+99)
	s.ok(errors.Join(err, f.Close()))
	copy(want[11<<20+99:], "patched")
	s.holds("large", want)

	s.ok(os.Truncate(path, 23<<20+7))
	want = want[:23<<20+7]
	s.ok(os.Rename(path, filepath.Join(m.Dir, "renamed")))
	s.holds("renamed", want)
	if _, err := s.behind.Head(s.Context(), "large"); !errors.Is(err, objstore.ErrNotFound) {
		s.Errorf("the old name: %v", err)
	}
	s.ok(os.Remove(filepath.Join(m.Dir, "renamed")))
	m.Unmount()
}

func (s *shop) holds(key string, want []byte) {
	s.Helper()
	body, _, err := s.behind.Get(s.Context(), key, objstore.GetOptions{})
	if err != nil {
		s.Errorf("%s: %v", key, err)
		return
	}
	defer body.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(body); err != nil || !bytes.Equal(got.Bytes(), want) {
		s.Errorf("%s: %d bytes, want %d, or others; %v", key, got.Len(), len(want), err)
	}
}

// exclusive makes files that somebody else makes between the open and the close.
func (s *shop) exclusive() {
	m := s.mount()
	for name, size := range map[string]int{"small": 10, "large": 21 << 20} {
		path := filepath.Join(m.Dir, name)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		s.ok(err)
		_, err = f.Write(make([]byte, size))
		s.ok(err)
		theirs := []byte("theirs")
		_, err = s.behind.Put(s.Context(), name, objstore.Body{Reader: bytes.NewReader(theirs), Size: 6}, objstore.PutOptions{})
		s.ok(err)
		if err := f.Close(); !errors.Is(err, syscall.EEXIST) && !errors.Is(err, syscall.EIO) { // the kernel may keep no more than that
			s.Errorf("%s: close says %v", name, err)
		}
		s.holds(name, theirs)
		if _, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644); !errors.Is(err, syscall.EEXIST) {
			s.Errorf("%s: made again: %v", name, err)
		}
		s.ok(s.behind.Delete(s.Context(), name))
	}
	m.Unmount()
}

// limits asks for names that the store would refuse.
func (s *shop) limits() {
	m := s.mount()
	p := s.store.Profile()
	segment := strings.Repeat("n", 200)
	deep := m.Dir
	for n := 0; n+201 < p.Key.MaxBytes; n += 201 {
		deep = filepath.Join(deep, segment)
	}
	s.ok(os.MkdirAll(deep, 0o755))
	if err := os.WriteFile(filepath.Join(deep, segment), nil, 0o644); !errors.Is(err, syscall.ENAMETOOLONG) {
		s.Errorf("a key beyond %d bytes: %v", p.Key.MaxBytes, err)
	}
	if strings.Contains(p.Key.Forbid, `\`) {
		if err := os.WriteFile(filepath.Join(m.Dir, `\first`), nil, 0o644); !errors.Is(err, syscall.EINVAL) {
			s.Errorf("a key with a forbidden first byte: %v", err)
		}
	}
	m.Run("rm -r " + segment)
	m.Unmount()
}

// manyKeys lists a directory that takes several pages.
func (s *shop) manyKeys() {
	const n = objstore.MaxPage + 200
	var group errgroup.Group
	group.SetLimit(16)
	for i := range n {
		group.Go(func() error {
			_, err := s.behind.Put(s.Context(), fmt.Sprintf("many/%05d", i), objstore.Body{}, objstore.PutOptions{})
			return err
		})
	}
	s.ok(group.Wait())
	m := s.mount()
	entries, err := os.ReadDir(filepath.Join(m.Dir, "many"))
	s.ok(err)
	if len(entries) != n || !slices.IsSortedFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }) {
		s.Errorf("%d entries are listed, want %d in order", len(entries), n)
	}
	m.Unmount()
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf("many/%05d", i))
	}
	for chunk := range slices.Chunk(keys, objstore.MaxPage) {
		failed, err := s.store.DeleteMany(s.Context(), chunk)
		s.ok(err)
		for key, err := range failed {
			s.Errorf("delete %s: %v", key, err)
		}
	}
	if page, err := s.behind.List(s.Context(), objstore.ListOptions{Prefix: "many/"}); err != nil || len(page.Objects) != 0 {
		s.Errorf("%d keys are left, %v", len(page.Objects), err)
	}
}

// manyUploads lists unfinished uploads that take several pages, as far as the store
// lists them, and ends them.
func (s *shop) manyUploads() {
	const n = objstore.MaxPage + 20
	var group errgroup.Group
	group.SetLimit(16)
	ids := make([]string, n)
	for i := range n {
		group.Go(func() (err error) {
			ids[i], err = s.behind.CreateMultipart(s.Context(), fmt.Sprintf("unfinished/%05d", i), objstore.ObjectOptions{})
			return err
		})
	}
	s.ok(group.Wait())
	s.countUploads(ids)
	for i := range n {
		group.Go(func() error {
			return s.store.Abort(s.Context(), objstore.UploadRef{Key: fmt.Sprintf("unfinished/%05d", i), ID: ids[i]})
		})
	}
	s.ok(group.Wait())
}

func (s *shop) countUploads(ids []string) {
	switch s.store.Profile().ListUploads {
	case objstore.ListUploadsFull:
		seen := map[string]bool{}
		opts := objstore.ListUploadsOptions{Prefix: "unfinished/"}
		for {
			page, err := s.store.ListUploads(s.Context(), opts)
			s.ok(err)
			for _, u := range page.Uploads {
				seen[u.ID] = true
			}
			if page.NextKeyMarker == "" {
				break
			}
			opts.KeyMarker, opts.UploadIDMarker = page.NextKeyMarker, page.NextUploadIDMarker
		}
		if len(seen) != len(ids) {
			s.Errorf("%d uploads are listed, want %d", len(seen), len(ids))
		}
	case objstore.ListUploadsExactKey:
		page, err := s.store.ListUploads(s.Context(), objstore.ListUploadsOptions{Prefix: "unfinished/00017"})
		if err != nil || len(page.Uploads) != 1 || page.Uploads[0].ID != ids[17] {
			s.Errorf("listed by key: %+v, %v", page, err)
		}
	default:
		if _, err := s.store.ListUploads(s.Context(), objstore.ListUploadsOptions{}); !errors.Is(err, objstore.ErrUnsupported) {
			s.Errorf("a listing that the store does not have: %v", err)
		}
	}
}
