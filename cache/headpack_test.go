package cache

import (
	"reflect"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func TestHeadPack(t *testing.T) {
	at := time.Now().Round(0)
	old := time.Unix(1600000000, 5).UTC()
	for name, h := range map[string]*headed{
		"gone":    {mark: mark{7, at}, gone: true, info: objstore.Info{Key: "d/f"}},
		"listed":  {mark: mark{7, at}, info: objstore.Info{Key: "d/f", Size: 5, ETag: "e", ModTime: old, StorageClassSeen: "GLACIER"}},
		"no time": {mark: mark{7, at}, info: objstore.Info{Key: "d/f"}},
		"full": {mark: mark{7, at}, settled: true, info: objstore.Info{
			Key: "d/f", Size: 1 << 40, ETag: "0123456789abcdef0123456789abcdef-7", ModTime: old, Full: true, VersionID: "v",
			ObjectOptions: objstore.ObjectOptions{ContentType: "text/plain", Metadata: map[string]string{"mode": "33188", "empty": "", "long": string(make([]byte, 2000))}},
		}},
	} {
		p, ok := packHead(h)
		if !ok {
			t.Errorf("%s: not packed", name)
			continue
		}
		if got := p.headed(); !reflect.DeepEqual(got, h) {
			t.Errorf("%s: %+v comes back as %+v", name, h, got)
		}
		if !p.is(kindHeaded, "d/", "f") || p.is(kindHeaded, "d/", "g") || p.is(kindProbed, "d/", "f") {
			t.Errorf("%s: it is found by another name", name)
		}
	}
	for name, o := range map[string]objstore.Info{
		"tags":     {ObjectOptions: objstore.ObjectOptions{Tags: map[string]string{"a": "b"}}},
		"control":  {ObjectOptions: objstore.ObjectOptions{CacheControl: "no-store"}},
		"archived": {Restore: true},
		"checksum": {Checksum: objstore.SumOf(objstore.CRC32C, []byte("x"))},
	} {
		if _, ok := packHead(&headed{info: o}); ok {
			t.Errorf("%s: something is left out", name)
		}
	}
}

// TestNoOptionIsLeftOut sets each of the options alone.
func TestNoOptionIsLeftOut(t *testing.T) {
	h := &headed{}
	eachAlone(t, "", reflect.ValueOf(&h.info.ObjectOptions).Elem(), func(name string) {
		if _, ok := packHead(h); ok != (name == ".ContentType" || name == ".Metadata") {
			t.Errorf("%s: packed is %v", name, ok)
		}
	})
}

// eachAlone calls then with each of the fields set, and all others zero.
func eachAlone(t *testing.T, name string, v reflect.Value, then func(name string)) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			eachAlone(t, name+"."+v.Type().Field(i).Name, v.Field(i), then)
		}
		return
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	default:
		t.Fatalf("%s is a %s", name, v.Kind())
	}
	then(name)
	v.SetZero()
}

// What HEADs told of 20,000 files stays, in the memory that a mount has by default.
func TestMetadataOfManyFilesStays(t *testing.T) {
	s, err := newShelf(8<<20, 16<<20, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	meta := map[string]string{"mode": "33188", "uid": "1000", "gid": "1000", "mtime": "1700000000.123456789"}
	const n = 20_000
	label := func(i int) string {
		return string([]byte{'a' + byte(i/26/26/26%26), 'a' + byte(i/26/26%26), 'a' + byte(i/26%26), 'a' + byte(i%26)})
	}
	for i := range n {
		h := &headed{mark: mark{1, time.Now()}, info: objstore.Info{
			Key: "some/directory/file-" + label(i), ETag: "0123456789abcdef0123456789abcdef", Full: true, ModTime: time.Unix(1, 0),
			ObjectOptions: objstore.ObjectOptions{ContentType: "application/octet-stream", Metadata: meta},
		}}
		p, _ := packHead(h)
		s.put(kindHeaded, "some/directory/", "file-"+label(i), p)
	}
	s.back.Wait()
	found := 0
	for i := range n {
		if s.get(kindHeaded, "some/directory/", "file-"+label(i)) != nil {
			found++
		}
	}
	if found < n*99/100 {
		t.Errorf("%d of %d are left", found, n)
	}
}
