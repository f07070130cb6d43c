package fs

import (
	"os"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	// MinRequests and MaxRequests bound Config.Requests.
	MinRequests = 8
	MaxRequests = 64
	// MinRequestSize and MaxRequestSize bound Config.RequestSize, in bytes. No kernel sends
	// a READ or WRITE of more than 1 MiB unless it is told to by its administrator, and
	// what is less than 256 KiB costs too much for each.
	MinRequestSize = 256 << 10
	MaxRequestSize = 1 << 20

	// otherRequests is the memory to read requests into besides, in bytes: writes that a
	// program waits for, and the readers that wait for the kernel.
	otherRequests = 4 << 20
	requestRoom   = 16 << 10 // of a request, for its headers and alignment
)

// mountOptions is what is agreed with the kernel. doc.go says why.
func mountOptions(c *Config) *gofuse.Options {
	capabilities := uint64(fuse.CAP_HANDLE_KILLPRIV_V2 | fuse.CAP_ATOMIC_O_TRUNC | fuse.CAP_READDIRPLUS_AUTO)
	if !c.WriteThrough {
		capabilities |= fuse.CAP_WRITEBACK_CACHE
	}
	o := &gofuse.Options{
		MountOptions: fuse.MountOptions{
			AllowOther:               c.AllowOther,
			MaxBackground:            c.Requests,
			MaxInflightRequestBytes:  (c.Requests + otherRequests/c.RequestSize) * (c.RequestSize + requestRoom),
			MaxWrite:                 c.RequestSize,
			MaxReadAhead:             c.RequestSize,
			DisableSplice:            true, // there is no file to splice from: it would be tried for each answer
			ExplicitDataCacheControl: true,
			EnableSymlinkCaching:     true,
			ExtraCapabilities:        capabilities,
			FsName:                   c.Source,
			Name:                     "sluicefs",
		},
		NullPermissions: true, // a mode of 0 is a mode
		NegativeTimeout: &c.NegativeTTL,
	}
	if c.AllowOther || c.Permissions {
		o.Options = append(o.Options, "default_permissions")
	}
	if c.NoExec {
		o.Options = append(o.Options, "noexec") // go-fuse makes a flag of it where it mounts by itself
	}
	if os.Geteuid() == 0 {
		o.DirectMount = true
		if c.ReadOnly {
			o.DirectMountFlags = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_RDONLY
		}
	} else if c.ReadOnly {
		o.Options = append(o.Options, "ro")
	}
	return o
}

// graced is the file system as go-fuse serves it, where every request that can
// hand out a node is known to the grace.
type graced struct {
	fuse.RawFileSystem
	grace *grace
}

// Write implements fuse.RawFileSystem.
func (g *graced) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	n, status := g.RawFileSystem.Write(cancel, in, data)
	return writtenBack(in, n, status)
}

// Writev implements fuse.RawFileSystem.
func (g *graced) Writev(cancel <-chan struct{}, in *fuse.WriteIn, data [][]byte) (uint32, fuse.Status) {
	n, status := g.RawFileSystem.Writev(cancel, in, data)
	return writtenBack(in, n, status)
}

// writtenBack is the answer to a WRITE. For one from the kernel's write-back cache
// it is always that it went well, because no program waits for it: write(2) has
// long returned. The failure is kept with the file (writing.fail), and is the
// answer to FLUSH, which is to say of close(2), and to FSYNC. Told here, the kernel
// would remember that something failed but not what, and not send FLUSH at all.
func writtenBack(in *fuse.WriteIn, n uint32, status fuse.Status) (uint32, fuse.Status) {
	if in.WriteFlags&fuse.WRITE_CACHE == 0 || status.Ok() || status == fuse.Status(syscall.EINTR) || status == fuse.ENOSYS {
		return n, status
	}
	return in.Size, fuse.OK
}

// kernelsOwn marks, in the padding of an answer to GETATTR, a question that no
// program asked: before it writes with its write-back cache, the kernel wants to
// know the size, and tells the handle. A stat or fstat does not.
const kernelsOwn = 1

// GetAttr tells fileNode.Getattr who asks: go-fuse has no place for that.
func (g *graced) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	if in.Flags()&fuse.FUSE_GETATTR_FH != 0 {
		out.Dummy = kernelsOwn
	}
	return g.RawFileSystem.GetAttr(cancel, in, out)
}

func (g *graced) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	defer g.grace.leave(g.grace.enter())
	return g.RawFileSystem.Lookup(cancel, header, name, out)
}

func (g *graced) ReadDirPlus(cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	defer g.grace.leave(g.grace.enter())
	return g.RawFileSystem.ReadDirPlus(cancel, input, out)
}

func (g *graced) Create(cancel <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	defer g.grace.leave(g.grace.enter())
	return g.RawFileSystem.Create(cancel, input, name, out)
}

func (g *graced) Mknod(cancel <-chan struct{}, input *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	defer g.grace.leave(g.grace.enter())
	return g.RawFileSystem.Mknod(cancel, input, name, out)
}

func (g *graced) Mkdir(cancel <-chan struct{}, input *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	defer g.grace.leave(g.grace.enter())
	return g.RawFileSystem.Mkdir(cancel, input, name, out)
}

func (g *graced) Symlink(cancel <-chan struct{}, header *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	defer g.grace.leave(g.grace.enter())
	return g.RawFileSystem.Symlink(cancel, header, target, name, out)
}
