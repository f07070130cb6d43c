package fs

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// Mutator is what the tree itself asks of the store. The bytes of files go
// through the uploader, and what is only read comes from the cache.
type Mutator interface {
	Profile() *objstore.Profile
	List(ctx context.Context, opts objstore.ListOptions) (objstore.ListPage, error)
	Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) (objstore.Info, error)
	Copy(ctx context.Context, dst string, src objstore.CopySource, opts objstore.CopyOptions) (objstore.Info, error)
	Delete(ctx context.Context, key string) error
	DeleteMany(ctx context.Context, keys []string) (failed map[string]error, err error)
}

// Metadata says whether mode, owner, times, symlinks and devices are kept with
// the objects.
type Metadata string

// The kinds of metadata.
const (
	MetadataPosix Metadata = "posix" // in x-amz-meta-*, as s3fs and rclone read them
	MetadataNone  Metadata = "none"  // everything is known from a listing; no HEAD is ever needed
)

// Killed says what becomes of a file whose writer was ended by a signal.
type Killed string

// The policies for killed writers.
const (
	KilledAbort  Killed = "abort"  // nothing is published, the object there before stays
	KilledCommit Killed = "commit" // what was written so far is published, as on a local disk
)

// Unlink says when the object of an unlinked file is deleted.
type Unlink string

// The ways to unlink.
const (
	// UnlinkBatch deletes the objects of a thread that unlinks file after file
	// many at a time, a moment later.
	UnlinkBatch Unlink = "batch"
	// UnlinkSync deletes every object before unlink returns.
	UnlinkSync Unlink = "sync"
)

// RsyncStore says when what rsync writes under a temporary name is stored.
type RsyncStore string

// The times to store what rsync writes.
const (
	// RsyncRename stores a small file when it gets its last name, under that. One that
	// gets none is stored a moment after its close.
	RsyncRename RsyncStore = "rename"
	// RsyncClose stores every file before its close returns, and copies it then.
	RsyncClose RsyncStore = "close"
)

// Config says how a bucket is shown as a directory. The zero value of a field
// that has a default stands for it.
type Config struct {
	Store    Mutator
	Cache    *cache.Cache
	Uploader *uploader.Uploader

	Source string // what df and /proc/mounts show, as in fstab(5); "sluicefs"
	Prefix string // keys below it are the tree: "" or ends in "/"

	UID, GID          uint32 // owner of what does not say otherwise
	FileMode, DirMode uint32 // permission bits of what does not say otherwise; 0644 and 0755
	Metadata          Metadata
	OnWriterKilled    Killed
	Unlink            Unlink
	RsyncStore        RsyncStore

	ReadOnly     bool // also lets the kernel read files of the disk cache by itself
	NoExec       bool // programs cannot be run from the mount
	AllowOther   bool // others than the mounting user; the kernel then checks permissions
	Permissions  bool // the kernel checks permissions although others cannot come
	WriteThrough bool // every write is a request: the kernel's write-back cache stays off

	// Requests is how many requests of read-ahead and write-back the kernel keeps
	// going; 32. With fewer, programs that read leave it none for what others wrote.
	Requests int
	// RequestSize is the most that one of them is for, in bytes; 1 MiB. Each takes as much
	// of the heap while it is worked on.
	RequestSize int

	AttrTTL     time.Duration // how long the kernel may trust attributes; 1 s, negative: not at all
	EntryTTL    time.Duration // the same of a name; 1 s
	NegativeTTL time.Duration // the same of a name that is not there; EntryTTL

	// MetadataDelay is how long a chmod, chown or utimens of a stored file may
	// wait for another change to travel with it; 1 s.
	MetadataDelay time.Duration
	// ParkTime is how long what rsync closed may wait for its last name; 1 s.
	ParkTime time.Duration

	// Options gives the properties of a new object; nil gives none. It is called
	// from any goroutine.
	Options func(key string) objstore.ObjectOptions
	// Hide names keys that the cache does not list: they cannot be made either.
	Hide func(key string) bool
	// HiddenPrefix is where the content of a deleted file is kept that is still
	// open; ".sluicefs/stage/".
	HiddenPrefix string

	Now func() time.Time // time.Now
	Log *logrus.Entry    // discards by default
}

// Defaults of Config.
const (
	DefaultFileMode      = 0o644
	DefaultDirMode       = 0o755
	DefaultTTL           = time.Second
	DefaultRequests      = 32
	DefaultMetadataDelay = time.Second
	// DefaultParkTime is much longer than rsync takes between close and rename: it
	// sets owner, times and mode, within milliseconds, and with --backup renames what
	// had the name. It is no longer than others may be behind anyhow, by DefaultTTL.
	DefaultParkTime     = time.Second
	DefaultHiddenPrefix = ".sluicefs/stage/"
)

func (c Config) withDefaults() (Config, error) {
	if c.Store == nil || c.Cache == nil || c.Uploader == nil {
		return c, fmt.Errorf("a mount needs a store, a cache and an uploader")
	}
	if c.Prefix != "" && !strings.HasSuffix(c.Prefix, "/") {
		return c, fmt.Errorf("prefix %q does not end in a slash", c.Prefix)
	}
	orString := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	orString(&c.Source, "sluicefs")
	orString((*string)(&c.Metadata), string(MetadataPosix))
	orString((*string)(&c.OnWriterKilled), string(KilledAbort))
	orString((*string)(&c.Unlink), string(UnlinkBatch))
	orString((*string)(&c.RsyncStore), string(RsyncRename))
	orString(&c.HiddenPrefix, DefaultHiddenPrefix)
	if c.ReadOnly {
		c.WriteThrough = true // and passthrough, which the kernel does not offer beside its write-back cache
	}
	if c.FileMode == 0 {
		c.FileMode = DefaultFileMode
	}
	if c.DirMode == 0 {
		c.DirMode = DefaultDirMode
	}
	orTTL := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
		*p = max(*p, 0)
	}
	orTTL(&c.AttrTTL, DefaultTTL)
	orTTL(&c.EntryTTL, DefaultTTL)
	orTTL(&c.NegativeTTL, c.EntryTTL)
	orTTL(&c.MetadataDelay, DefaultMetadataDelay)
	orTTL(&c.ParkTime, DefaultParkTime)
	if c.Requests == 0 {
		c.Requests = DefaultRequests
	}
	c.Requests = min(max(c.Requests, MinRequests), MaxRequests)
	if c.RequestSize == 0 {
		c.RequestSize = MaxRequestSize
	}
	c.RequestSize = min(max(c.RequestSize, MinRequestSize), MaxRequestSize)
	if c.Options == nil {
		c.Options = func(string) objstore.ObjectOptions { return objstore.ObjectOptions{} }
	}
	if c.Hide == nil {
		c.Hide = func(string) bool { return false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		c.Log = logrus.NewEntry(silent)
	}
	return c, nil
}
