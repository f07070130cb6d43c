package uploader_test

import (
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// kind is a kind of store, and how much memory there is for it.
type kind struct {
	profile objstore.Profile
	memory  int64 // bytes; 0 is room for a whole small file
}

// config is that of a mount of the kind.
func (k kind) config(t testing.TB) uploader.Config {
	cfg := smallConfig(t)
	if k.memory > 0 {
		cfg.Memory = k.memory
	}
	return cfg
}

// modelKinds are what the model is held against.
func modelKinds() map[string]kind {
	tight := func(p objstore.Profile) kind { return kind{p, uploader.MinMemory(&p)} }
	roomy := func(p objstore.Profile) kind { return kind{p, 0} }
	return map[string]kind{
		"free":        roomy(small()),
		"tight":       tight(small()),
		"consecutive": tight(small(func(p *objstore.Profile) { p.Part.Consecutive = true })),
		"equal":       tight(small(func(p *objstore.Profile) { p.Part.Equal = true })),
		"md5":         roomy(small(func(p *objstore.Profile) { p.Digest = objstore.ContentMD5 })),
		"lists all":   tight(small(func(p *objstore.Profile) { p.CompleteListsAll = true })),
		"own checksum": roomy(small(func(p *objstore.Profile) {
			p.Digest, p.FullDigest, p.FinalETag = objstore.ContentMD5, false, objstore.ETagOpaque
			p.AnswerDigest, p.AnswerHeader = objstore.CRC64ECMA, "X"
		})),
		"opaque": tight(small(func(p *objstore.Profile) {
			p.PartETag, p.FinalETag, p.FullDigest = objstore.ETagOpaque, objstore.ETagOpaque, false
		})),
		"few numbers": tight(small(func(p *objstore.Profile) { p.Part.MaxCount = 8 })),
		"crc32c":      roomy(small(func(p *objstore.Profile) { p.Digest = objstore.CRC32C })),
		"no copies":   roomy(small(func(p *objstore.Profile) { p.PartCopy, p.Part.MaxCount = false, 20 })),
		"short":       roomy(small(func(p *objstore.Profile) { p.MaxObject = 1100 * kB * scale })),
	}
}
