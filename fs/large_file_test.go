package fs

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/uploader"
)

// largeFile is a store of small parts with the object "f", of 2 MiB: four times as much as
// there is littleMemory for.
func largeFile(t *testing.T) (store *fault.Store, text []byte) {
	t.Helper()
	profile, _ := objstore.ProfileByName("aws")
	profile.Part = objstore.PartLimits{Min: 24_000, Max: 1 << 30, Align: 1000, MaxCount: 100}
	store = fault.New(mem.New(profile))
	text = make([]byte, 2<<20)
	for i := range text {
		text[i] = byte(rand.IntN(256))
	}
	body := objstore.Body{Reader: bytes.NewReader(text), Size: int64(len(text)), Digest: objstore.SumOf(profile.Digest, text)}
	if _, err := store.Put(t.Context(), "f", body, objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	return store, text
}

func littleMemory() uploader.Config {
	return uploader.Config{
		Memory: 512 << 10, Threshold: 40_000, Concurrency: 4,
		Ladder: []uploader.Rung{{Size: 24_000, PerMille: 50}, {Size: 48_000, PerMille: 40}},
	}
}
