package fs

import (
	"fmt"
	"io"
	"log"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

// TestFuseLog has go-fuse complain, in its own words: that an answer came after the
// mount was gone, or a request with its end, is nothing that a user should read.
func TestFuseLog(t *testing.T) {
	answer := func(errno syscall.Errno) string {
		return fmt.Sprintf("writer: Write/Writev failed, err: %v. opcode: %v", fuse.Status(errno), "READ")
	}
	request := func(errno syscall.Errno) string {
		return fmt.Sprintf("Failed to read from fuse conn: %v", fuse.Status(errno))
	}
	for text, want := range map[string]logrus.Level{
		answer(syscall.ENOENT):        logrus.DebugLevel,
		answer(syscall.EINVAL):        logrus.WarnLevel,
		request(syscall.ECONNABORTED): logrus.DebugLevel,
		request(syscall.EIO):          logrus.WarnLevel,
	} {
		l := logrus.New()
		l.SetOutput(io.Discard)
		l.SetLevel(logrus.DebugLevel)
		said := test.NewLocal(l)
		log.New(fuseLog{logrus.NewEntry(l)}, "", 0).Print(text)
		if got := said.LastEntry(); got == nil || got.Level != want || got.Message == "" {
			t.Errorf("%s: %v", text, got)
		}
	}
}
