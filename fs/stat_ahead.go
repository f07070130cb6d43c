package fs

import "sync"

// statAhead asks for the metadata of directory entries before a program that
// looks at one after the other comes to them.
//
// A listing has no metadata, and programs like ls -l, rsync and tar look at every
// entry, one at a time: at 20 ms a HEAD a directory of 1,000 files would take
// them 20 s. So the names that were listed without metadata are remembered, and
// when a few of them have been asked for, those that follow are asked for
// together.
type statAhead struct {
	mu    sync.Mutex
	dirs  map[*dirNode]*bareNames
	order []*dirNode // least recently listed first
	// stride is how many entries were looked at of the largest of those directories that
	// were walked to their end one after the other up to now: who walks a tree will walk
	// the next directory, too.
	stride   int
	finished bool // the last one was
	expected bool // and no directory was listed after it for who is to walk the next one
}

const (
	aheadDirs   = 32   // directories that are remembered
	aheadNames  = 2048 // names of each at a time; with 40 bytes a name, 2.5 MiB in all
	aheadStart  = 3    // looks into a directory before anything is asked for ahead
	aheadWindow = 256  // names asked for ahead at the most; the cache bounds the requests at once
)

// bareNames are names of one directory that were listed without metadata. Who reads
// a large directory and looks at its entries by turns, as ls does, needs only those
// that are yet to come.
type bareNames struct {
	names []string       // from the place first on
	first int            // how many were forgotten
	place map[string]int // in the listing
	looks int            // how many of them were asked for
	told  int            // how many were told without being asked, since the last look
	last  int            // place of the one that was asked for last
	ahead int            // names before it were asked for ahead
}

// add remembers a name if there is room, or was something that is passed.
func (b *bareNames) add(name string) {
	if _, known := b.place[name]; known {
		return
	}
	if len(b.names) >= aheadNames && b.last-b.first >= aheadNames/2 {
		b.forget(b.last - b.first)
	}
	if len(b.names) < aheadNames {
		b.place[name] = b.first + len(b.names)
		b.names = append(b.names, name)
	}
}

// forget forgets the first n names.
func (b *bareNames) forget(n int) {
	for _, name := range b.names[:n] {
		delete(b.place, name)
	}
	b.names = append([]string(nil), b.names[n:]...)
	b.first += n
}

// listed remembers a name, and forgets what was listed before it if it is the
// first of a new listing.
func (s *statAhead) listed(d *dirNode, name string, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.dirs[d]
	if b == nil || first {
		b = &bareNames{place: map[string]int{}}
		s.renewLocked(d, b)
	}
	b.add(name)
}

func (s *statAhead) renewLocked(d *dirNode, b *bareNames) {
	if s.dirs == nil {
		s.dirs = map[*dirNode]*bareNames{}
	}
	s.dropLocked(d)
	if len(s.order) >= aheadDirs {
		s.dropLocked(s.order[0])
	}
	s.dirs[d] = b
	s.order = append(s.order, d)
}

func (s *statAhead) dropLocked(d *dirNode) {
	if _, known := s.dirs[d]; !known {
		return
	}
	delete(s.dirs, d)
	for i, o := range s.order {
		if o == d {
			s.order = append(s.order[:i:i], s.order[i+1:]...)
			return
		}
	}
}

// look notes that a name is asked for, and returns those to ask for with it.
// walking says that it is one of many.
func (s *statAhead) look(d *dirNode, name string) (ahead []string, walking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.dirs[d]
	if b == nil {
		return nil, false
	}
	at, known := b.place[name]
	if !known {
		return nil, false
	}
	// The window grows with what was looked at, so that who wants a few entries of
	// a large directory causes few requests.
	b.looks += 1 + b.told
	b.told, b.last = 0, at
	s.paceLocked(b, at)
	window := min(max(b.looks, s.stride), aheadWindow)
	walking = b.looks >= aheadStart
	if !walking || b.ahead-at > window/2 {
		return nil, walking
	}
	from, to := max(at+1, b.ahead), min(at+1+window, b.first+len(b.names))
	if from >= to {
		return nil, walking
	}
	b.ahead = to
	return b.names[from-b.first : to-b.first], walking
}

// paceLocked learns from a look at a place how far programs walk at present.
func (s *statAhead) paceLocked(b *bareNames, at int) {
	if b.looks == 1 && !s.finished {
		s.stride = 0
	}
	end := at+1 == b.first+len(b.names)
	if s.finished = end && 2*b.looks > at; s.finished {
		s.stride = max(s.stride, b.looks)
	}
	s.expected = s.finished
}

// tell notes that a name is told with its metadata, which nobody has asked for.
func (s *statAhead) tell(d *dirNode, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.dirs[d]
	if b == nil {
		return
	}
	if at, known := b.place[name]; known {
		b.told++
		b.last = at
	}
}

// wanted reports that the entries of a directory are expected to be looked at, and
// how many are to be asked for ahead. At the beginning of a directory that is so if
// the one before was walked, but once only: an expectation that nobody confirms by
// a look makes no other. The kernel asks for what follows with attributes
// (READDIRPLUS) only if somebody has looked at what came before.
func (s *statAhead) wanted(d *dirNode, first bool) (window int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first {
		if !s.expected {
			return 0
		}
		s.expected = false
		return min(s.stride, aheadWindow)
	}
	b := s.dirs[d]
	if b == nil || b.looks+b.told < aheadStart {
		return 0
	}
	return min(max(b.looks+b.told, s.stride), aheadWindow)
}

// statAheadOf starts asking for the entries that are likely to follow a name. It
// reports that there are such.
func (d *dirNode) statAheadOf(name string) (walking bool) {
	f := d.fsys
	names, walking := f.ahead.look(d, name)
	if len(names) == 0 {
		return walking
	}
	prefix := d.key()
	keys := make([]string, len(names))
	for i, n := range names {
		keys[i] = prefix + n
	}
	f.background.Go(func() { f.cfg.Cache.StatAhead(f.ctx, keys) })
	return walking
}
