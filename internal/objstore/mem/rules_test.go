package mem_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// small is a profile whose limits can be reached with a few bytes.
func small(change func(*objstore.Profile)) objstore.Profile {
	p, _ := objstore.ProfileByName("aws")
	p.Part.Min, p.Part.Max, p.Part.MaxCount = 4, 16, 5
	p.MaxObject, p.MaxPut, p.MaxCopy = 40, 20, 12
	if change != nil {
		change(&p)
	}
	return p
}

func body(s string) objstore.Body {
	return objstore.Body{Reader: bytes.NewReader([]byte(s)), Size: int64(len(s))}
}

// numbered is a part to send: its number and its bytes.
type numbered struct {
	number int32
	data   string
}

// upload sends parts and completes with those that are listed, all if none are.
func upload(t *testing.T, s *mem.Store, parts []numbered, listed ...int32) error {
	t.Helper()
	id, err := s.CreateMultipart(t.Context(), "k", objstore.ObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	up := objstore.UploadRef{Key: "k", ID: id}
	var done []objstore.Part
	for _, p := range parts {
		sent, err := s.UploadPart(t.Context(), up, p.number, body(p.data))
		if err != nil {
			return err
		}
		if len(listed) == 0 || slices.Contains(listed, p.number) {
			done = append(done, sent)
		}
	}
	_, err = s.Complete(t.Context(), up, done, objstore.CompleteOptions{})
	return err
}

func TestRulesOfParts(t *testing.T) {
	equal := func(p *objstore.Profile) { p.Part.Equal = true }
	consecutive := func(p *objstore.Profile) { p.Part.Consecutive = true }
	all := func(p *objstore.Profile) { p.CompleteListsAll = true }
	for _, c := range []struct {
		name   string
		change func(*objstore.Profile)
		parts  []numbered
		listed []int32
		want   error
	}{
		{"small last", nil, []numbered{{1, "abcd"}, {2, "e"}}, nil, nil},
		{"small first", nil, []numbered{{1, "abc"}, {2, "efgh"}}, nil, objstore.ErrInvalid},
		{"too large", nil, []numbered{{1, "abcdefghijklmnopq"}}, nil, objstore.ErrTooLarge},
		{"number too high", nil, []numbered{{6, "abcd"}}, nil, objstore.ErrInvalid},
		{"whole too large", nil, []numbered{{1, "abcdefghijklmnop"}, {2, "abcdefghijklmnop"}, {3, "abcdefghijklmnop"}}, nil, objstore.ErrTooLarge},
		{"unequal", nil, []numbered{{1, "abcd"}, {2, "abcde"}, {3, "ab"}}, nil, nil},
		{"unequal refused", equal, []numbered{{1, "abcd"}, {2, "abcde"}, {3, "ab"}}, nil, objstore.ErrInvalidPart},
		{"large last refused", equal, []numbered{{1, "abcd"}, {2, "abcde"}}, nil, objstore.ErrInvalidPart},
		{"equal", equal, []numbered{{1, "abcde"}, {2, "abcde"}, {3, "ab"}}, nil, nil},
		{"gap", nil, []numbered{{2, "abcd"}, {4, "a"}}, nil, nil},
		{"gap refused", consecutive, []numbered{{1, "abcd"}, {3, "a"}}, nil, objstore.ErrInvalidPart},
		{"not from 1 refused", consecutive, []numbered{{2, "abcd"}}, nil, objstore.ErrInvalidPart},
		{"left out", nil, []numbered{{1, "abcd"}, {2, "abcd"}}, []int32{1}, nil},
		{"left out refused", all, []numbered{{1, "abcd"}, {2, "abcd"}}, []int32{1}, objstore.ErrInvalidPart},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mem.New(small(c.change))
			if err := upload(t, s, c.parts, c.listed...); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if _, _, ok := s.Object("k"); ok != (c.want == nil) {
				t.Errorf("the object is there: %v", ok)
			}
		})
	}
}

func TestLimitsOfObjects(t *testing.T) {
	s := mem.New(small(nil))
	if _, err := s.Put(t.Context(), "k", body("abcdefghijklmnopqrstu"), objstore.PutOptions{}); !errors.Is(err, objstore.ErrTooLarge) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Put(t.Context(), "k", body("abcdefghijklm"), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Copy(t.Context(), "l", objstore.CopySource{Key: "k"}, objstore.CopyOptions{}); !errors.Is(err, objstore.ErrTooLarge) {
		t.Errorf("copy: %v", err)
	}
	id, _ := s.CreateMultipart(t.Context(), "m", objstore.ObjectOptions{})
	up := objstore.UploadRef{Key: "m", ID: id}
	if _, err := s.UploadPartCopy(t.Context(), up, 1, objstore.CopySource{Key: "k", Length: 13}); !errors.Is(err, objstore.ErrTooLarge) {
		t.Errorf("copy of a part: %v", err)
	}
	if _, err := s.UploadPartCopy(t.Context(), up, 1, objstore.CopySource{Key: "k", Length: 12}); err != nil {
		t.Errorf("copy of a part that is just right: %v", err)
	}
	if _, err := s.Put(t.Context(), "tiny", body("abcd"), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UploadPartCopy(t.Context(), up, 2, objstore.CopySource{Key: "tiny", Length: 2}); !errors.Is(err, objstore.ErrInvalid) {
		t.Errorf("a range of an object that is no larger than a part: %v", err)
	}
}

func TestDigestsThatTheStoreDoesNotKnow(t *testing.T) {
	p, _ := objstore.ProfileByName("generic")
	s := mem.New(p)
	b := body("abc")
	b.Digest = objstore.SumOf(objstore.CRC64NVME, []byte("abc"))
	if _, err := s.Put(t.Context(), "k", b, objstore.PutOptions{}); !errors.Is(err, objstore.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func TestArchived(t *testing.T) {
	s := mem.New(small(nil))
	opts := objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{StorageClass: "GLACIER"}}
	if _, err := s.Put(t.Context(), "k", body("abc"), opts); err != nil {
		t.Fatal(err)
	}
	if info, err := s.Head(t.Context(), "k"); err != nil || !info.Restore || info.StorageClassSeen != "GLACIER" {
		t.Errorf("head: %+v, %v", info, err)
	}
	if _, _, err := s.Get(t.Context(), "k", objstore.GetOptions{}); !errors.Is(err, objstore.ErrArchived) {
		t.Errorf("get: %v", err)
	}
	s.Restore("k")
	if r, info, err := s.Get(t.Context(), "k", objstore.GetOptions{}); err != nil || info.Restore {
		t.Errorf("get after restoring: %+v, %v", info, err)
	} else {
		r.Close()
	}
}

func TestCustomerKeys(t *testing.T) {
	s := mem.New(small(nil))
	key := objstore.SSE{Mode: "c", CustomerKey: bytes.Repeat([]byte{1}, 32)}
	wrong := objstore.SSE{Mode: "c", CustomerKey: bytes.Repeat([]byte{2}, 32)}
	if _, err := s.Put(t.Context(), "k", body("abcdefgh"), objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{SSE: key}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sse  objstore.SSE
		want error
	}{{key, nil}, {wrong, objstore.ErrAccessDenied}, {objstore.SSE{}, objstore.ErrInvalid}} {
		if _, _, err := s.Get(t.Context(), "k", objstore.GetOptions{SSE: c.sse}); !errors.Is(err, c.want) {
			t.Errorf("get: %v, want %v", err, c.want)
		}
	}
	if info, _ := s.Head(t.Context(), "k"); info.SSE.CustomerKey != nil || info.ETag == "e8dc4081b13434b45189a720b77b6818" {
		t.Errorf("head tells the key, or the MD5: %+v", info)
	}
	id, _ := s.CreateMultipart(t.Context(), "m", objstore.ObjectOptions{SSE: key})
	if _, err := s.UploadPart(t.Context(), objstore.UploadRef{Key: "m", ID: id}, 1, body("x")); !errors.Is(err, objstore.ErrInvalid) {
		t.Errorf("part without the key: %v", err)
	}
	if _, err := s.UploadPart(t.Context(), objstore.UploadRef{Key: "m", ID: id, SSE: key}, 1, body("x")); err != nil {
		t.Errorf("part with the key: %v", err)
	}
}

func TestKindsOfListUploads(t *testing.T) {
	for kind, want := range map[objstore.ListUploadsKind][]int{
		objstore.ListUploadsFull:     {2, 2, 1},
		objstore.ListUploadsExactKey: {0, 0, 1},
	} {
		s := mem.New(small(func(p *objstore.Profile) { p.ListUploads = kind }))
		for _, key := range []string{"dir/a", "dir/b"} {
			if _, err := s.CreateMultipart(t.Context(), key, objstore.ObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		for i, prefix := range []string{"", "dir/", "dir/a"} {
			page, err := s.ListUploads(t.Context(), objstore.ListUploadsOptions{Prefix: prefix})
			if err != nil || len(page.Uploads) != want[i] {
				t.Errorf("%s, prefix %q: %d uploads, %v", kind, prefix, len(page.Uploads), err)
			}
		}
	}
}

func TestCountsAndAccessors(t *testing.T) {
	now := time.Date(2025, 1, 2, 3, 4, 5, 678, time.UTC)
	s := mem.New(small(nil), mem.WithPage(2), mem.WithClock(func() time.Time { return now }))
	for _, key := range []string{"c", "a", "b"} {
		if _, err := s.Put(t.Context(), key, body("xyz"), objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s.Head(t.Context(), "nope")
	r, _, err := s.Get(t.Context(), "a", objstore.GetOptions{Length: 2})
	if err != nil {
		t.Fatal(err)
	}
	r.Read(make([]byte, 10))
	s.CreateMultipart(t.Context(), "m", objstore.ObjectOptions{})
	counts := s.Counts()
	if c := counts[objstore.OpPut]; c.Calls != 3 || c.BytesIn != 9 || c.Peak != 1 || c.Failed != 0 {
		t.Errorf("put: %+v", c)
	}
	if c := counts[objstore.OpHead]; c.Calls != 1 || c.Failed != 1 {
		t.Errorf("head: %+v", c)
	}
	if c := counts[objstore.OpGet]; c.BytesOut != 2 {
		t.Errorf("get: %+v", c)
	}
	if s.Calls() != 6 || s.Calls(objstore.OpPut, objstore.OpHead) != 4 || s.Uploads() != 1 {
		t.Errorf("calls %d, uploads %d", s.Calls(), s.Uploads())
	}
	if got := s.Keys(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("keys %q", got)
	}
	if _, info, _ := s.Object("a"); !info.ModTime.Equal(now.Truncate(time.Second)) {
		t.Errorf("last modified %v", info.ModTime)
	}
	if page, _ := s.List(t.Context(), objstore.ListOptions{}); len(page.Objects) != 2 || page.Token == "" {
		t.Errorf("page %+v", page)
	}
	s.ResetCounts()
	if s.Calls() != 0 {
		t.Error("counts were not reset")
	}
}

func TestWhatIsOpenedStaysAsItWas(t *testing.T) {
	s := mem.New(small(nil))
	s.Put(t.Context(), "k", body("old"), objstore.PutOptions{})
	r, _, err := s.Get(t.Context(), "k", objstore.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Put(t.Context(), "k", body("new"), objstore.PutOptions{})
	got := make([]byte, 3)
	if r.Read(got); string(got) != "old" {
		t.Errorf("read %q", got)
	}
}
