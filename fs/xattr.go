package fs

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// xattrPrefix names the attributes that tell of the object behind a file.
const xattrPrefix = "user.sluicefs."

// Getxattr implements gofuse.NodeGetxattrer.
func (n *fileNode) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	short, ours := strings.CutPrefix(name, xattrPrefix)
	if !ours {
		return 0, errnoOf(foreignXattr(name))
	}
	if err := n.ask(ctx); err != nil {
		return 0, n.fsys.answer("getxattr", n.key(), err)
	}
	value, ok := n.describe()[short]
	if !ok {
		return 0, errnoOf(errNoAttribute)
	}
	return copyOut(dest, value)
}

// foreignXattr answers for attributes that are not kept. ls and cp ask for ACLs
// and security labels of every file, but no more of a file system that said once
// that it has none; other names might come to be there.
func foreignXattr(name string) error {
	if strings.HasPrefix(name, "user.") {
		return errNoAttribute
	}
	return errUnsupported
}

// Listxattr implements gofuse.NodeListxattrer.
func (n *fileNode) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	if err := n.ask(ctx); err != nil {
		return 0, n.fsys.answer("listxattr", n.key(), err)
	}
	var names []string
	for name := range n.describe() {
		names = append(names, xattrPrefix+name+"\x00")
	}
	slices.Sort(names)
	return copyOut(dest, strings.Join(names, ""))
}

// copyOut answers with a value, or with its size where nothing else was asked for.
func copyOut(dest []byte, value string) (uint32, syscall.Errno) {
	if len(dest) > 0 && len(dest) < len(value) {
		return uint32(len(value)), errnoOf(errRange)
	}
	copy(dest, value)
	return uint32(len(value)), 0
}

// describe says what is known of the object, by the short names of attributes.
func (n *fileNode) describe() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := map[string]string{"state": "stored"}
	if n.object.etag != "" {
		out["etag"] = n.object.etag
	}
	if f := n.full; f != nil {
		out["storage-class"] = f.StorageClassSeen
		if f.StorageClassSeen == "" {
			out["storage-class"] = "STANDARD"
		}
		if !f.Checksum.IsZero() {
			out["checksum"] = checksumText(f.Checksum)
		}
	}
	failure := n.failed
	if w := n.writing; w != nil {
		if w.file.Dirty() {
			out["state"] = "writing"
		}
		if err := w.file.Err(); err != nil {
			failure = err
		}
	}
	if failure != nil {
		out["state"], out["error"] = "failed", failure.Error()
	}
	return out
}

func checksumText(d objstore.Digest) string {
	return fmt.Sprintf("%s:%s", strings.ToLower(string(d.Algorithm)), hex.EncodeToString(d.Sum))
}

// Setxattr implements gofuse.NodeSetxattrer.
func (n *node) Setxattr(_ context.Context, name string, _ []byte, _ uint32) syscall.Errno {
	if strings.HasPrefix(name, xattrPrefix) {
		return errnoOf(errForbidden)
	}
	return errnoOf(errUnsupported)
}

// Removexattr implements gofuse.NodeRemovexattrer.
func (n *node) Removexattr(_ context.Context, name string) syscall.Errno {
	if strings.HasPrefix(name, xattrPrefix) {
		return errnoOf(errForbidden)
	}
	return errnoOf(foreignXattr(name))
}

// Getxattr implements gofuse.NodeGetxattrer.
func (d *dirNode) Getxattr(_ context.Context, name string, _ []byte) (uint32, syscall.Errno) {
	return 0, errnoOf(foreignXattr(name))
}

// Listxattr implements gofuse.NodeListxattrer.
func (d *dirNode) Listxattr(context.Context, []byte) (uint32, syscall.Errno) { return 0, 0 }
