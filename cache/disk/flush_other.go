//go:build !linux

package disk

import "os"

func flushRange(*os.File, int64, int64) error { return nil }
