package fs

import (
	"io"
	"log"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

// TestFuseLog has go-fuse complain, in its own words: that an answer came after the
// mount was gone is nothing that a user should read.
func TestFuseLog(t *testing.T) {
	for errno, want := range map[syscall.Errno]logrus.Level{
		syscall.ENOENT: logrus.DebugLevel,
		syscall.EINVAL: logrus.WarnLevel,
	} {
		l := logrus.New()
		l.SetOutput(io.Discard)
		l.SetLevel(logrus.DebugLevel)
		said := test.NewLocal(l)
		log.New(fuseLog{logrus.NewEntry(l)}, "", 0).Printf("writer: Write/Writev failed, err: %v. opcode: %v", fuse.Status(errno), "READ")
		if got := said.LastEntry(); got == nil || got.Level != want || got.Message == "" {
			t.Errorf("%v: %v", errno, got)
		}
	}
}
