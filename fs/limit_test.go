package fs

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// TestLimitsAreNamed has a refusal that the store would only give later logged with
// the rule and whose it is, although programs take some of these errors for answers.
func TestLimitsAreNamed(t *testing.T) {
	p, _ := objstore.ProfileByName("cos")
	for name, c := range map[string]struct {
		err   error
		errno syscall.Errno
		want  string
	}{
		"long":   {p.CheckKey(strings.Repeat("k", 900)), syscall.ENAMETOOLONG, "a key of 900 bytes, but a store of kind cos takes only keys of 850 bytes"},
		"first":  {p.CheckKey("\\k"), syscall.EINVAL, "a store of kind cos takes only keys that do not"},
		"inside": {p.CheckKey("k\x18"), syscall.EINVAL, "cos"},
		"large": {&objstore.Limit{Store: "r2", Got: "a larger file", Rule: "10000 parts", Kind: uploader.ErrTooLarge},
			syscall.EFBIG, "a store of kind r2 takes only 10000 parts"},
	} {
		var text bytes.Buffer
		log := logrus.New()
		log.SetOutput(&text)
		log.SetLevel(logrus.WarnLevel)
		f := &FileSystem{log: logrus.NewEntry(log)}
		if got := f.answer("create", "k", fmt.Errorf("make it: %w", c.err)); got != c.errno {
			t.Errorf("%s: %v, want %v", name, got, c.errno)
		}
		if !strings.Contains(text.String(), c.want) {
			t.Errorf("%s: the log says %q, want %q in it", name, text.String(), c.want)
		}
	}
}
