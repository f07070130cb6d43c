//go:build integration

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc64"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/uploader"
)

// doubted plays a sequence while the store fails in any way. What it holds the
// mount to:
//
//   - success is success: what close or fsync accepted is in the store;
//   - what is in the store is one content that the file had as a whole: the one
//     that was stored last, or one since then; or it says that it is not [W14];
//   - a failure stays until the last close;
//   - then the name shows what is in the store, and can be written again.
//
// When an operation on a name failed nobody knows what has which name. From then
// on files are only closed, and an object may have any content that some file had.
type doubted struct {
	*checked
	through bool
	files   map[*posixFile]*belief
	all     map[uint64]bool // every content of every file
	lost    bool            // an operation on a name failed
}

// belief is what is known of a file beside the model.
type belief struct {
	may    map[uint64]bool // contents that the store may have
	absent bool            // the store may have none
	failed bool            // the mount reported that something will not be stored
}

var crcTable = crc64.MakeTable(crc64.ECMA)

func sum(b []byte) uint64 { return crc64.Checksum(b, crcTable) }

func (d *doubted) belief(f *posixFile) *belief {
	b := d.files[f]
	if b == nil {
		b = &belief{may: map[uint64]bool{}, absent: true}
		d.files[f] = b
	}
	return b
}

// note records what the files hold now.
func (d *doubted) note() {
	for f := range d.files {
		d.all[sum(f.data)] = true
		d.files[f].may[sum(f.data)] = true
	}
}

func (d *doubted) play(seq []operation) (int, error) {
	d.player, d.model = newPlayer(filepath.Join(d.mount.Dir, d.prefix)), newPosix()
	d.player.outside = d.outside
	d.files, d.all = map[*posixFile]*belief{}, map[uint64]bool{sum(nil): true}
	defer d.player.closeAll()
	if err := os.Mkdir(d.player.dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return 0, err
	}
	for i, o := range seq {
		if err := d.step(o); err != nil {
			return i, fmt.Errorf("%v: %w", o, err)
		}
	}
	for h := range d.model.table {
		if err := d.step(operation{what: "close", h: h}); err != nil {
			return len(seq), fmt.Errorf("close h=%d at the end: %w", h, err)
		}
	}
	d.faults.Clear()
	return len(seq), d.end()
}

// step does one operation here and, if it succeeded, on the model.
func (d *doubted) step(o operation) error {
	// Failures of these have more than one meaning.
	o.flags = strings.NewReplacer("|sync", "", "|direct", "", "rdonly|trunc", "rdonly").Replace(o.flags)
	if d.model.unserved(o) || o.what == "copy" {
		return nil
	}
	if d.lost && o.what != "close" {
		return nil
	}
	if h := d.model.table[o.h]; h != nil && onHandle[o.what] {
		d.losing(o)
		return d.onHandle(o, h)
	}
	d.losing(o)
	return d.onName(o)
}

func (d *doubted) onHandle(o operation, h *posixHandle) error {
	f, pos := h.file, h.pos
	b, before := d.belief(f), slices.Clone(f.data)
	got, want := d.player.apply(o), d.model.apply(o)
	seeks := o.what == "seekdata" || o.what == "seekhole" // of which the kernel may want to know the size
	failed := got.errno != 0 && (want.errno == 0 || seeks)
	switch {
	case d.lost || f.lost:
		return nil
	case o.what == "write" || o.what == "pwrite":
		if want.errno == 0 && got.n < want.n { // none of it, or only the beginning, was accepted
			at := h.pos - want.n
			if o.what == "pwrite" {
				at = o.off
			}
			if h.appended {
				at = int64(len(before))
			}
			f.data, h.pos = before, pos
			f.put(at, pattern(o.salt, got.n))
			if o.what == "write" && got.n > 0 {
				h.pos = at + got.n
			}
			b.failed = b.failed || d.through // there it is told at once, if only by how much was accepted
			break
		}
		if !b.failed && got.errno != want.errno {
			return differ(got, want)
		}
	case failed:
		switch o.what {
		case "ftruncate", "fallocate", "fsync", "dupclose", "close":
			if !d.isStored(f) || o.what == "ftruncate" || o.what == "fallocate" {
				b.failed = true
			}
		}
		if o.what == "read" || seeks {
			h.pos = pos
			unix.Seek(d.player.table[o.h], pos, unix.SEEK_SET)
		}
	case b.failed:
		if want.errno == 0 && h.access != unix.O_RDONLY && (o.what == "fsync" || o.what == "dupclose" || o.what == "close") {
			return errors.New("success after a failure of the file")
		}
	default:
		if err := differ(got, want); err != nil {
			return err
		}
		if got.errno == 0 && len(f.data) > 0 {
			if err := d.promised(o, f); err != nil {
				return err
			}
		}
		d.settled(o, h, b)
	}
	d.note()
	if o.what == "close" && !d.writes(f) && !d.lost && b.failed {
		return d.adopt(f)
	}
	return nil
}

// writes reports that a file is open for writing.
func (d *doubted) writes(f *posixFile) bool {
	return slices.ContainsFunc(d.model.table[:], func(h *posixHandle) bool {
		return h != nil && h.file == f && h.access != unix.O_RDONLY
	})
}

// settled forgets older contents when the newest is known to be stored.
func (d *doubted) settled(o operation, h *posixHandle, b *belief) {
	stores := o.what == "fsync" || h.access != unix.O_RDONLY && (o.what == "dupclose" || o.what == "close")
	if stores && len(h.file.data) > 0 && h.file.links > 0 {
		b.may, b.absent = map[uint64]bool{}, false
	}
}

// isStored reports that the store has what the model has.
func (d *doubted) isStored(f *posixFile) bool {
	data, _, ok := d.store.Object(d.prefix + d.model.nameOf(f))
	return ok && bytes.Equal(data, f.data)
}

func (d *doubted) onName(o operation) error {
	_, _, file, _ := d.model.find(o.name)
	_, _, target, _ := d.model.find(o.to)
	if o.what == "truncate" && file != nil && file.names == nil && file.open > 0 {
		d.cutAlone(file, o.n)
	}
	got := d.player.apply(o)
	if got.errno != 0 {
		if want := d.wouldBe(o); want.errno == got.errno {
			return nil
		}
		switch {
		case o.what == "stat" || o.what == "readdir" || o.what == "open":
			if file != nil && file.names == nil && o.what == "open" && strings.Contains(o.flags, "trunc") && file.open > 0 {
				d.belief(file).failed = true // what it was cut to is not known
			}
		case o.what == "truncate" && file != nil && file.names == nil && file.open == 0:
			b := d.belief(file) // it may have been cut all the same
			b.may[sum(file.data)] = true
			cut := &posixFile{data: slices.Clone(file.data)}
			cut.resize(o.n)
			b.may[sum(cut.data)], d.all[sum(cut.data)] = true, true
			return d.adopt(file)
		case o.what == "truncate" && file != nil && file.names == nil:
			d.belief(file).failed = true
		default:
			d.lost = true
		}
		return nil
	}
	want := d.model.apply(o)
	if file == nil {
		_, _, file, _ = d.model.find(o.name)
	}
	if file != nil && file.names == nil {
		b := d.belief(file)
		if o.what == "put" {
			b.absent = false
		}
		if o.what == "rename" && target != nil && target != file && target.names == nil {
			for s := range d.belief(target).may {
				b.may[s] = true // it is there until this one is stored
			}
		}
		if b.failed {
			return nil
		}
	}
	d.note()
	return differ(got, want)
}

// cutAlone allows for a truncate by name being stored while what others have written
// is still with the kernel, and fails later: the one was a success, the other was not.
// It may have been emptied by open before.
func (d *doubted) cutAlone(f *posixFile, size int64) {
	stored, _, _ := d.store.Object(d.prefix + d.model.nameOf(f))
	for _, before := range [][]byte{stored, nil} {
		cut := &posixFile{data: slices.Clone(before)}
		cut.resize(size)
		d.belief(f).may[sum(cut.data)], d.all[sum(cut.data)] = true, true
	}
}

// wouldBe returns what the model says of an operation that is not done.
func (d *doubted) wouldBe(o operation) result {
	trial := &posix{root: d.model.root.clone(), table: [handles]*posixHandle{}}
	return trial.apply(o)
}

func (f *posixFile) clone() *posixFile {
	out := &posixFile{data: slices.Clone(f.data), links: f.links, open: f.open}
	if f.names != nil {
		out.names = map[string]*posixFile{}
		for name, g := range f.names {
			out.names[name] = g.clone()
		}
	}
	return out
}

// adopt looks at what became of a file that failed, when nobody writes it any
// more, and makes it the model's. The mount must come to show the same to who
// opens it; who has it open for reading sees what he sees.
func (d *doubted) adopt(f *posixFile) error {
	d.faults.Clear()
	name := d.model.nameOf(f)
	if name == "" {
		return nil
	}
	data, there, err := d.shown(name)
	if err != nil {
		return err
	}
	b := d.belief(f)
	parent, base, _, _ := d.model.find(name)
	f.lost = f.open > 0
	switch {
	case !there && !b.absent:
		return fmt.Errorf("object %q is gone", name)
	case there && !b.may[sum(data)] && !d.notRestored(name):
		return fmt.Errorf("object %q has %d bytes that the file never had", name, len(data))
	case there:
		g := &posixFile{links: 1, data: data}
		parent.names[base] = g
		d.all[sum(data)] = true
		d.files[g] = &belief{may: map[uint64]bool{sum(data): true}}
	default:
		delete(parent.names, base)
		f.links = 0
	}
	return nil
}

// notRestored reports that the mount says of a name that it shows half of a file.
func (d *doubted) notRestored(name string) bool {
	failed, _ := d.mount.Uploader.Failures()
	return slices.ContainsFunc(failed, func(f uploader.Failure) bool {
		return f.Key == d.prefix+name && errors.Is(f.Err, uploader.ErrNotRestored)
	})
}

// shown waits until the mount shows what the store has of a name.
func (d *doubted) shown(name string) (data []byte, there bool, err error) {
	for deadline := time.Now().Add(settling); ; time.Sleep(time.Millisecond) {
		seen, err := os.ReadFile(d.player.path(name))
		data, _, there := d.store.Object(d.prefix + name)
		if there && err == nil && bytes.Equal(seen, data) || !there && errors.Is(err, fs.ErrNotExist) {
			return data, there, nil
		}
		if time.Now().After(deadline) {
			return nil, false, fmt.Errorf("the store has %d bytes (%v) of %q, and the mount shows %d (%v)", len(data), there, name, len(seen), err)
		}
	}
}

// end compares the store with what is believed, and writes every file again.
func (d *doubted) end() error {
	for _, key := range d.store.Keys() {
		name, ours := strings.CutPrefix(key, d.prefix)
		if !ours || name == "" || strings.HasSuffix(name, "/") {
			continue
		}
		data, there, err := d.shown(name)
		if err != nil {
			return fmt.Errorf("at the end: %w", err)
		}
		_, _, f, _ := d.model.find(name)
		switch {
		case !there || f != nil && f.lost || d.notRestored(name):
			continue
		case !d.all[sum(data)], !d.lost && (f == nil || !d.belief(f).may[sum(data)]):
			return fmt.Errorf("at the end: object %q has %d bytes that no file had", name, len(data))
		}
		if d.lost {
			continue // the kernel may believe in the old name for a second
		}
		if err := d.again(name, data); err != nil {
			return fmt.Errorf("at the end: %w", err)
		}
	}
	if d.lost {
		return nil
	}
	for name, f := range d.model.all() {
		if _, _, there := d.store.Object(d.prefix + name); f.names == nil && !there && !d.belief(f).absent {
			return fmt.Errorf("at the end: object %q is gone", name)
		}
	}
	return nil
}

// again appends to a file that may have failed before.
func (d *doubted) again(name string, data []byte) error {
	file, err := os.OpenFile(d.player.path(name), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("more")
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return d.compare(name, append(slices.Clip(data), "more"...))
}
