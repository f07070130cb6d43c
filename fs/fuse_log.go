package fs

import (
	"bytes"
	"fmt"
	"syscall"

	"github.com/sirupsen/logrus"
)

// fuseLog is where go-fuse writes what it cannot answer with.
type fuseLog struct{ log *logrus.Entry }

// unknown is what go-fuse says of an answer to a request that the kernel does not know
// any more.
var unknown = fmt.Appendf(nil, "Write/Writev failed, err: %d=", syscall.ENOENT)

// Write implements io.Writer. The kernel knows no request any more when the mount is
// gone, and it may have been reading ahead. go-fuse ignores that for RELEASE only.
func (l fuseLog) Write(p []byte) (int, error) {
	level := logrus.WarnLevel
	if bytes.Contains(p, unknown) {
		level = logrus.DebugLevel
	}
	l.log.WithField("op", "fuse").Log(level, string(bytes.TrimSpace(p)))
	return len(p), nil
}
