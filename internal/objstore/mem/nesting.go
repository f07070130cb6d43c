package mem

import (
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// checkNestingLocked keeps the rule of stores that keep objects in folders: a name
// is a file or a folder.
func (c call) checkNestingLocked() error {
	if c.s.profile.Key.Nesting != objstore.NestingRefused {
		return nil
	}
	for i := strings.IndexByte(c.key, '/'); i >= 0 && i < len(c.key)-1; {
		if c.s.objects[c.key[:i]] != nil {
			return c.fail(objstore.ErrInvalid, 409, "ObjectParentIsFile", "Object parent already exists as a file.")
		}
		next := strings.IndexByte(c.key[i+1:], '/')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	if folder := c.key + "/"; !strings.HasSuffix(c.key, "/") {
		if below := c.s.names.from(folder); len(below) > 0 && strings.HasPrefix(below[0], folder) {
			return c.fail(objstore.ErrInvalid, 409, "ExistingObjectIsDirectory", "Existing Object is a directory.")
		}
	}
	return nil
}
