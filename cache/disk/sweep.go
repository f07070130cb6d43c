package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// sweepPause is the least time between two sweeps.
	sweepPause = 250 * time.Millisecond
	// leftover is the age at which what a mount did not finish making is removed.
	leftover = time.Hour
	// maxReserve bounds the default of Config.Reserve.
	maxReserve = 10 << 30
)

// sweeper sweeps whenever it is asked to, and looks now and then for what others have removed.
func (t *Tier) sweeper() {
	look := time.NewTicker(touchEvery)
	defer look.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-look.C:
			t.closeRemoved()
			continue
		case <-t.sweeps:
		}
		began := time.Now()
		if err := t.sweep(); err != nil {
			t.warn(err)
		}
		if !t.pause(max(sweepPause, 10*time.Since(began))) { // of a large directory a tenth of the time
			return
		}
	}
}

// held is a segment as the sweep finds it.
type held struct {
	name string
	size int64 // bytes of the disk
	used time.Time
}

// sweep makes sure that there is a directory, measures what is there, removes what was used longest
// ago if that is too much, and says how much may be written.
func (t *Tier) sweep() error {
	t.sweeping.Lock()
	defer t.sweeping.Unlock()
	before := t.settledRoom()
	t.written.Store(0)
	t.closeRemoved()
	if err := t.reclaim(); err != nil {
		return err
	}
	all, err := t.list()
	if err != nil {
		return err
	}
	var used int64
	for _, h := range all {
		used += h.size
	}
	free, reserve, err := t.space()
	if err != nil {
		return err
	}
	if most := t.cfg.Size - t.cfg.Size/16; used > most || free < reserve+t.step() {
		gone := t.evict(all, max(used-most, reserve+t.step()-free))
		t.closeRemoved()
		used, free = used-gone, free+gone
	}
	// What is written since may be measured or not, and has been taken from the room.
	t.room.Add(max(0, min(t.cfg.Size-used, free-reserve)) - before)
	return nil
}

// settledRoom is the room when all that was taken from it is on the disk.
func (t *Tier) settledRoom() int64 {
	t.writing.Lock()
	defer t.writing.Unlock()
	return t.room.Load()
}

// space is what is free on the disk, and what of it has to stay so.
func (t *Tier) space() (free, reserve int64, err error) {
	free, total, err := diskSpace(t.root)
	reserve = t.cfg.Reserve
	if reserve == 0 {
		reserve = min(total/20, maxReserve)
	}
	return free, reserve, err
}

// evict removes segments, those that were used longest ago first, until so many
// bytes are free. What is in use now stays. Only one mount does it at a time.
// A time to come was noted before the clock was set back, so it is longer ago than all others.
func (t *Tier) evict(all []held, bytes int64) (gone int64) {
	if !tryLock(t.lock) {
		return 0
	}
	defer unlock(t.lock)
	now := time.Now()
	for i := range all {
		if ahead := all[i].used.Sub(now); ahead > touchEvery {
			all[i].used = time.Time{}.Add(ahead)
		}
	}
	slices.SortFunc(all, func(a, b held) int { return a.used.Compare(b.used) })
	for _, h := range all {
		if gone >= bytes || now.Sub(h.used) < touchEvery {
			break
		}
		switch err := t.discard(h.name); {
		case err == nil:
			t.counts.evicted.Add(1)
		case !errors.Is(err, os.ErrNotExist):
			t.warn(err)
			continue
		}
		gone += h.size
	}
	return gone
}

// closeRemoved closes the files of segments that were removed, by the sweep of any mount or by
// Remove: they keep their space for as long as they are open.
func (t *Tier) closeRemoved() {
	for _, o := range t.withFiles() {
		for _, s := range o.withFiles() {
			s.closeRemoved()
		}
	}
}

// discard takes a segment away: first its name, at once, then its files.
func (t *Tier) discard(name string) error {
	dead, err := os.MkdirTemp(t.root, "dead-")
	if err != nil {
		return err
	}
	if err := os.Rename(t.dir(name), filepath.Join(dead, "segment")); err != nil {
		return errors.Join(err, os.Remove(dead))
	}
	return os.RemoveAll(dead)
}

// list finds all segments, and removes what mounts that were killed have left.
func (t *Tier) list() ([]held, error) {
	tops, err := os.ReadDir(t.root)
	if err != nil {
		return nil, err
	}
	var all []held
	for _, top := range tops {
		path := filepath.Join(t.root, top.Name())
		switch {
		case strings.HasPrefix(top.Name(), "dead-"), strings.HasPrefix(top.Name(), "new-"):
			if info, err := top.Info(); err == nil && time.Since(info.ModTime()).Abs() > leftover { // or the clock was set back since
				if err := os.RemoveAll(path); err != nil {
					return nil, err
				}
			}
		case top.IsDir():
			inside, err := os.ReadDir(path)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
			for _, e := range inside {
				if h, ok := look(path, e); ok {
					all = append(all, h)
				}
			}
		}
	}
	return all, nil
}

// look tells what a segment takes of the disk and when it was used. One that
// goes away meanwhile is none; one without its files is as old as can be.
func look(dir string, e fs.DirEntry) (held, bool) {
	h := held{name: e.Name(), size: 4096}
	if !e.IsDir() {
		return h, false
	}
	for _, name := range []string{"data", "sums", "seal"} {
		info, err := os.Lstat(filepath.Join(dir, e.Name(), name))
		if err != nil {
			continue
		}
		h.size += allocated(info)
		if name == "sums" {
			h.used = info.ModTime()
		}
	}
	return h, true
}
