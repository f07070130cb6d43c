package cache

import "golang.org/x/sys/unix"

// advise asks for large pages, which spare most of the page faults of a file that
// is read for the first time. A kernel without them refuses, and nothing is lost.
func advise(mem []byte) { _ = unix.Madvise(mem, unix.MADV_HUGEPAGE) }
