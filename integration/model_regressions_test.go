//go:build integration

package integration

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// kept are sequences that failed once, by what was wrong then.
var kept = map[string]string{
	"a new file renamed over an object and away left the object": `
		put name=b n=2 salt=113130
		mkdir name=d
		open h=3 name=d/a flags=wronly|creat
		rename name=d/a to=b
		rename name=b to=d/a`,
	"a new file renamed over an object and deleted left the object": `
		put name=b n=2 salt=113130
		open h=3 name=a flags=wronly|creat
		write h=3 n=5 salt=4
		rename name=a to=b
		unlink name=b
		write h=3 n=5 salt=9`,
	"truncate came before the release of the last writer": `
		open h=2 name=c flags=rdwr|excl|creat
		pwrite h=2 n=15904 salt=1035537
		pwrite h=2 off=120000 n=96014 salt=694262
		close h=2
		truncate name=c n=343964`,
	"what was never stored was gone with its last writer": `
		open name=b flags=rdwr|append|trunc|excl|creat
		open h=1 name=b flags=rdonly
		unlink name=b
		fallocate flags=zero off=67404 n=19
		close
		pread h=1 off=23220 n=9950`,
	"files were still found below the old name of a directory": `
		mkdir name=d
		open h=3 name=d/a flags=rdwr|creat
		close h=3
		rename name=d to=e
		open name=d/a flags=rdwr`,
	"a large object that an open file covers was left behind by the rename of its directory": `
		mkdir name=d
		open h=5 name=d/a flags=wronly|creat
		write h=5 n=128830 salt=470074
		close h=5
		open h=5 name=b flags=rdwr|creat
		rename name=b to=d/a
		rename name=d to=e
		close h=5`,
	"an object that was put back had another ETag than the rename asked for": `
		open h=1 name=a flags=rdonly|creat
		open h=5 name=a flags=rdwr
		write h=5 n=159392 salt=977547
		close h=5
		close h=1
		open h=1 name=a flags=rdwr
		ftruncate h=1
		pwrite h=1 off=248 n=196397 salt=435643
		write h=1 n=16 salt=456143
		pwrite h=1 off=157976 n=7 salt=389435
		ftruncate h=1 n=196645
		write h=1 n=2 salt=50824
		read h=1 n=3453
		write h=1 n=235 salt=361575
		ftruncate h=1 n=168000
		rename name=a to=b`,
}

// keptFaults are the same with a store that fails and then heals.
var keptFaults = map[string]string{
	"mkdir found its own marker and took it for another's": `
		fault name=Put flags=lose-answer n=1
		mkdir name=d`,
	"a rename of many parts failed of which nobody heard that it had succeeded": `
		mkdir name=d
		open h=4 name=d/a flags=wronly|creat
		ftruncate h=4 n=101950
		fsync h=4
		fault name=Complete flags=lose-answer n=2
		rename name=d/a to=b`,
}

// keptDoubts are the same with a store that fails for good.
var keptDoubts = map[string]string{
	"a failed file kept its name as long as its read-only maker had it open": `
		fault name=Put flags=corrupt
		open h=1 name=b flags=rdonly|creat
		open h=5 name=b flags=wronly
		pwrite h=5 n=8 salt=761326
		close h=5`,
	"a name that did not get back what it had was taken for an undetected loss": `
		open h=2 name=b flags=rdwr|creat
		fault name=Head flags=fail off=1
		seek h=2 off=37325
		write h=2 n=34315 salt=463856
		write h=2 n=5847 salt=664734
		ftruncate h=2 n=51917
		fallocate h=2 off=20480 n=106894`,
	"half of a file that could not follow its directory got the new name": `
		mkdir name=d
		open h=5 name=d/a flags=rdwr|creat
		pwrite h=5 n=54542 salt=979171
		fault name=Head flags=denied off=1
		rename name=d to=e`,
	"a failed file kept its name where somebody who only reads had synced it": `
		open h=2 name=b flags=rdonly|creat
		open name=b flags=rdonly
		fault name=Put flags=denied n=2
		fsync`,
	"the model did not know that a seek may need the store": `
		put name=b n=16397 salt=21668
		fault name=Head flags=fail
		open name=b flags=wronly|creat
		pwrite off=13192 n=28 salt=174720
		push
		seekdata off=167999
		seekdata off=100
		write n=5 salt=3`,
	"the model did not follow paths of three names": `
		mkdir name=d
		open h=2 name=d/a flags=rdwr|creat
		mkdir name=e
		rename name=d to=e/a`,
}

// regressions are the sequences that are always played.
func regressions(t testing.TB, kept map[string]string) (out []*trial) {
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		seq, err := parseSequence(kept[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, &trial{name: strings.ReplaceAll(name, " ", "-"), seq: seq})
	}
	return out
}
