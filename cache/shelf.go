package cache

import (
	"container/list"
	"hash/maphash"
	"time"

	"github.com/dgraph-io/ristretto/v2"
)

// volume is what a shelf keeps: a *listing, *headed, *headPack or *probed. They are never
// changed.
type volume interface {
	// is reports that this is the volume of that kind and name. Shelves find
	// things by a hash, so they ask.
	is(kind kind, dir, label string) bool
	cost() int64 // bytes
}

// kind is what a volume is about.
type kind uint8

const (
	kindListing kind = iota // of dir; the label is ""
	kindHeaded              // the object dir+label
	kindProbed              // whether anything is in the directory dir+label
)

func (l *listing) is(k kind, dir, _ string) bool { return k == kindListing && l.dir == dir }

func (h *headed) is(k kind, dir, label string) bool {
	return k == kindHeaded && joins(h.info.Key, dir, label)
}

// joins reports that a key is dir+label.
func joins(key, dir, label string) bool {
	return len(key) == len(dir)+len(label) && key[:len(dir)] == dir && key[len(dir):] == label
}

func (h *headed) cost() int64 { return headedBytes + infoCost(&h.info) }

func (p *probed) is(k kind, dir, label string) bool {
	return k == kindProbed && joins(p.dir, dir, label)
}

func (p *probed) cost() int64 {
	n := int64(headedBytes + len(p.dir))
	if p.marker != nil {
		n += infoCost(p.marker)
	}
	return n
}

const headedBytes = 128 // of a headed or probed without its info, with its place on a shelf

// shelf keeps answers for as long as there is room. It is ristretto with a
// small front of its own, because ristretto may drop what it is given, keeps it
// only some time later, and refuses newcomers while it is full: what was put on
// the shelf a moment ago must be found, or each file made in a directory would
// list it again.
//
// An old version may come back from behind when the front has lost the new one
// that ristretto dropped. That does no harm: each answer carries its own mark,
// by which it is judged.
//
// A shelf is guarded by tree.mu.
type shelf struct {
	back   *ristretto.Cache[uint64, volume]
	seed   maphash.Seed
	keep   time.Duration // for which the back keeps what nobody asks for
	maxNum int
	max    int64 // bytes in the front

	order *list.List // of *placed, the newest first
	front map[uint64]*list.Element
	size  int64
}

// placed is a volume in the front.
type placed struct {
	id   uint64
	book volume
	cost int64
}

// newShelf makes a shelf of front bytes and back bytes.
func newShelf(front, back int64, keep time.Duration) (*shelf, error) {
	r, err := ristretto.NewCache(&ristretto.Config[uint64, volume]{
		NumCounters:        max(back/64, 1000), // ten for each entry of the size of a small one
		MaxCost:            back,
		BufferItems:        64,
		IgnoreInternalCost: true,
	})
	if err != nil {
		return nil, err
	}
	return &shelf{
		back: r, seed: maphash.MakeSeed(), keep: keep, maxNum: 4096, max: front,
		order: list.New(), front: map[uint64]*list.Element{},
	}, nil
}

func (s *shelf) close() { s.back.Close() }

func (s *shelf) id(k kind, dir, label string) uint64 {
	h := maphash.String(s.seed, dir)
	return (h^uint64(k))*0x9e3779b97f4a7c15 ^ maphash.String(s.seed, label)
}

// get returns what was put there last, or something older, or nil.
func (s *shelf) get(k kind, dir, label string) volume {
	id := s.id(k, dir, label)
	if e := s.front[id]; e != nil {
		if v := e.Value.(*placed).book; v.is(k, dir, label) {
			s.order.MoveToFront(e)
			return v
		}
	}
	v, ok := s.back.Get(id)
	if !ok || v == nil || !v.is(k, dir, label) {
		return nil
	}
	s.place(id, v)
	return v
}

// put keeps a volume in the place of what was there.
func (s *shelf) put(k kind, dir, label string, v volume) {
	id := s.id(k, dir, label)
	s.back.SetWithTTL(id, v, v.cost(), s.keep)
	s.place(id, v)
}

func (s *shelf) place(id uint64, v volume) {
	if e := s.front[id]; e != nil {
		s.remove(e)
	}
	p := &placed{id: id, book: v, cost: v.cost()}
	s.front[id] = s.order.PushFront(p)
	s.size += p.cost
	for s.order.Len() > 1 && (s.size > s.max || s.order.Len() > s.maxNum) {
		s.remove(s.order.Back())
	}
}

func (s *shelf) remove(e *list.Element) {
	p := s.order.Remove(e).(*placed)
	delete(s.front, p.id)
	s.size -= p.cost
}
