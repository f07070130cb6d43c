package fs

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/cache"
)

// lent is the answer to a READ with bytes that lie in the cache: go-fuse writes
// them to the kernel from where they are, and gives them back.
type lent struct{ loan *cache.Loan }

var _ fuse.ReadResult = lent{}

// Size implements fuse.ReadResult.
func (r lent) Size() int { return r.loan.Len() }

// Slices makes go-fuse write with writev.
func (r lent) Slices() ([][]byte, fuse.Status) { return r.loan.Parts(), fuse.OK }

// Bytes implements fuse.ReadResult.
func (r lent) Bytes(buf []byte) ([]byte, fuse.Status) { return buf[:r.loan.CopyTo(buf)], fuse.OK }

// Done implements fuse.ReadResult.
func (r lent) Done() { r.loan.Return() }
