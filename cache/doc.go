// Package cache knows what is in the bucket: names, attributes and the bytes of
// files. It asks the store as seldom as it can, says how old its answers may
// be, and never contradicts what this mount did itself.
//
// # Vocabulary
//
//   - A directory is named by its prefix, "" or "a/b/". A label is what a LIST
//     shows of an entry: "name" of a file, "name/" of a directory, "" of the
//     directory's own marker. Labels are judged one by one; a name is a
//     directory if there is a label "name/", else a file if there is a label
//     "name". A file that a directory hides is logged, once.
//   - An answer is what one request told: a page of a LIST, a HEAD, or a probe
//     (a LIST of one key, whether anything is in a directory). Answers are never
//     changed once they are made.
//   - A change is what this mount did to a label: stored, removed, or doubted,
//     which says that what was known counts no more.
//   - A stamp is a tick of the tree's clock, which ticks with each request that
//     is sent and with each change.
//   - A version is a key with an ETag: bytes that never change. A block is a
//     piece of one, a run is a ranged GET that fills blocks, a stream is the
//     blocks that a reader holds at one of the places at which it reads.
//
// # How names are known
//
//	Lookup, Stat, ReadDir ──► fact of a label: the newest evidence that counts
//	                             ├── log of changes        Publish, Remove, …
//	                             ├── shelf of answers      a small front, ristretto behind
//	                             └── what was just asked   one request for all who want it
//
// Lookup in a directory of which nothing is known lists its first page. If that
// is all, it answers for every name, there or not. A directory with more pages
// counts as large for a minute: names that the page does not cover are asked for
// one by one, by a HEAD and a probe at the same time, and every ninth of a burst
// by a page that begins at the name. ReadDir keeps all pages together up to
// Config.Entries; beyond that it streams and forgets, and the first page stays.
//
// A directory without a marker exists by what is in it. Removing an entry
// doubts the directories above; whether they still exist follows from what is
// known of their entries, and is asked for only if that is not enough.
//
// # Why changes of this mount are never hidden
//
// Let c be a change that the caller reports after the store confirmed it, and
// let a be an answer to a request that was sent before the report, whatever the
// store did first. Then a has a smaller stamp than c, and facts are judged so:
//
//  1. An answer with a smaller stamp than the last change of its label does not
//     count for that label. So a cannot hide or resurrect what c did, whether
//     it came before c, comes after it, or was cached.
//  2. An answer with a larger stamp was sent after the store had confirmed c, and
//     stores are consistent: it contains c, and counts. So does it contain
//     every earlier change of the label: the log needs only the last.
//  3. The log forgets a change only when it is older than every time to live and
//     no request that was sent before it is under way: then no answer that could
//     miss it is in use. If it must forget earlier, for want of memory, the floor
//     rises to the change's stamp, and answers below the floor do not count for
//     any label. A caller who waits for an answer pins the log meanwhile.
//
// ristretto may drop an answer, or bring back an older one that was replaced.
// Both only cost requests: what an answer is worth is judged by its own stamp
// and time, not by where it was found.
//
// PublishDir and RemoveDir say that a directory is empty. What this mount stored
// in it and has not removed is put behind that answer, so that it stays.
//
// What this mount is going to delete (Leave) is not judged at all: it is absent
// until Left or Stay, because every answer of the store still shows it.
//
// # How old an answer may be
//
// T(r) is the time that the answered request r took, from the moment at which it
// was sent. What others changed is seen after at most
//
//	attributes of a file, by Stat     max(AttrTTL, T(HEAD))
//	a name and what listings tell
//	  of it, by Lookup                max(AttrTTL, DirTTL, NegativeTTL, T(LIST or HEAD))
//	entries of ReadDir                max(DirTTL, 1 s) + T(LIST), from the LIST of
//	                                  their page to the Next that gives them
//	a directory that this mount made  NegativeTTL + DirTTL, for what others put into
//	  a moment ago                    it before it was made
//
// and with the defaults of 1 s, at a store that answers within that, after 1 s
// by Lookup and Stat and 2 s by ReadDir. Negative times to live leave T alone.
//
// Metadata that a HEAD told is used beyond AttrTTL while listings younger than
// DirTTL show an object that must be the same. The ETag alone does not prove
// that: a copy of an object onto itself keeps it and may replace the metadata.
// It sets Last-Modified, though, which has a resolution of one second. So both
// must agree, and the object must have been at least 2 s old when the HEAD was
// sent, by the clock of the store, which its answer tells: one second for the
// resolution, one for stores that round up and for machines of a store that
// differ. Where it does not tell, the object must have been 5 s old by our clock; if
// the store's is then behind by more than the 4 s that this leaves, a change within that time
// of the HEAD may be overlooked.
//
// # How files are read
//
// Readers of one version share its blocks. A block is found in a stream of the
// reader, among those on their way, or in ristretto; there, too, it may get
// lost or come late, which is why a stream holds what it has asked for until it
// was read. Sequential reads, forward or backward and at up to four places of a
// file at once, have a window that is eight times what was read in a row, up to
// the stream's share of the memory or of what the line needs: on slow connections one stream
// has up to 24 GETs of up to 4 MiB side by side, on fast ones 3. Of a store that answers
// at once they share the processors with it and slow each other down, so that more
// are only used while they bring more; see climb. Reads at equal distances are asked
// for ahead one by one, all others are passed to the store as they are and
// leave nothing behind, so that a random read costs what it asks for.
//
// With Config.DiskDir, whole blocks that came from the store are offered to package
// disk, which keeps them beyond the mount. They are looked for there before the
// store is asked, for random reads too. An object of which all are there and were found
// to be right is read as one file, past the blocks and the memory for them; and until that
// is known, reads of whole blocks are held against their checksums in the buffer of
// the caller, unless there is a checksum of the whole object to compare with. What a
// customer's key encrypts is not offered: the disk would have it in the clear.
//
// Every GET carries If-Match and the ETag of the answer is compared, so a reader
// gets bytes of its version or objstore.ErrPrecondition. What fails while
// reading ahead is not told to anybody: who needs those bytes asks again, once,
// and gets the error of that.
//
// # Memory
//
// Config.Memory is the sum of
//
//	NameMemory     shelf: ½ ristretto, ¼ front; ¼ log of changes
//	the rest       one pool of blocks, of which at most ⅓ are in ristretto
//
// An entry of a listing takes 24 bytes, its name and 17 bytes of ETag: 61 bytes
// with a name of 20 bytes, 61 MB for 1,000,000 entries. What HEADs told takes
// about 0.4 KB each. Beside that a DirReader holds up to three pages. No block is
// ever outside of the pool and of what is borrowed; nobody waits for memory: a reader that gets none
// reads from the store into the caller's buffer. A stream may hold
// (⅔·(Memory−NameMemory) + Lender.Spare) ÷ streams, of which with a disk a quarter of
// the former is for blocks that wait to be written to it, and readers that have been idle
// for 2 s give way. What the Lender has is borrowed by streams when the pool has no more;
// it goes back when it was read, or when it is called in: what is furthest ahead
// of a reader goes first. Buffers of up to 64 KiB come from Go's heap and count twice.
//
// # Goroutines and locks
//
// Every goroutine but those of package disk, which have an owner of their own, is
// counted in lifetime, and Close waits for all. There is one
// for each request about names, for each run, and for each page that is read ahead, of
// which the first two are kept for the next one; callers of Lookup, Stat and ReadDir who wait are at most
// Config.Waiters. Locks are taken in this order, and none is held while a
// request runs:
//
//	Reader.mu → blocks.mu, version.mu → pool.mu, block.mu, lifetime.mu, the Lender's
//	Reader.mu → climb.mu
//	Reader.mu → those of package disk
//	tree.mu   → ristretto's own
//
// A Reader.mu is taken under another one only by TryLock.
//
// # What it does not do
//
// It caches nothing that is not in the store, never writes, and knows neither
// inodes nor errno values: package fs reports changes by Publish and its kin.
package cache
