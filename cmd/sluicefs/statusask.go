package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluicefs/sluicefs/internal/mounttable"
	"github.com/sluicefs/sluicefs/internal/objstore/meter"
)

// patienceWithDaemon is how long a daemon may take to say what it is doing.
const patienceWithDaemon = 10 * time.Second

// ask asks the daemon of a mountpoint, or of all. The mounts are good also where
// there is an error: it tells of those that are in trouble.
func (o *statusOptions) ask(ctx context.Context, args []string) ([]status, error) {
	if len(args) == 0 {
		return o.askAll(ctx)
	}
	path, err := resolve(ctx, args[0])
	if err != nil {
		return nil, err
	}
	r, err := openRecord(o.stateDir, path)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, notMounted(path, nil)
	}
	s, err := r.look(ctx)
	switch {
	case s != nil:
		return []status{*s}, err
	case err != nil:
		return nil, err
	}
	return nil, notMounted(path, r)
}

// askAll asks all daemons at once: one that does not answer does not hold up the others.
func (o *statusOptions) askAll(ctx context.Context) ([]status, error) {
	records, err := o.records()
	if err != nil {
		return nil, err
	}
	found, errs := make([]*status, len(records)), make([]error, len(records))
	var all sync.WaitGroup
	for i, r := range records {
		all.Go(func() { found[i], errs[i] = r.look(ctx) })
	}
	all.Wait()
	mounts, troubles := []status{}, []string{}
	for i := range records {
		if found[i] != nil {
			mounts = append(mounts, *found[i])
		}
		if errs[i] != nil {
			troubles = append(troubles, errs[i].Error())
		}
	}
	slices.SortFunc(mounts, func(a, b status) int { return a.Since.Compare(b.Since) })
	slices.Sort(troubles)
	if len(troubles) > 0 {
		err = errors.New(strings.Join(troubles, "; "))
	}
	return mounts, err
}

// records returns those of all mounts, also of such as have ended.
func (o *statusOptions) records() (all []*record, err error) {
	dir := filepath.Join(o.stateDir, "mounts")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) && o.given {
		_, err = os.Stat(o.stateDir)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for mounts: %w", err)
	}
	for _, e := range entries {
		all = append(all, &record{dir: filepath.Join(dir, e.Name())})
	}
	return all, nil
}

// look finds out what there is to be said of a mount. It is nil where nothing is mounted,
// or nobody answers. Of a mount without a daemon there are both, the mount and an error.
func (r *record) look(ctx context.Context) (*status, error) {
	if r.alive() {
		s, err := r.ask(ctx)
		if err == nil {
			s.Alive = true // of an older version, it does not say so itself
			return &s, nil
		}
		if r.alive() { // else it ended meanwhile
			return nil, r.noAnswer(err)
		}
	}
	info, err := r.info()
	if err != nil { // a mount that did not come to be, or of before a power failure
		return nil, nil
	}
	top, mounted, err := mounttable.At(info.Mountpoint)
	if err != nil || !mounted || !r.owns(top) || connected(ctx, info.Mountpoint) {
		return nil, err
	}
	place := plain(info.Mountpoint)
	return &status{mountInfo: info, Uploads: []uploading{}, Requests: []meter.Count{}, Errors: []unstored{}},
		fmt.Errorf("the daemon of %s has ended: run sluicefs umount %s", place, place)
}

// noAnswer names the daemon that did not answer.
func (r *record) noAnswer(err error) error {
	info, lost := r.info()
	if lost != nil {
		return fmt.Errorf("ask the daemon of %s: %w", plain(r.dir), errors.Join(err, lost))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the daemon of %s (process %d) does not answer", plain(info.Mountpoint), info.PID)
	}
	return fmt.Errorf("ask the daemon of %s (process %d): %w", plain(info.Mountpoint), info.PID, err)
}

// ask asks the daemon of a record what it is doing.
func (r *record) ask(ctx context.Context) (s status, err error) {
	dir, path, err := socketPath(r.dir)
	if err != nil {
		return s, err
	}
	defer dir.Close()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, patienceWithDaemon)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://mount/status", nil)
	if err != nil {
		return s, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, errors.New(resp.Status)
	}
	return s, json.NewDecoder(resp.Body).Decode(&s)
}
