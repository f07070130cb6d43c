package fs

import (
	"fmt"
	"testing"
)

func TestInodeNumbers(t *testing.T) {
	seen := map[uint64]string{}
	for i := range 200_000 {
		key := fmt.Sprintf("dir/%d", i)
		ino := inodeNumber(keyHash(keyHashSeed, key), 0)
		if ino <= rootNumber || ino == ^uint64(0) {
			t.Fatalf("%q has the reserved number %d", key, ino)
		}
		if other, taken := seen[ino]; taken {
			t.Fatalf("%q and %q have one number", key, other)
		}
		seen[ino] = key
	}
}

func TestKeyHashContinues(t *testing.T) {
	whole := keyHash(keyHashSeed, "a/b/c")
	if got := keyHash(keyHash(keyHashSeed, "a/b/"), "c"); got != whole {
		t.Errorf("hash in two steps is %x, in one %x", got, whole)
	}
}

func TestTakenNumbersAreNotSharedAndComeBack(t *testing.T) {
	nodes := tree{numbers: map[uint64]struct{}{}}
	first := nodes.takeNumberLocked("k")
	second := nodes.takeNumberLocked("k")
	if first == second {
		t.Fatalf("two live nodes have the number %d", first)
	}
	delete(nodes.numbers, first)
	if again := nodes.takeNumberLocked("k"); again != first {
		t.Errorf("the key has number %d once the first is free, want %d again", again, first)
	}
}
