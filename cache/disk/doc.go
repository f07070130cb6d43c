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
//   - A seal says that all blocks of a segment were proved, and that the disk has them.
//
// # What is on the disk
//
//	DIR/sluicefs-1/             0700, and nobody else's
//	    lock                    held by the mount that evicts
//	    3f/3fa9…/data, sums     a segment, named by the SHA-256 of what it is a part of
//	    3f/3fa9…/seal           its seal, if it has one
//	    new-…, dead-…           being made, being removed
//
// Where somebody removes DIR, writing a block fails, and the sweep that follows makes it anew.
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
// # Why a file can be handed out
//
// Blocks whose checksum this process computed, on reading or on writing, are
// proved. When all blocks of a segment are, it is sealed:
//
//	open ──> sealing    all blocks are proved
//	sealing ──> sealed  the disk has them, and all of them are right
//	sealing ──> open    one is not, or somebody wrote to the data meanwhile
//	sealing ──> lost    the disk does not take it, or it has no name any more
//	sealed ──> open     a block is wrong, or somebody has written to the data
//
// The sealer takes the stamp of the data (its inode and the time of its last change, which is a
// while ago), brings it to the disk, holds all blocks against their slots once more, and takes the
// stamp again. So whatever happened to the data before is seen by the blocks, and what happens
// from then on by the stamp; the disk has it, so nothing can go wrong any more with
// writing it. What the disk does not take is thrown away at once, since the kernel tells of that only once.
//
// An object that is sealed can be handed out as a file ([Object.File]), which is read with
// no checksum; [File.Sound] tells that the stamp is still the same, and [Sums] are to be compared
// with the store's. The seal is kept for later mounts, and counts until the machine starts
// anew, as nothing but the kernel knows that it lost nothing. Small objects are not sealed, for each
// of them would have to be synced by itself; nor are those of more than one segment.
//
// # Bounds
//
// A mount writes only while it has room, which the sweep gives out: what is free
// of Config.Size, and of the disk beyond a reserve of 5 % (at most 10 GiB). It is done
// again before 1/32 of Config.Size was written, so n mounts that share a directory
// exceed it by (n−1)/32 at most. Segments that were used longest ago are removed, down to
// 15/16 of Config.Size; their time of use is that of the sums file, touched every 10
// seconds, and those used since are spared. A time to come counts as longest ago, as the clock was
// set back since. What is removed keeps its space for as long as it is open: a mount closes it after
// its own sweep, and within 10 seconds after that of another one. What was handed out as a file has its
// space until that is closed, at most 1 GiB each, and does not count.
//
// Blocks wait for the writer in a queue of Config.Queue; what does not fit is dropped, after
// 2 ms, or at once if somebody has just waited: no reader waits for the disk in more than a tenth
// of the time.
// An object that is read has two files open for each of its segments that are used, and for at most
// 32 of them; when one is opened, those are closed that nobody used for 10 seconds. Calls under way
// keep the files that they use. Up to 256 objects that wait for being sealed have two files open each.
// What finds no place there waits for its next reader.
//
// # Goroutines
//
// The writer, the sweeper and the sealer, which [Tier.Close] waits for. Reading is done by the
// callers. Locks: Tier.sweeping, Tier.writing, then Object.mu or segment.mu, then Tier.mu, then proof.mu; they
// are held across calls to the file system, and never across one to the store, nor across a sync.
package disk
