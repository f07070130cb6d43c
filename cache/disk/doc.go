// Package disk keeps blocks of objects in a directory of the local disk, so that
// they outlive the mount that fetched them. It never holds anything that the store
// does not have, and may lose anything at any time.
//
// # Vocabulary
//
//   - An object is one version: a key with its ETag and size, in one bucket of one
//     store. Its bytes never change.
//   - A segment is up to 1 GiB of an object, and a directory with two files: data,
//     which is sparse and has each byte where the segment has it, and sums, which
//     has 16 bytes that no other segment has, and a slot for each block. Small objects have one segment, of their size.
//   - A slot is 0 while the block is not there, else the block's checksum.
//
// # What is on the disk
//
//	DIR/sluicefs-1/             0700, and nobody else's
//	    lock                    held by the mount that evicts
//	    3f/3fa9…/data, sums     a segment, named by the SHA-256 of what it is a part of
//	    new-…, dead-…           being made, being removed
//
// # Why a wrong byte is never served
//
// A segment appears whole, by rename of a directory, and goes the same way. Inside,
// data is written before its slot, but nothing is synced, and the disk may have the
// one without the other after a crash. So nothing is believed: a block counts only
// if its checksum is that in its slot; another one is not there, and its slot is
// cleared. Several mounts may write one block at the same time, as all write the
// same bytes there.
//
// Blocks whose checksum this process computed, on reading or on writing, are
// proved. An object of which all blocks are proved can be handed out as a file
// ([Object.File]): between a proof and a crash, files keep what is written to them.
//
// # Bounds
//
// A mount writes only while it has room, which the sweep gives out: what is free
// of Config.Size, and of the disk beyond a reserve of 5 % (at most 10 GiB). It is done
// again before 1/32 of Config.Size was written, so n mounts that share a directory
// exceed it by (n−1)/32 at most. Segments that were used longest ago are removed, down to
// 15/16 of Config.Size; their time of use is that of the sums file, touched every 10
// seconds, and those used since are spared. Files that somebody has open keep their
// space until they are closed.
//
// Blocks wait for the writer in a queue of Config.Queue; what does not fit is dropped.
// An object that is read has two files open for each of its segments that are used.
//
// # Goroutines
//
// The writer and the sweeper, which [Tier.Close] waits for. Reading is done by the
// callers. Locks: Tier.sweeping, Tier.writing, segment.mu, Tier.mu, in this order; they
// are held across calls to the file system, and never across one to the store.
package disk
