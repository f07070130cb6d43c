package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/cache"
	"github.com/sluicefs/sluicefs/fs"
	"github.com/sluicefs/sluicefs/internal/mounttable"
	"github.com/sluicefs/sluicefs/uploader"
)

// hiddenDir is where the mount keeps objects that are not files: below the
// mounted prefix, as keys may be allowed to write nowhere else.
const hiddenDir = ".sluicefs/"

// begin reaches the store, puts the mount together from the store up, and mounts.
// What was begun is taken down again where something fails.
func (p *program) begin(ctx context.Context, o *mountOptions, log *logrus.Entry) (_ *mounted, err error) {
	store, err := p.openStore(ctx, o, log)
	if err != nil {
		return nil, err
	}
	m := &mounted{log: log, info: mountInfo{
		Mountpoint: o.mountpoint, Source: o.where.String(), PID: os.Getpid(), Version: versionName(), Since: time.Now(),
	}}
	m.closers = append(m.closers, store.close)
	defer func() {
		if err != nil {
			err = errors.Join(err, m.undo())
		}
	}()
	plan, err := planMemory(int64(o.memory), store.Profile())
	if err != nil {
		return nil, usageError(err)
	}
	plan.apply()
	if m.record, err = makeRecord(o.stateDir, m.info); err != nil {
		return nil, err
	}
	up, err := uploader.New(ctx, store, o.uploaderConfig(plan, m.record.dir, log))
	if err != nil {
		return nil, fmt.Errorf("start the uploader: %w", err)
	}
	m.writes = up
	blocks, err := cache.New(store, o.cacheConfig(plan, up, log))
	if err != nil {
		return nil, fmt.Errorf("start the cache: %w", err)
	}
	m.closers = append([]func() error{func() error { blocks.Close(); return nil }}, m.closers...)
	m.unstored = func() ([]unstored, int) { return unstoredOf(up) }
	m.detach = func() error { return p.detachMount(o.mountpoint) }
	m.covered = m.coveredBy
	if err := m.watch(&monitor{info: m.info, store: store, writes: up, unstored: m.unstored}, o.metricsAddr); err != nil {
		return nil, err
	}
	cfg := o.fsConfig(log)
	cfg.Store, cfg.Cache, cfg.Uploader = store, blocks, up
	cfg.Requests, cfg.RequestSize = plan.requests, plan.request
	if m.tree, err = fs.Mount(ctx, o.mountpoint, cfg); err != nil {
		return nil, explainMount(err)
	}
	m.recordDevice()
	return m, nil
}

// recordDevice writes down which one in the kernel's table is ours: others may come to
// lie above it. Without that the type has to do.
func (m *mounted) recordDevice() {
	top, ok, err := mounttable.At(m.info.Mountpoint)
	if err == nil && ok {
		m.info.Device = top.Device
		err = m.record.write(infoFile, m.info)
	}
	if err != nil {
		m.log.WithError(err).Warn("sluicefs umount will not know this mount from others of sluicefs")
	}
}

// coveredBy says which mount of somebody else lies above ours, if one does.
func (m *mounted) coveredBy() error {
	top, ok, err := mounttable.At(m.info.Mountpoint)
	if err != nil || !ok || m.info.Device == "" || top.Device == m.info.Device {
		return nil // what cannot be found out is tried
	}
	return fmt.Errorf("another mount, of type %s, lies above it: after that is unmounted, run sluicefs umount %s", top.Kind, m.info.Mountpoint)
}

// undo takes down what begin had put together when it failed.
func (m *mounted) undo() error {
	var errs []error
	if m.writes != nil {
		errs = append(errs, m.writes.Close())
	}
	for _, c := range m.closers {
		errs = append(errs, c())
	}
	if m.record != nil {
		errs = append(errs, m.record.remove())
	}
	return errors.Join(errs...)
}

// detachMount unmounts lazily, where something is mounted.
func (p *program) detachMount(path string) error {
	_, mounted, err := mounttable.At(path)
	if err != nil || !mounted {
		return err
	}
	return p.host.unmount(context.Background(), path, true)
}

func (o *mountOptions) uploaderConfig(plan memoryPlan, dir string, log *logrus.Entry) uploader.Config {
	return uploader.Config{
		Memory:      plan.uploader,
		PartSize:    int64(o.write.partSize),
		Threshold:   int64(o.write.putThreshold),
		Concurrency: o.write.concurrency,
		SpillDir:    dir,
		Conflict:    uploader.Conflict(o.write.conflict),
		StagePrefix: o.where.prefix + hiddenDir + "stage/",
		Freshness:   o.attrTTL,
		Log:         log.WithField("part", "uploader"),
	}
}

func (o *mountOptions) cacheConfig(plan memoryPlan, lender cache.Lender, log *logrus.Entry) cache.Config {
	return cache.Config{
		Memory:      plan.cache,
		NameMemory:  plan.names,
		Lender:      lender,
		DiskDir:     o.cacheDir,
		DiskSize:    int64(o.cacheSize),
		DiskName:    o.diskName(),
		AttrTTL:     lifetime(o.attrTTL),
		DirTTL:      lifetime(o.dirTTL),
		NegativeTTL: lifetime(o.attrTTL),
		ListOnly:    o.tree.metadata == string(fs.MetadataNone),
		Hide:        isHidden,
		Log:         log.WithField("part", "cache"),
	}
}

// diskName tells this bucket from all others in a directory for what was read.
// What is encrypted with the user's own key is found only by who has the key.
func (o *mountOptions) diskName() string {
	return fmt.Sprintf("%s %s %x", o.store.place(), o.where.bucket, sha256.Sum256(o.object.key))
}

func (o *mountOptions) fsConfig(log *logrus.Entry) fs.Config {
	return fs.Config{
		Source:         o.source, // mount -a compares it with /etc/fstab, to tell what is mounted already
		Prefix:         o.where.prefix,
		UID:            o.tree.uid,
		GID:            o.tree.gid,
		FileMode:       uint32(o.tree.fileMode &^ o.tree.umask),
		DirMode:        uint32(o.tree.dirMode &^ o.tree.umask),
		Metadata:       fs.Metadata(o.tree.metadata),
		Unlink:         fs.Unlink(o.tree.unlink),
		OnWriterKilled: fs.Killed(o.write.onWriterKilled),
		RsyncStore:     fs.RsyncStore(o.write.rsyncStore),
		ReadOnly:       o.tree.readOnly,
		NoExec:         o.tree.noExec,
		AllowOther:     o.tree.allowOther,
		WriteThrough:   !o.write.writeBack,
		AttrTTL:        lifetime(o.attrTTL),
		EntryTTL:       lifetime(o.attrTTL),
		NegativeTTL:    lifetime(o.attrTTL),
		Options:        o.of,
		Hide:           isHidden,
		HiddenPrefix:   o.where.prefix + hiddenDir + "stage/",
		Log:            log.WithField("part", "fs"),
	}
}

// lifetime says "not at all" where the flag is zero, which stands for the default.
func lifetime(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// isHidden tells whether a key is not for programs. Mounts of other prefixes of
// the bucket have their own place for such keys: all of them are hidden.
func isHidden(key string) bool {
	return strings.HasPrefix(key, hiddenDir) || strings.Contains(key, "/"+hiddenDir)
}

// explainMount adds what to do where the kernel refused to mount.
func explainMount(err error) error {
	if errors.Is(err, iofs.ErrPermission) {
		return fmt.Errorf("the kernel does not allow to mount: in a container, start it with --cap-add SYS_ADMIN (%w)", err)
	}
	return err
}
