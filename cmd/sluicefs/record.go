package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicefs/sluicefs/internal/mounttable"
)

// record is the folder of a mountpoint in the state directory, by which the
// daemon and sluicefs umount find each other:
//
//	STATE/mounts/HASH/mount.json    what is mounted, by which process
//	                  alive         a named pipe that the daemon keeps open for writing:
//	                                a reader sees its end when the process ends, however it does
//	                  verdict.json  written last, when the daemon knows what was stored; until
//	                                then verdict.json.new keeps room for it, as the disk may be full
//
// HASH is of the mountpoint's path, which may be longer than a file name. A
// record outlives its daemon, so that a verdict can still be read, until the
// next mount there. The folder is the owner's alone.
type record struct {
	dir  string
	pipe *os.File // of the daemon's side
}

// mountInfo is what mount.json says.
type mountInfo struct {
	Mountpoint string    `json:"mountpoint"`
	Source     string    `json:"source"`
	PID        int       `json:"pid"`
	Version    string    `json:"version"`
	Since      time.Time `json:"since"`
	Device     string    `json:"device,omitempty"` // of the mount, as the kernel's table has it
}

const (
	infoFile    = "mount.json"
	aliveFile   = "alive"
	verdictFile = "verdict.json"
)

// verdictRoom is how much of the disk is kept for the verdict: some hundred files that
// are not stored. Of more, those that do not fit are counted only.
const verdictRoom = 64 << 10

// defaultStateDir is where records are when --state-dir does not say.
func defaultStateDir(root bool) string {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "sluicefs")
	}
	if home, err := os.UserHomeDir(); err == nil && !root {
		return filepath.Join(home, ".local", "state", "sluicefs")
	}
	return "/var/lib/sluicefs"
}

func recordDir(stateDir, mountpoint string) string {
	sum := sha256.Sum256([]byte(mountpoint))
	return filepath.Join(stateDir, "mounts", hex.EncodeToString(sum[:12]))
}

// makeRecord begins the record of a mount by this process. It refuses while the
// daemon of an earlier mount at the place still stores its files.
func makeRecord(stateDir string, info mountInfo) (*record, error) {
	r := &record{dir: recordDir(stateDir, info.Mountpoint)}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	for _, dir := range []string{filepath.Dir(r.dir), r.dir} {
		if err := checkPrivate(dir); err != nil {
			return nil, err
		}
	}
	pipe := filepath.Join(r.dir, aliveFile)
	if err := unix.Mkfifo(pipe, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make %s: %w", pipe, err)
	}
	// Opened for both, so that it neither waits for a reader nor fails without one.
	f, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the record of the mount: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("the last mount on %s is still storing its files: wait for it with sluicefs umount %s",
			info.Mountpoint, info.Mountpoint)
	}
	r.pipe = f
	if err := r.begin(info); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *record) begin(info mountInfo) error {
	if err := r.reserve(); err != nil {
		return err
	}
	err := os.Remove(filepath.Join(r.dir, verdictFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the last verdict: %w", err)
	}
	return r.write(infoFile, info)
}

// reserve takes the room for the verdict.
func (r *record) reserve() error {
	if err := os.WriteFile(r.next(verdictFile), make([]byte, verdictRoom), 0o600); err != nil {
		return fmt.Errorf("keep room for the verdict: %w", err)
	}
	return nil
}

// finish writes the verdict. On a full disk it may have to count files that it would
// name otherwise.
func (r *record) finish(v verdict) error {
	for {
		err := r.write(verdictFile, v)
		full := errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
		if !full || len(v.Files) == 0 {
			return err
		}
		named := len(v.Files) / 2
		v.More += len(v.Files) - named
		v.Files = v.Files[:named]
	}
}

// close lets those who wait for the daemon go on. The process that made the
// record calls it last.
func (r *record) close() error { return r.pipe.Close() }

// remove takes the record away: nothing was mounted after all.
func (r *record) remove() error { return errors.Join(os.RemoveAll(r.dir), r.close()) }

func (r *record) write(name string, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := overwrite(r.next(name), append(text, '\n')); err != nil {
		return fmt.Errorf("write the record of the mount: %w", err)
	}
	if err := os.Rename(r.next(name), filepath.Join(r.dir, name)); err != nil {
		return fmt.Errorf("write the record of the mount: %w", err)
	}
	return nil
}

// next is where a file of the record is until it is complete.
func (r *record) next(name string) string { return filepath.Join(r.dir, name+".new") }

// overwrite gives a file its content, in the room that it has already as far as
// that goes.
func overwrite(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(content, 0); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Truncate(int64(len(content))), f.Close())
}

// checkPrivate refuses a folder that others could have prepared for us.
func checkPrivate(dir string) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return fmt.Errorf("look at the state directory: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0 {
		return fmt.Errorf("%s is not a directory that only you can use: remove it, or choose another --state-dir", dir)
	}
	return nil
}

// openRecord finds the record of a mountpoint. It is nil where there is none.
func openRecord(stateDir, mountpoint string) (*record, error) {
	r := &record{dir: recordDir(stateDir, mountpoint)}
	if _, err := os.Stat(r.dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the record of the mount: %w", err)
	}
	return r, nil
}

// wait returns when no daemon has the record: at once, if none has. The error
// is that of ctx.
func (r *record) wait(ctx context.Context) error {
	f, err := os.OpenFile(filepath.Join(r.dir, aliveFile), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("wait for the daemon: %w", err)
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		_, err := f.Read(make([]byte, 1)) // nobody ever writes: it ends with the last writer
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("wait for the daemon: %w", err)
		}
	}
}

// alive tells whether a daemon has the record.
func (r *record) alive() bool {
	fd, err := unix.Open(filepath.Join(r.dir, aliveFile), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	// The end of the pipe means that nobody has it open for writing; with a
	// writer there is nothing to read, which is an error.
	_, err = unix.Read(fd, make([]byte, 1))
	return err != nil
}

// info reads what is mounted.
func (r *record) info() (i mountInfo, err error) {
	text, err := os.ReadFile(filepath.Join(r.dir, infoFile))
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	if err != nil {
		return mountInfo{}, fmt.Errorf("read the record of the mount: %w", err)
	}
	return i, nil
}

// owns tells whether an entry of the kernel's table, at the mountpoint, is the mount of
// the record. Where the device is not known, as the daemon was killed while it mounted,
// every mount of ours is.
func (r *record) owns(m mounttable.Entry) bool {
	if r == nil || m.Kind != fuseType {
		return false
	}
	i, err := r.info()
	return err != nil || i.Device == "" || i.Device == m.Device
}

// verdict reads what the daemon left; ok is false where it left nothing.
func (r *record) verdict() (v verdict, ok bool, err error) {
	text, err := os.ReadFile(filepath.Join(r.dir, verdictFile))
	if errors.Is(err, fs.ErrNotExist) {
		return verdict{}, false, nil
	} else if err != nil {
		return verdict{}, false, fmt.Errorf("read the verdict: %w", err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return verdict{}, false, fmt.Errorf("read the verdict: %w", err)
	}
	return v, true, nil
}
