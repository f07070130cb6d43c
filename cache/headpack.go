package cache

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// headPack is a headed without the room for what most objects have nothing of: a
// quarter of it. Every file that somebody looked at has one.
type headPack struct {
	stamp      uint64
	sent       int64 // nanoseconds since 1970
	size       int64
	mtime      int64 // nanoseconds since 1970; noTime where the store told none
	gone, full bool
	settled    bool
	key        string
	text       string // fields, each behind its length: see packHead
}

// packHead packs an answer, if it tells nothing for which a pack has no place.
func packHead(h *headed) (*headPack, bool) {
	if !h.info.Checksum.IsZero() || h.info.Restore || !packable(&h.info.ObjectOptions) {
		return nil, false
	}
	p := &headPack{
		stamp: h.stamp, sent: h.sent.UnixNano(), size: h.info.Size, mtime: noTime,
		gone: h.gone, full: h.info.Full, settled: h.settled, key: h.info.Key,
	}
	if !h.info.ModTime.IsZero() {
		p.mtime = h.info.ModTime.UnixNano()
	}
	var room [512]byte
	text := room[:0]
	add := func(s string) { text = append(binary.AppendUvarint(text, uint64(len(s))), s...) }
	add(h.info.ETag)
	add(h.info.ContentType)
	add(h.info.StorageClassSeen)
	add(h.info.VersionID)
	var few [8]string
	names := few[:0]
	for name := range h.info.Metadata {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		add(name)
		add(h.info.Metadata[name])
	}
	p.text = string(text)
	return p, true
}

// packable reports that an answer tells nothing but what a pack has a place for. Every
// HEAD is looked at: reflect would take as long as all else.
func packable(o *objstore.ObjectOptions) bool {
	sse := &o.SSE
	encrypted := sse.Mode != "" || sse.KMSKeyID != "" || sse.KMSContext != "" || sse.BucketKey || sse.CustomerKey != nil
	return !encrypted && o.CacheControl == "" && o.ContentDisposition == "" && o.ContentEncoding == "" && o.ContentLanguage == "" &&
		o.Expires == "" && o.StorageClass == "" && o.Tags == nil && o.TagsFrom == "" && o.ACL == "" &&
		o.Grants == objstore.Grants{}
}

// headed is the answer again.
func (p *headPack) headed() *headed {
	h := &headed{mark: mark{p.stamp, time.Unix(0, p.sent)}, gone: p.gone, settled: p.settled}
	text := p.text
	next := func() (s string) {
		n, width := binary.Uvarint([]byte(text[:min(len(text), binary.MaxVarintLen64)]))
		s, text = text[width:width+int(n)], text[width+int(n):]
		return s
	}
	h.info = objstore.Info{Key: p.key, Size: p.size, Full: p.full}
	if p.mtime != noTime {
		h.info.ModTime = time.Unix(0, p.mtime).UTC()
	}
	h.info.ETag, h.info.ContentType = next(), next()
	h.info.StorageClassSeen, h.info.VersionID = next(), next()
	for text != "" {
		if h.info.Metadata == nil {
			h.info.Metadata = map[string]string{}
		}
		name := next()
		h.info.Metadata[name] = next()
	}
	return h
}

func (p *headPack) is(k kind, dir, label string) bool {
	return k == kindHeaded && joins(p.key, dir, label)
}

func (p *headPack) cost() int64 { return headPackBytes + int64(len(p.key)+len(p.text)) }

const headPackBytes = 200 // of a pack without its texts, with its place on a shelf
