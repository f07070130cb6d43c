package uploader_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/uploader"
)

// TestCopyOfManyParts copies an object that is too large for one request, also where
// nobody hears that the last one has succeeded.
func TestCopyOfManyParts(t *testing.T) {
	for _, lost := range []int{0, 1, 2} {
		for name, etag := range map[string]objstore.ETagKind{"digest": objstore.ETagMD5OfMD5, "opaque": objstore.ETagOpaque} {
			t.Run(name, func(t *testing.T) {
				p, _ := objstore.ProfileByName("aws")
				p.FinalETag, p.MaxCopy = etag, 6<<20
				store := mem.New(p)
				faulty := fault.New(store)
				u := newUploader(t, retry.New(faulty, retry.Config{Base: time.Microsecond, Cap: time.Microsecond}), uploader.Config{})
				data := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
				opts := objstore.ObjectOptions{Metadata: map[string]string{"mode": "0644"}}
				body := objstore.Body{Reader: bytes.NewReader(data), Size: int64(len(data)), Digest: objstore.SumOf(p.Digest, data)}
				if _, err := store.Put(t.Context(), "a", body, objstore.PutOptions{ObjectOptions: opts}); err != nil {
					t.Fatal(err)
				}
				src, err := store.Head(t.Context(), "a")
				if err != nil {
					t.Fatal(err)
				}
				if lost > 0 {
					faulty.Add(fault.Rule{Op: objstore.OpComplete, Mode: fault.LoseAnswer, Times: lost})
				}
				info, err := u.Copy(t.Context(), "b", src, objstore.CopyOptions{Condition: objstore.Condition{Absent: true}})
				if err != nil {
					t.Fatalf("with %d answers lost: %v", lost, err)
				}
				got, stored, _ := store.Object("b")
				if !bytes.Equal(got, data) || stored.Metadata["mode"] != "0644" {
					t.Errorf("the copy has %d bytes, and metadata %v", len(got), stored.Metadata)
				}
				if info.ETag != stored.ETag || info.Size != int64(len(data)) || info.Key != "b" {
					t.Errorf("told: %+v", info)
				}
				if n := faulty.Calls(objstore.OpUploadPartCopy); n != 3 {
					t.Errorf("%d parts, want 3 of 6 MiB at the most", n)
				}
			})
		}
	}
}
