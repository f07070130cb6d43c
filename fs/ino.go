package fs

// A key's inode number is made of a hash of the key, so that it is the same
// whenever the kernel asks for the key again, without a table of all keys ever
// seen. Two keys of one hash are told apart while both are in use: see
// tree.takeNumber.

const rootNumber = 1

// keyHash is FNV-1a of a key. It can be continued, so that the entries of a
// directory share the work on its name.
func keyHash(seed uint64, s string) uint64 {
	for i := range len(s) {
		seed = (seed ^ uint64(s[i])) * 1099511628211
	}
	return seed
}

const keyHashSeed = 14695981039346656037

// inodeNumber is the number of a key of that hash. Attempts above 0 are for
// numbers that are taken. 0 and ^0 mean something else to the kernel and to
// go-fuse, and 1 is the root.
func inodeNumber(hash uint64, attempt int) uint64 {
	// FNV alone leaves the high bits of short keys alike: mix, as murmur3 ends.
	h := hash + uint64(attempt)*0x9e3779b97f4a7c15
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	if h <= rootNumber || h == ^uint64(0) {
		return inodeNumber(hash, attempt+1)
	}
	return h
}
