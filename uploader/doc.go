// Package uploader turns writes, in any order and of any size, into objects: it
// sends what is written as the parts of a multipart upload while it is being
// written, and publishes the whole when the file is committed.
//
// # Vocabulary
//
//   - A file under write ([File]) belongs to an inode, from its first open for
//     writing to the last release. Handles do not exist here.
//   - The grid cuts a file into cells. A cell's number and boundaries are a pure
//     function of its index (grid.go), so a part number means the same bytes for
//     as long as the file lives.
//   - A chunk is 64 KiB of the memory budget (pool.go); a cell holds its bytes in
//     chunks, and only where it has bytes. What no file needs is lent to who reads.
//   - Bytes are held when they are in a chunk, dirty when they are nowhere else,
//     remote when a finished object has them (remote.go), and in a part when only
//     an unfinished upload has them, from which nothing can be read back.
//   - The main upload becomes the object. A segment is an upload of its own under
//     a hidden key, for the part of a file that lies beyond the direct cells; once
//     it is finished, the object gets all of it as one copied part.
//   - To stage is to make a finished, hidden object of what was sent so far.
//     Where that takes the file's own name for a while, it is a detour of the name.
//   - To commit is to make the object hold what the file holds. It publishes.
//   - A file is parked (park.go) between its close and its commit, where the caller
//     expects it to get another name in a moment.
//
// # Life of a cell
//
//	           write                covered             slot free
//	(none) ───────────► filling ───────────► sealed ───────────────► uploading
//	   ▲                 ▲  ▲  │                                        │   │
//	   │                 │  │  └── commit sends what is left ──┐   part │   │ written
//	   │           write │  │                                 │ stored │   │ meanwhile
//	   │                 │  └─────────────────────────────────┼────────┼───┘
//	   └── memory taken ─ clean ◄─────────────────────────────┴────────┘
//
// A cell that was sent once does not go out by itself again: it is sent under
// the same number by the commit, however often it was written in between. That
// is what makes the rewriting of a header at offset 0 cost one part.
//
// # Commit
//
// A file of which nothing was sent, up to the threshold, is one PutObject. Any
// other is planned (pieces.go) as runs: parts that are there, ranges to copy at
// the server, and bytes to send. Where the smallest part forces bytes of the base
// to be sent along with a small change, exactly those are fetched. Afterwards the
// committed object is the base, all cells are clean, and writing may go on.
//
// A cell of which some bytes were written again while the others are only in a
// part cannot be sent: then the upload is staged first (stage.go), and its parts
// are remote bytes like any other. A file with more changes than the store has part
// numbers is folded first (fold.go): ranges as large as one copied part become
// hidden objects.
//
// Whether a request took effect whose answer was lost, the object tells: by its
// ETag where that follows from the bytes, by a mark in its metadata elsewhere. An ETag that the
// object may have had before tells nothing: then it is the upload, which is gone, or what else
// was put with the bytes.
//
// # Invariants
//
//   - cell.dirty ⊆ cell.have. A clean cell has no dirty bytes.
//   - Every byte of the file below its size is held, or in a part (below the
//     part's valid length), or remote, or zero; whoever comes first in this list
//     has the newest.
//   - A chunk with more than one reference is not written to: a writer replaces
//     it by a copy. A body being sent is therefore the bytes that were sealed.
//   - Nothing under the file's own name changes before Complete or Put, except
//     where stageNamed says how and why; and it puts back what was there, also
//     when the file fails or is given up meanwhile. A name that the file has lost is
//     no detour: what was sent under it is staged before another object stands there (vacate.go).
//   - The first failure of a file is final: err is set once, everything under way
//     ends, and the uploads are aborted when nothing of them is on its way.
//   - A request that changes the store is answered, or was not sent whole
//     (objstore/patient): nothing arrives behind an abort. Where the store did not answer
//     in time, the upload is looked for again, and aborted again (abort.go).
//   - Only uploads and hidden objects that this uploader made are ended or removed.
//
// # Locks
//
//	File.mu → Uploader.mu → (nothing)
//	File.mu → pool.mu → (nothing)
//	File.mu → spill.mu → (nothing)
//	File.mu → failures.mu → (nothing)
//
// No two File.mu are held together. File.mu is never held across a request to
// the store or a wait for memory. busy is not a lock but a state: one operation
// (commit, truncate, rename, stage) has the file to itself, and writers wait. A commit
// waits for those of files that have lost the name, which never commit themselves.
//
// # Why a writer that waits for memory gets it
//
// Three things are waited for: memory, a slot to send in, and the turn to compose.
// They are waited for in this order only:
//
//	the turn to compose → memory → a slot → (the store)
//
// Who has a slot needs nothing but an answer of the store, and every request has
// a time limit: so slots come free, whatever happens. Who waits for memory holds
// no lock and no chunk (writeCell gives back what it took before it asks for more,
// and before it waits for a commit), except for the one body at a time whose turn
// it is to be composed. That one pins the chunks of one piece and asks for no more
// bytes than the piece has; a piece is at most a third of the budget (two of the
// smallest parts, a cell, or a file below the threshold), so it can be served. So
// with a waiter present, each chunk of the budget is
//
//  1. free: the waiter is served, in the order of arrival; or
//  2. held by a clean cell: reclaim takes it; or
//  3. held by a body that waits for a slot or an answer: that ends, with success
//     or with the failure of its file; or
//  4. held by a sealed cell: it waits for a slot, or is sent early; where its file
//     is busy, it is treated like
//  5. a filling cell: reclaim writes it to the spill file, which is on disk,
//     coldest cell first. Who parks files is asked to commit them before that, and they
//     are spilled like others meanwhile: a commit may have to wait for who waits; or
//  6. one of the body's that is composed, at most a third of the budget; or
//  7. lent to who reads (lend.go): nothing more is lent while somebody waits, and reclaim
//     calls it in before all else. What a read is using stays until that has its answer.
//
// 1 to 5 make progress whatever any writer does. Reclaim sleeps only when none but
// 3, 4, 6 or 7 is left, and whoever ends one of them (a body that is released, a cell
// that changes its list, a file that is not busy any more, a part that is
// answered, a loan that is given back) wakes it if somebody waits. If the spill
// file cannot take more, and nothing is lent, the first in line fails with
// ErrNoSpace, and its file with it: what it holds is freed, so that those behind it
// need not fail. A wait also ends with its context and with the failure of its file.
//
// # Goroutines
//
// reclaim lives as long as the uploader, and so does tidyUp, which asks the store again for
// what it did not let go of (leftovers.go). Each sealed cell and each finished
// segment has one goroutine until its request has ended; a failed file has one
// that cleans up. Close waits for all of them.
package uploader
