package fs

import (
	"context"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// twin is an object and its copy, by what tells them from others. There is one for each
// object below the directory until the rename has ended: 200 bytes or less beside its key,
// for an ETag that both have is kept once.
type twin struct {
	was     object    // as it was listed
	etag    string    // of the copy
	modTime time.Time // of the copy
	whole   bool      // the copy is known to lack nothing that this mount wished of it
}

func newTwin(listed, copied objstore.Info, whole bool) twin {
	t := twin{objectOf(listed), copied.ETag, copied.ModTime, whole}
	if t.etag == t.was.etag {
		t.etag = t.was.etag
	}
	return t
}

// is returns the copy.
func (t twin) is() object { return object{true, t.etag, t.was.size, t.modTime} }

// twinOf returns what is known of an object that was copied, by its old key.
func (m *dirMove) twinOf(key string) (t twin, copied bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, copied = m.copied[key]
	return t, copied
}

// infoOfCopy is what is known of a copy of the file's object that was made before the mount
// knew of the file. Nothing is asked for: the store's checksum of the copy is not known then.
func (n *fileNode) infoOfCopy(ctx context.Context, key, newKey string, t twin) (objstore.Info, error) {
	n.mu.Lock()
	source := n.infoLocked(key)
	n.mu.Unlock()
	answer := objstore.Info{ETag: t.etag, ModTime: t.modTime}
	if !source.Full {
		return copied(answer, newKey, source, source.ObjectOptions), nil
	}
	o, source, err := n.fsys.copyOptions(ctx, newKey, source, nil)
	return copied(answer, newKey, source, o.ObjectOptions), err
}
