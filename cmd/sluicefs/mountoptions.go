package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/uploader"
)

// mountOptions are the arguments and flags of sluicefs mount.
type mountOptions struct {
	where      location
	source     string // the same, as typed
	mountpoint string // resolved

	store  storeOptions
	tree   treeOptions
	write  writeOptions
	object objectOptions
	log    logOptions

	memory      byteSize
	cacheDir    string
	cacheSize   byteSize
	attrTTL     time.Duration
	dirTTL      time.Duration
	foreground  bool
	stateDir    string
	metricsAddr string
	config      string
	options     []string // of -o
}

// storeOptions say how the store is reached.
type storeOptions struct {
	endpoint      string
	region        string
	provider      string
	corrections   providerOptions
	pathStyle     bool
	virtualHost   bool
	profile       string // of the AWS config files
	anonymous     bool
	requesterPays bool
	retryFor      time.Duration
	caFile        string
	noVerifySSL   bool
	dualStack     bool
	accelerate    bool
	bandwidth     bandwidth
	trafficLimit  byteSize // a second
}

// treeOptions say what the mount looks like to programs.
type treeOptions struct {
	readOnly   bool
	noExec     bool
	allowOther bool
	uid, gid   uint32
	fileMode   permissions
	dirMode    permissions
	umask      permissions
	metadata   string
	unlink     string
}

// writeOptions say how files are written.
type writeOptions struct {
	partSize       byteSize
	putThreshold   byteSize
	concurrency    int
	onWriterKilled string
	conflict       string
	close          string
	rsyncStore     string
	writeBack      bool
}

const defaultCacheSize = 10 << 30 // bytes

func (o *mountOptions) addFlags(cmd *cobra.Command, root bool) {
	o.store.addFlags(cmd)
	o.tree.addFlags(cmd)
	o.write.addFlags(cmd)
	o.object.addFlags(cmd)
	addGroup(cmd, "Memory and caches", func(f *pflag.FlagSet) {
		o.memory = 512 << 20
		f.Var(&o.memory, "memory", "all buffers and caches together; parts of 5 MiB need 40MiB at least")
		f.StringVar(&o.cacheDir, "cache-dir", "", "keep what was read in this `DIR` of a local disk, beyond the mount and beside other mounts")
		o.cacheSize = defaultCacheSize
		f.Var(&o.cacheSize, "cache-size", "how much of the disk --cache-dir may take; 5 % of it, or 10 GiB, stay free anyhow")
		f.DurationVar(&o.attrTTL, "attr-ttl", time.Second, "how long sizes, times and missing names may be out of date")
		f.DurationVar(&o.dirTTL, "dir-ttl", time.Second, "how long listings of directories may be out of date")
	})
	addGroup(cmd, "Process", func(f *pflag.FlagSet) {
		f.BoolVarP(&o.foreground, "foreground", "f", false, "stay in the foreground, and log to standard error")
		f.StringVar(&o.stateDir, "state-dir", defaultStateDir(root), "keep what umount needs, the log, and spilled data in this `DIR`")
		o.log = logOptions{level: "info", format: "text"}
		f.Var(choose(&o.log.level, "error", "warn", "info", "debug", "trace"), "log-level", "least severe messages to log")
		f.Var(choose(&o.log.format, "text", "json"), "log-format", "how a line of the log looks")
		f.StringVar(&o.log.file, "log-file", "", "log to this `FILE`, not to log/MOUNTPOINT.log in --state-dir; SIGHUP opens it anew")
		f.StringVar(&o.metricsAddr, "metrics-addr", "", "serve Prometheus metrics at http://`HOST:PORT`/metrics; :PORT is for this machine only")
		f.StringVar(&o.config, "config", "", "read options from a `FILE` of lines name = value")
		f.StringArrayVarP(&o.options, "options", "o", nil, "options as mount(8) passes them: `NAME=VALUE,...`")
	})
	_ = cmd.Flags().SetAnnotation("options", onCommandLine, []string{"true"})
}

// storeGroup is the heading of the flags that say how the store is reached.
const storeGroup = "Store"

func (o *storeOptions) addFlags(cmd *cobra.Command) {
	addGroup(cmd, storeGroup, func(f *pflag.FlagSet) {
		f.StringVar(&o.endpoint, "endpoint", "", "`URL` of the store; AWS if there is none (also AWS_ENDPOINT_URL)")
		f.StringVar(&o.region, "region", "", "sign for the region `NAME` (also AWS_REGION and the AWS config file)")
		f.StringVar(&o.provider, "provider", "", "the store is of this `KIND`: "+strings.Join(providers(), ", ")+" (found out if not given)")
		f.Var(&o.corrections, "provider-option", "correct what is known of the store: `NAME=VALUE,...`, or @FILE as doctor --print-profile writes it")
		markRepeatable(f, "provider-option")
		f.BoolVar(&o.pathStyle, "path-style", false, "address the bucket as HOST/BUCKET")
		f.BoolVar(&o.virtualHost, "virtual-host", false, "address the bucket as BUCKET.HOST")
		f.StringVar(&o.profile, "profile", "", "use the profile `NAME` of the AWS config and credentials files (also AWS_PROFILE)")
		f.BoolVar(&o.anonymous, "anonymous", false, "send requests without credentials")
		f.BoolVar(&o.requesterPays, "requester-pays", false, "accept to pay for requests and traffic")
		f.DurationVar(&o.retryFor, "retry-for", 10*time.Minute, "how long to repeat requests while the store is in trouble; 0: not once")
		f.StringVar(&o.caFile, "ca-file", "", "trust the certificates of this PEM `FILE`, beside the system's")
		f.BoolVar(&o.noVerifySSL, "no-verify-ssl", false, "do not verify the store's certificate (dangerous)")
		f.BoolVar(&o.dualStack, "dual-stack", false, "reach AWS by its endpoints that have IPv6 and IPv4")
		f.BoolVar(&o.accelerate, "accelerate", false, "reach AWS by S3 Transfer Acceleration, which the bucket has to allow")
		f.Var(&o.bandwidth, "bwlimit", "bytes a second that all requests together send and receive, as RATE or UP:DOWN; 0 is no limit")
		f.Var(&o.trafficLimit, "traffic-limit", "bytes a second to which the store keeps each request (Alibaba OSS, Tencent COS, Baidu BOS); 0 is no limit")
	})
}

func (o *treeOptions) addFlags(cmd *cobra.Command) {
	addGroup(cmd, "Directory", func(f *pflag.FlagSet) {
		f.BoolVar(&o.readOnly, "read-only", false, "refuse every change")
		f.BoolVar(&o.noExec, "no-exec", false, "let nobody run programs from the mount")
		f.BoolVar(&o.allowOther, "allow-other", false, "let other users in; the kernel checks permissions")
		f.Uint32Var(&o.uid, "uid", uint32(os.Getuid()), "files that carry no owner belong to user `ID`")
		f.Uint32Var(&o.gid, "gid", uint32(os.Getgid()), "files that carry no group belong to group `ID`")
		o.fileMode, o.dirMode = 0o644, 0o755
		f.Var(&o.fileMode, "file-mode", "permissions of files that carry none")
		f.Var(&o.dirMode, "dir-mode", "permissions of directories that carry none")
		f.Var(&o.umask, "umask", "bits to take from --file-mode and --dir-mode")
		o.metadata, o.unlink = "posix", "batch"
		f.Var(choose(&o.metadata, "posix", "none"), "metadata", "keep mode, owner and times with the objects, or nothing")
		f.Var(choose(&o.unlink, "batch", "sync"), "unlink", "delete the objects of many files together, a moment later, or each before unlink returns")
	})
	for _, name := range []string{"uid", "gid"} {
		cmd.Flags().Lookup(name).DefValue = "your own"
	}
}

func (o *writeOptions) addFlags(cmd *cobra.Command) {
	addGroup(cmd, "Writing", func(f *pflag.FlagSet) {
		f.Var(&o.partSize, "part-size", "size of all parts; 0 grows with the file, from 8 MiB on")
		o.putThreshold = uploader.DefaultThreshold
		f.Var(&o.putThreshold, "put-threshold", "files up to this size are sent with one request, larger ones in parts; a third of the memory for writing at the most")
		f.IntVar(&o.concurrency, "upload-concurrency", uploader.DefaultConcurrency, "send `N` parts at once, of all files together")
		o.onWriterKilled = "abort"
		f.Var(choose(&o.onWriterKilled, "abort", "commit"), "on-writer-killed", "what becomes of a file whose writer a signal ended")
		o.conflict = string(uploader.ConflictFail)
		f.Var(choose(&o.conflict, string(uploader.ConflictFail), string(uploader.ConflictOverwrite), string(uploader.ConflictKeepBoth)),
			"conflict", "what to do if somebody else changed the object meanwhile")
		o.close = "sync"
		f.Var(choose(&o.close, "sync"), "close", "when close returns: sync, when the file is stored (there is no async yet)")
		o.rsyncStore = "rename"
		f.Var(choose(&o.rsyncStore, "rename", "close"), "rsync-store", "store small files of rsync when it gives them their last name, or when it closes them, too")
		f.BoolVar(&o.writeBack, "write-back", true, "let the kernel gather small writes; --write-back=false does not")
	})
}

// check finds mistakes in the values of flags and in how they go together.
func (o *mountOptions) check() error {
	if err := o.store.check(); err != nil {
		return err
	}
	if err := o.object.check(); err != nil {
		return err
	}
	switch {
	case o.attrTTL < 0 || o.dirTTL < 0 || o.store.retryFor < 0:
		return errors.New("durations must not be negative")
	case o.write.putThreshold < 1:
		return errors.New("--put-threshold must be 1 byte or more")
	case o.store.accelerate && strings.Contains(o.where.bucket, "."):
		return fmt.Errorf("--accelerate: AWS takes no bucket with a dot in its name, as %s has", o.where.bucket)
	case o.write.concurrency < 1:
		return errors.New("--upload-concurrency must be 1 or more")
	case o.cacheDir == "" && o.cacheSize != defaultCacheSize:
		return errors.New("--cache-size needs --cache-dir")
	case o.cacheDir != "" && int64(o.cacheSize) < cache.MinDiskSize:
		least := byteSize(cache.MinDiskSize)
		return fmt.Errorf("--cache-size %s is too little: at least %s", &o.cacheSize, &least)
	case o.stateDir == "":
		return errors.New("--state-dir must not be empty")
	}
	return nil
}

func (o *storeOptions) check() error {
	if o.endpoint != "" {
		if err := checkEndpoint(o.endpoint); err != nil {
			return err
		}
	}
	if _, known := objstore.ProfileByName(o.provider); o.provider != "" && !known {
		return fmt.Errorf("unknown provider %q: choose %s", o.provider, strings.Join(providers(), ", "))
	}
	if o.virtualHost && isAddress(o.endpoint) {
		return fmt.Errorf("--virtual-host: there are no names below an IP address, as in %s; give the endpoint by a host name", o.endpoint)
	}
	if o.caFile != "" {
		if err := checkAuthorities(o.caFile); err != nil {
			return fmt.Errorf("--ca-file: %w", err)
		}
	}
	if o.anonymous && o.profile != "" {
		return errors.New("--anonymous and --profile exclude each other")
	}
	return o.checkAWS()
}

// checkAWS refuses ways to AWS where the user named another way.
func (o *storeOptions) checkAWS() error {
	var flag string
	switch {
	case o.accelerate:
		flag = "--accelerate"
	case o.dualStack:
		flag = "--dual-stack"
	default:
		return nil
	}
	switch {
	case o.endpoint != "":
		return fmt.Errorf("%s is for AWS without an --endpoint: of another store, or of a certain host, give the right URL there", flag)
	case o.accelerate && o.pathStyle:
		return errors.New("--accelerate and --path-style exclude each other")
	}
	return nil
}

// providers lists the names that --provider takes.
func providers() []string {
	var names []string
	for _, p := range objstore.Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// checkPartSize holds --part-size against what the store takes.
func (o *writeOptions) checkPartSize(p *objstore.Profile) error {
	size := int64(o.partSize)
	if size == 0 {
		return nil
	}
	least, most := byteSize(p.Part.Min), byteSize(p.Part.Max)
	if size < p.Part.Min || size > p.Part.Max {
		return fmt.Errorf("--part-size %s: a store of kind %s takes parts from %s to %s", &o.partSize, p.Name, &least, &most)
	}
	return nil
}
