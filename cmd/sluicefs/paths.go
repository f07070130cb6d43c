package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// keptPath is an option that names what a mount goes on using as long as it lasts.
// Files that are read once, before the mount answers, are none.
type keptPath struct {
	flag string
	path *string
}

func (o *mountOptions) keptPaths() []keptPath {
	return []keptPath{{"--state-dir", &o.stateDir}, {"--cache-dir", &o.cacheDir}, {"--log-file", &o.log.file}}
}

// absolutePaths makes paths independent of the working directory, which the daemon
// leaves.
func (o *mountOptions) absolutePaths() error {
	for _, p := range o.keptPaths() {
		if *p.path == "" {
			continue
		}
		var err error
		if *p.path, err = filepath.Abs(*p.path); err != nil {
			return fmt.Errorf("resolve %s %s: %w", p.flag, *p.path, err)
		}
	}
	return nil
}

// checkOutside refuses what would be hidden by the mount, or have it wait for
// itself. Paths are absolute, and the mountpoint is resolved.
func (o *mountOptions) checkOutside() error {
	for _, p := range o.keptPaths() {
		if *p.path == "" {
			continue
		}
		at := resolveExisting(*p.path)
		if at == o.mountpoint || strings.HasPrefix(at, strings.TrimSuffix(o.mountpoint, "/")+"/") {
			return fmt.Errorf("%s %s is inside the mountpoint: choose a place outside of %s", p.flag, *p.path, o.mountpoint)
		}
	}
	return nil
}

// resolveExisting frees of symbolic links what is there of an absolute path.
func resolveExisting(path string) string {
	if full, err := filepath.EvalSymlinks(path); err == nil {
		return full
	}
	dir := filepath.Dir(path)
	if dir == path {
		return path
	}
	return filepath.Join(resolveExisting(dir), filepath.Base(path))
}
