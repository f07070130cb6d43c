// Package fs shows a bucket as a directory: it turns what the kernel asks into
// what the uploader, the cache and the store do, and their failures into errno
// values. What a user may rely on is in docs/SEMANTICS.md.
//
// # Vocabulary
//
//   - A node is a file or a directory as the kernel knows it. A directory is a
//     prefix of keys ([dirNode]); everything else is an object ([fileNode]).
//   - A file node stands for one content. This mount's own commits, renames and
//     changes of metadata stay on the node; when somebody else replaces the
//     object, the name gets another node.
//   - A handle is one open of a node. Only how it was opened and the reader of a
//     snapshot belong to a handle; what is written belongs to the node.
//   - A file is under write ([writing]) from the first open for writing to the
//     last release. Its bytes are in one uploader.File, whoever wrote them.
//   - The operation gate of a file node is held by whoever changes what the node
//     is: see Locks.
//
// # A file under write
//
//	           open for writing, O_CREAT, O_TRUNC
//	clean ─────────────────────────────────────────► under write ◄─────────┐
//	  ▲                                               │   │   │            │
//	  │ last RELEASE, everything stored               │   │   │ write      │ commit
//	  ├───────────────────────────────────────────────┘   │   ▼            │
//	  │ last RELEASE, not stored: commit there            │  ahead ────────┘
//	  │                                                   │   │   FLUSH, FSYNC,
//	  │                                                   │   │   last RELEASE
//	gone ◄────────────────────────────────────────────────┘   │
//	     last RELEASE after a killed writer, or of those who  │
//	     can write after a failure ◄──────────────────────────┘
//
// FLUSH of rsync's temporary file leads to another state: parked, see there.
//
// FLUSH comes at every close of every duplicate of a descriptor, and what it
// returns is what close returns; what RELEASE returns reaches nobody. So:
//
//   - FLUSH with something new commits; with nothing new it does nothing.
//   - FLUSH of a file that is new or was emptied by open, and was not written to,
//     commits only if no other descriptor of the process refers to it. Shells
//     close a duplicate before the command writes; an object stored then would be
//     stored again. What FLUSH leaves, the last RELEASE commits.
//   - FLUSH of a process that a signal ends commits nothing, if the mount is told
//     so: half a file must not look like a whole one. It marks the file as
//     killed. A later write, fsync or close by somebody who lives removes the
//     mark: the descriptor was shared, as in `( a; b ) > f`. If the mark is there
//     at the last RELEASE, what is not stored is given up.
//   - FLUSH of a child that is about to become another program commits nothing, as
//     long as who opened the file lives: that is what starting a program looks
//     like, and the file may be half written. Somebody closes it later, or the
//     last RELEASE commits.
//   - The first failure stays: every later write, fsync and close of the file
//     returns it. Only the kernel's own write-back of pages is told that all is
//     well: it would make EIO of every error, and not even send FLUSH (see
//     writtenBack). What is not stored is given up at the last RELEASE of a handle
//     that can write. O_CREAT and O_TRUNC put a file under write for O_RDONLY, too,
//     but such a handle then reads on as if it had been opened without them.
//   - A RELEASE without a FLUSH (knfsd sends none) commits.
//   - FLUSH of a new file that rsync made under a temporary name, and that is in
//     memory whole, parks it: it says 0, and nothing is sent. The file is under write,
//     ahead, and after the last RELEASE has no handle. The rename that follows commits
//     it under the new name, and returns the outcome. Before anything else that needs
//     the object, land commits it where it is: an open for writing, a truncate, FSYNC,
//     FSYNCDIR, the end of the mount, a second without a rename, or the uploader when
//     it is short of memory. After the commit it is not parked any more, and its time
//     under write ends with the last handle, or at once without one.
//   - A file that is given up loses its node: the kernel believes in the size and
//     the pages that it wrote, and the store does not have them.
//
// # What is agreed with the kernel
//
//   - Requests of 1 MiB, of 256 KiB where memory is short: the default of 128 KiB costs
//     a third of the throughput.
//   - Read-ahead of as much, where the mount may say so: see raiseReadAhead.
//   - The write-back cache: 4 KiB writes gain a factor of ten. It has a price:
//     the kernel then believes its own size, mtime and ctime of a regular file
//     for as long as it knows the inode, whatever it is answered. So when the
//     object behind a name has another content, or another mtime, the name gets
//     another node. So an answer to a LOOKUP must have the true mtime, which
//     where metadata is kept may take a HEAD; and READDIRPLUS gives an entry
//     whose metadata is not known as a bare name (which the protocol allows),
//     because a wrong mtime could not be put right later. Where entry after entry
//     is looked at, it waits for the metadata: see dirHandle.complete. Two kinds of
//     lookup are answered from the listing all the same: of a file that is about
//     to be deleted (bareLookups) and of one that is about to be written to
//     (guesses); who asks for attributes after that may make the kernel look
//     again. The kernel
//     also reads through handles that are write-only, sends pages through any
//     handle, and sends a SETATTR of its own with the mtime before FLUSH.
//   - CAP_HANDLE_KILLPRIV_V2, else every write costs a GETXATTR of
//     security.capability. It makes us clear setuid bits: see
//     attributes.withoutPrivilege.
//   - CAP_ATOMIC_O_TRUNC: emptying is part of open, so that it can be told from a
//     truncate that a program asks for.
//   - CAP_READDIRPLUS_AUTO: attributes of directory entries are made only for who
//     looks at them.
//   - ExplicitDataCacheControl and FOPEN_KEEP_CACHE: a node has one content, so its
//     pages are right for as long as it lives.
//   - CAP_PASSTHROUGH on read-only mounts: a file that the disk cache has whole is
//     opened with the file of the cache behind it, which the kernel then reads
//     without asking; see backing. Kernels before 6.9, and those who are not root,
//     go on asking. On other mounts a reader would not see what is written later.
//   - default_permissions only where others may come (or on request): otherwise
//     only the owner of the mount reaches it, and the checks would cost
//     requests for the attributes of directories on every path.
//   - Locks (flock, fcntl) are not forwarded: the kernel keeps them, for all
//     processes of this mount.
//
// Inode numbers are made of the key, so that they are the same whenever the
// kernel asks again, and never shared by two live nodes: a renamed file keeps
// its number, and a new file under its old name gets the next of the series.
//
// Operations an application waits for are not ended by a signal, unless it kills
// the application: see wait.
//
// # Metadata of stored files
//
// Attributes are seen at once and stored with the next commit of the file: a
// chmod, chown or utimens before the first part leaves costs nothing. For a
// stored file they wait for MetadataDelay in the pendingQueue, because programs
// make several such calls and a rename in a row, and each would be a copy of the
// object; a rename takes them along in its own copy, an fsync or an unmount does
// not let them wait. The mtime that the kernel sends by itself never causes a copy.
// While they wait and while they are on their way (pending, storing), nothing that the
// store says about the file counts; nor does, afterwards, what it was asked before: see
// sighting and tree.renew.
//
// # Unlinked files
//
// An unlink deletes the object before it returns, unless its thread deletes file
// after file. Then the object waits among the departures, at most
// departureDelay, for up to a thousand others to go with one request, and the
// cache shows it no more, whatever a listing says (cache.Leave). Nothing may
// overtake it: newKey waits until it is deleted before anything gets its name,
// and so do rmdir, fsync of a directory, a rename of a directory, which copies
// what the store lists, and the end of the mount. A file that is open is deleted
// at once, because its content is kept before. What could not be deleted has its
// name again, and its directory says why to who changes it next.
//
// A file that is open when it loses its name is copied under a hidden key first. Who
// has closed it may still seem to have it open, as close does not wait for the RELEASE:
// see fileNode.readersClosed.
//
// # Locks
//
// In this order; a lock is never taken while holding one further down.
//
//  1. dirNode.staying and moving, which moves.go explains: not a lock, but waited for.
//     Who stays in directories may wait for all that follows; who renames a directory
//     waits for those who stay below it before anything else.
//  2. pendingQueue.storing (a gate): who has it stores nodes of the queue, or renames
//     a directory.
//  3. fileNode.operation (a gate): held across requests by open for writing,
//     FLUSH, FSYNC, the last RELEASE, truncate of a closed file, unlink, rename
//     and storing metadata, so that each sees the file as the others leave it.
//     Reads, writes, stat and chmod do not take it, except a read or stat that finds its
//     object gone or another, to know whether it was this mount, and an open of a file
//     that is being deleted, or the lookup before it (see comebacks). Several are taken in
//     the order in which the nodes were made (StableAttr.Gen); the rename of a directory
//     takes those of all files below it, and, when it has let go of them, each by itself of
//     those that it copies again. Instead, dirNode.keeping (a gate): held by who
//     stores the marker of a directory, or removes it; taken after those of files, and that of
//     the directory above last.
//  4. tree.mu: names, parents, children. Never held across a request.
//  5. fileNode.mu, dirNode.mu: one at a time. uploader.File may be asked and told
//     (Size, Dirty, SetOptions) while holding them, but not made to wait.
//  6. wait.mu, then watching.mu.
//  7. Leaves: pendingQueue.mu, departures.mu, comebacks.mu, openFiles.mu, parkedFiles.mu, hiddenCopies.mu,
//     snapshot.mu, gate.mu, grace.mu, and the locks inside go-fuse, uploader and cache.
//
// go-fuse calls OnForget with none of its locks held. NotifyEntry is called with
// none of ours, no gate either, and by a goroutine that nobody waits for but Wait:
// the kernel takes the directory's lock for it, and may be waiting for us with that
// lock held.
//
// # Goroutines
//
// The kernel's requests run in go-fuse's goroutines. FileSystem.background counts
// all others: the pendingQueue's and that of the departures, one for each parked file,
// one that looks after all waits while there are any, and notifications. Wait waits
// for them.
package fs
