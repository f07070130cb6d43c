package fs

import (
	"testing"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

// TestAnswerFromBefore has an answer of the store come when this mount has stored
// something since: it does not count.
func TestAnswerFromBefore(t *testing.T) {
	f := &FileSystem{cfg: Config{Metadata: MetadataNone}}
	d := &dirNode{children: map[string]treeNode{}}
	d.fsys = f
	info := objstore.Info{Key: "f", ETag: "1", Size: 1}
	n := f.newFileNode(info)
	d.children["f"] = n
	entry := cache.Entry{Name: "f", Info: info}

	before := d.sight("f")
	if got, again, err := d.settle("f", before, entry, nil); got != treeNode(n) || again || err != nil {
		t.Errorf("nothing was stored: %v, again %v, %v", got, again, err)
	}
	f.nodes.renew(n)
	if _, again, _ := d.settle("f", before, entry, nil); !again {
		t.Error("an answer counts that is older than what was stored")
	}
	if _, again, _ := d.settle("f", d.sight("f"), entry, nil); again {
		t.Error("an answer does not count although nothing was stored since")
	}
	n.storing = true
	if _, again, _ := d.settle("f", d.sight("f"), entry, nil); !again {
		t.Error("an answer counts although attributes are on their way")
	}
}
