//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLinkThatAnotherClientReplaces reads a link that is another one than it was when it
// was looked at, a moment ago, as far as the mount and the kernel know.
func TestLinkThatAnotherClientReplaces(t *testing.T) {
	e := inMemory(t)
	m := e.trusting(time.Minute)
	link := filepath.Join(m.Dir, "link")
	meta := map[string]string{"mode": "41471"} // S_IFLNK|0777
	e.put("link", "old", meta)
	_, err := os.Lstat(link)
	e.ok(err)
	e.put("link", "new", meta)
	target, err := os.Readlink(link)
	e.ok(err)
	e.want("target", target, "new")
}
