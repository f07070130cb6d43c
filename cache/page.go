package cache

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// mark says when an answer of the store was asked for: by the tree's own clock,
// which orders it among this mount's changes, and by time, from which it ages.
type mark struct {
	stamp uint64
	sent  time.Time
}

// page is what one LIST told of a directory, packed and never changed: all that
// there is in the range from start to end, both included.
//
// Entries are named by their label, which is the key without the directory:
// "name" is a file, "name/" a directory, "" the directory's own marker. Labels
// are in byte order, as keys are, so "a.txt" stands between "a" and "a/".
type page struct {
	mark
	dir        string
	start, end string
	last       bool // nothing comes after it: end means no limit
	seen       bool // there was anything in it; a store may send empty pages before the last
	skipped    bool // there was something in it that no path shows
	text       string
	records    []record
	classes    []string // storage classes, by record.class
}

// record is one entry. The label and the packed ETag stand in page.text.
type record struct {
	size  int64
	mtime int64  // nanoseconds since 1970; noTime where the store told none
	at    uint32 // of the label in text; the ETag follows it
	label uint16 // bytes
	etag  uint8  // bytes, packed; those longer than this can say are left out
	class uint8
}

const (
	noTime      = math.MinInt64
	recordBytes = 24
	pageBytes   = 192 // of a page without its text and records
)

// isDirLabel reports that a label is a directory's.
func isDirLabel(label string) bool { return label != "" && label[len(label)-1] == '/' }

// after is the first label that is behind the one given.
func after(label string) string { return label + "\x00" }

// newPage packs the answer to a LIST of dir that began with start. hide may be
// nil.
func newPage(m mark, dir, start string, list objstore.ListPage, hide func(string) bool) *page {
	p := &page{mark: m, dir: dir, start: start, last: list.Token == ""}
	text := make([]byte, 0, 40*(len(list.Objects)+len(list.Prefixes)))
	p.records = make([]record, 0, len(list.Objects)+len(list.Prefixes))
	end := start
	for objects, prefixes := list.Objects, list.Prefixes; len(objects)+len(prefixes) > 0; {
		var info objstore.Info
		if len(prefixes) == 0 || len(objects) > 0 && objects[0].Key < prefixes[0] {
			info, objects = objects[0], objects[1:]
		} else {
			info, prefixes = objstore.Info{Key: prefixes[0]}, prefixes[1:]
		}
		label, ok := strings.CutPrefix(info.Key, dir)
		if !ok || label < start {
			continue // not what was asked for; StartAfter may repeat a prefix
		}
		end, p.seen = max(end, label), true
		if label != "" && keypath.ValidName(strings.TrimSuffix(label, "/")) != nil || hide != nil && hide(info.Key) {
			p.skipped = true
			continue
		}
		text = p.add(text, label, info)
	}
	p.end = end
	p.text = string(text)
	p.records = slices.Clip(p.records)
	if !slices.IsSortedFunc(p.records, p.compare) {
		slices.SortFunc(p.records, p.compare)
	}
	return p
}

func (p *page) compare(a, b record) int { return strings.Compare(p.labelOf(a), p.labelOf(b)) }

func (p *page) add(text []byte, label string, info objstore.Info) []byte {
	r := record{size: info.Size, mtime: noTime, at: uint32(len(text)), label: uint16(len(label))}
	text = append(text, label...)
	if isDirLabel(label) {
		p.records = append(p.records, r)
		return text
	}
	if !info.ModTime.IsZero() {
		r.mtime = info.ModTime.UnixNano()
	}
	packed := appendETag(text, info.ETag)
	if n := len(packed) - len(text); n <= math.MaxUint8 {
		text, r.etag = packed, uint8(n)
	}
	r.class = p.class(info.StorageClassSeen)
	p.records = append(p.records, r)
	return text
}

// class is the number of a storage class; the first is "".
func (p *page) class(name string) uint8 {
	if name == "" {
		return 0
	}
	if i := slices.Index(p.classes, name); i >= 0 {
		return uint8(i)
	}
	if p.classes == nil {
		p.classes = []string{""}
	}
	if len(p.classes) > math.MaxUint8 {
		return 0
	}
	p.classes = append(p.classes, strings.Clone(name))
	return uint8(len(p.classes) - 1)
}

// covers reports that the page knows whether there is an entry of that label.
func (p *page) covers(label string) bool {
	return label >= p.start && (p.last || p.seen && label <= p.end)
}

// coversDir is covers of the directory that has the name of a file which the
// page covers.
func (p *page) coversDir(file string) bool {
	rest, inside := strings.CutPrefix(p.end, file)
	return p.last || !inside || rest >= "/"
}

// hasDir reports that the ith record is a file and that the page shows a
// directory of its name too. Labels that begin alike stand together.
func (p *page) hasDir(i int) bool {
	file := p.label(i)
	if i+1 == len(p.records) || !strings.HasPrefix(p.label(i+1), file) {
		return false
	}
	_, ok := p.find(file + "/")
	return ok
}

// from is the place of the first record that is not in front of a label.
func (p *page) from(label string) int {
	switch {
	case label <= p.start:
		return 0
	case label > p.end:
		return len(p.records)
	}
	i, _ := p.find(label)
	return i
}

// find returns the place of a label among the records.
func (p *page) find(label string) (i int, ok bool) {
	return slices.BinarySearchFunc(p.records, label, func(r record, label string) int {
		return strings.Compare(p.labelOf(r), label)
	})
}

func (p *page) labelOf(r record) string { return p.text[r.at : r.at+uint32(r.label)] }

// label is that of the ith record. It is a piece of the page's text: whoever
// keeps it keeps the page, so copy it.
func (p *page) label(i int) string { return p.labelOf(p.records[i]) }

func (p *page) etag(i int) string {
	r := p.records[i]
	at := r.at + uint32(r.label)
	return unpackETag(p.text[at : at+uint32(r.etag)])
}

func (p *page) modTime(i int) time.Time {
	if t := p.records[i].mtime; t != noTime {
		return time.Unix(0, t).UTC()
	}
	return time.Time{}
}

// info is what the listing told of the ith record. It shares nothing with the page.
func (p *page) info(i int) objstore.Info {
	r := p.records[i]
	info := objstore.Info{Key: p.dir + p.labelOf(r), Size: r.size, ETag: p.etag(i), ModTime: p.modTime(i)}
	if r.class > 0 {
		info.StorageClassSeen = p.classes[r.class]
	}
	return info
}

// cost is the memory that the page takes, in bytes.
func (p *page) cost() int64 {
	return pageBytes + int64(len(p.text)) + recordBytes*int64(len(p.records))
}
