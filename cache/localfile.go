package cache

import (
	"sync/atomic"

	"github.com/sluicefs/sluicefs/cache/disk"
)

// localFile is an object of which the disk has every byte, found to be right: it is
// read as a file, past the blocks. It stays open while somebody holds it.
type localFile struct {
	file *disk.File
	refs atomic.Int64
}

func newLocalFile(f *disk.File) *localFile {
	l := &localFile{file: f}
	l.refs.Store(1)
	return l
}

func (l *localFile) release() {
	if l.refs.Add(-1) == 0 {
		l.file.Close()
	}
}
