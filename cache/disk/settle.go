package disk

import (
	"fmt"
	"os"
)

// settlePiece is what is written to the disk before it is asked whether to go on, in bytes.
const settlePiece = 16 << 20

// settle has the disk take what was written to a file. It fails with errNotNow when stop is
// closed before the end.
func settle(f *os.File, stop <-chan struct{}) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at %s: %w", f.Name(), err)
	}
	for off := int64(0); off < info.Size(); off += settlePiece {
		select {
		case <-stop:
			return errNotNow
		default:
		}
		if err := flushRange(f, off, settlePiece); err != nil {
			return fmt.Errorf("write %s to the disk: %w", f.Name(), err)
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write %s to the disk: %w", f.Name(), err)
	}
	return nil
}
