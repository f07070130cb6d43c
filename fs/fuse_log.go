package fs

import (
	"bytes"
	"fmt"
	"syscall"

	"github.com/sirupsen/logrus"
)

// fuseLog is where go-fuse writes what it cannot answer with.
type fuseLog struct{ log *logrus.Entry }

// ends are what go-fuse says when the mount goes, and is not what it expects: the kernel
// knows no request any more, and it may have been reading ahead (go-fuse ignores that for
// RELEASE only); or it was about to hand one over. That the mount is gone is logged elsewhere.
var ends = [...][]byte{
	fmt.Appendf(nil, "Write/Writev failed, err: %d=", syscall.ENOENT),
	fmt.Appendf(nil, "Failed to read from fuse conn: %d=", syscall.ECONNABORTED),
}

// Write implements io.Writer.
func (l fuseLog) Write(p []byte) (int, error) {
	level := logrus.WarnLevel
	for _, end := range ends {
		if bytes.Contains(p, end) {
			level = logrus.DebugLevel
		}
	}
	l.log.WithField("op", "fuse").Log(level, string(bytes.TrimSpace(p)))
	return len(p), nil
}
