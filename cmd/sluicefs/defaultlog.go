package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// A daemon that was given no --log-file logs into the state directory, as nobody sees
// what it prints:
//
//	STATE/log/MOUNTPOINT.log       /mnt/data is mnt%2Fdata.log
//	          MOUNTPOINT.log.old   the one before, where that had become too long
//
// It is not in the record of the mount, which a mount that fails takes away: what an
// earlier daemon said at its end is still to be found then.
const (
	logDir     = "log"
	longestLog = 10 << 20 // bytes
)

// defaultLogPath names the log of a mountpoint.
func defaultLogPath(stateDir, mountpoint string) string {
	name := url.PathEscape(strings.TrimPrefix(mountpoint, "/"))
	if len(name) > 200 { // a file name has 255 bytes at the most
		name = filepath.Base(recordDir(stateDir, mountpoint))
	}
	return filepath.Join(stateDir, logDir, name+".log")
}

// openDefaultLog opens the log of a mountpoint, and makes the directory for it.
func openDefaultLog(stateDir, mountpoint string) (*logFile, error) {
	path := defaultLogPath(stateDir, mountpoint)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the log: %w", err)
	}
	if err := checkPrivate(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return openLogFile(path, longestLog)
}
