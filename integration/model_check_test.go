//go:build integration

package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/integration/mounttest"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
)

// checked plays a sequence in a folder of a mount, and looks into the store
// wherever something is promised of it.
type checked struct {
	mount  *mounttest.Mount
	store  *mem.Store
	faults *fault.Store // nil where the store does not fail
	prefix string       // of the keys of the sequence

	player *player
	model  *posix
}

// play plays a sequence, closes what it left open, and compares what is in the
// store then. It returns the operation at which something was not as it should
// be.
func (c *checked) play(seq []operation) (int, error) {
	c.player, c.model = newPlayer(filepath.Join(c.mount.Dir, c.prefix)), newPosix()
	c.player.outside = c.outside
	defer c.player.closeAll()
	if err := os.Mkdir(c.player.dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return 0, err
	}
	if i, err := c.player.follow(seq, c.model, c); err != nil {
		return i, err
	}
	for h, open := range c.model.table {
		if open == nil {
			continue
		}
		end := operation{what: "close", h: h}
		if _, err := c.player.follow([]operation{end}, c.model, c); err != nil {
			return len(seq), err
		}
	}
	if err := c.mount.FS.Sync(context.Background()); err != nil { // what is parked is there then
		return len(seq), err
	}
	return len(seq), c.compareAll()
}

// outside lets the store fail. What is put was put before the mount.
func (c *checked) outside(o operation) error {
	switch o.what {
	case "fault":
		rule := fault.Rule{Op: o.name, Mode: fault.Mode(o.flags), After: int(o.off), Times: int(o.n), At: -1}
		if o.flags == "denied" {
			rule.Mode, rule.Status = fault.Fail, 403
		}
		c.faults.Add(rule)
	case "heal":
		c.faults.Clear()
	}
	return nil
}

// follow does operations here and on the model, and compares. c may be nil.
func (p *player) follow(seq []operation, model *posix, c *checked) (int, error) {
	for i, o := range seq {
		if model.unserved(o) || model.copiesLost(o) {
			continue
		}
		var file *posixFile
		if h := model.table[o.h]; h != nil {
			file = h.file
		}
		if c != nil {
			c.losing(o)
		}
		got, want := p.apply(o), model.apply(o)
		if file != nil && file.lost && onHandle[o.what] {
			continue
		}
		err := differ(got, want)
		if err == nil && c != nil && got.errno == 0 {
			err = c.promised(o, file)
		}
		if err != nil {
			return i, fmt.Errorf("%v: %w", o, err)
		}
	}
	return len(seq), nil
}

var onHandle = map[string]bool{
	"write": true, "pwrite": true, "read": true, "pread": true, "seek": true, "seekdata": true, "seekhole": true, "ftruncate": true, "fallocate": true,
	"fsync": true, "fstat": true, "copy": true, "dupclose": true, "close": true, "drop": true, "clean": true, "push": true,
}

// losing marks the file that an operation takes the name from, if it is open and
// too large to be kept.
func (c *checked) losing(o operation) {
	name := o.name
	if o.what == "rename" {
		name = o.to
	}
	if o.what != "rename" && o.what != "unlink" {
		return
	}
	_, _, file, _ := c.model.find(name)
	if file == nil || file.open == 0 {
		return
	}
	if data, _, ok := c.store.Object(c.prefix + name); ok && int64(len(data)) > c.store.Profile().MaxCopy {
		file.lost = true
	}
}

// copiesLost reports that an operation copies from a file that is lost.
func (p *posix) copiesLost(o operation) bool {
	return o.what == "copy" && p.table[o.from] != nil && p.table[o.from].file.lost
}

// promised checks what the success of an operation says of the store.
func (c *checked) promised(o operation, file *posixFile) error {
	switch o.what {
	case "fsync", "dupclose", "close":
	case "truncate":
		if _, _, file, _ = c.model.find(o.name); file.open > 0 {
			return nil
		}
	default:
		return nil
	}
	name := c.model.nameOf(file)
	last := o.what == "close" && file.open == 0
	switch {
	case name == "":
		return nil
	case o.what != "fsync" && o.what != "truncate" && strings.HasSuffix(name, temporaryEnd):
		return nil // rsync's: stored later
	case !last && o.what != "truncate" && len(file.data) == 0:
		return nil // what is still empty is stored by the last close
	case o.what == "dupclose" || o.what == "close" && !last:
		if h := c.model.table[o.h]; h == nil || h.access == unix.O_RDONLY {
			return nil // no handle that could have changed it
		}
	}
	return c.compare(name, file.data)
}

// nameOf returns the path of a file, or "".
func (p *posix) nameOf(f *posixFile) string {
	for path, g := range p.all() {
		if f == g {
			return path
		}
	}
	return ""
}

// all returns all that has a name, by path.
func (p *posix) all() map[string]*posixFile {
	out := map[string]*posixFile{}
	var walk func(prefix string, d *posixFile)
	walk = func(prefix string, d *posixFile) {
		for name, f := range d.names {
			out[prefix+name] = f
			walk(prefix+name+"/", f)
		}
	}
	walk("", p.root)
	return out
}

// settling is how long it may take on a loaded machine until the kernel has told
// of the last close.
const settling = 20 * time.Second

// compare compares an object with what it should be. An empty file may be stored
// a moment after its last close.
func (c *checked) compare(name string, want []byte) error {
	for deadline := time.Now().Add(settling); ; time.Sleep(time.Millisecond) {
		got, _, ok := c.store.Object(c.prefix + name)
		switch {
		case ok && bytes.Equal(got, want):
			return nil
		case len(want) == 0 && time.Now().Before(deadline):
			continue
		case !ok:
			return fmt.Errorf("object %q is not there", name)
		}
		return fmt.Errorf("object %q: %s", name, difference(got, want))
	}
}

// compareAll compares the store with the model when nothing is open any more.
func (c *checked) compareAll() error {
	all := c.model.all()
	dirs := map[string]bool{}
	for name, f := range all {
		if f.names != nil {
			continue
		}
		if err := c.compare(name, f.data); err != nil {
			return fmt.Errorf("at the end: %w", err)
		}
	}
	for _, key := range c.store.Keys() {
		name, ours := strings.CutPrefix(key, c.prefix)
		if !ours || name == "" {
			continue
		}
		for i := range len(name) {
			if name[i] == '/' {
				dirs[name[:i]] = true
			}
		}
		if f := all[strings.TrimSuffix(name, "/")]; f == nil || (f.names != nil) != strings.HasSuffix(name, "/") {
			return fmt.Errorf("at the end: there is an object %q", name)
		}
	}
	for name, f := range all {
		if f.names != nil && !dirs[name] {
			return fmt.Errorf("at the end: directory %q is not in the store", name)
		}
	}
	return nil
}
