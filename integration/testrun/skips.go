package main

import "strings"

// module is what the names of all packages begin with.
const module = "github.com/sluicefs/sluicefs/"

// skips says of each test that may be skipped, by package and name, why: with the
// sentence of docs/SEMANTICS.md that makes it so, if it is not the machine. Tests that
// do not apply are not run at all (see unlike in integration/posix_test.go), and what a
// machine lacks, `make deps` installs.
var skips = map[string]string{
	"integration TestKilledWriterOutOfMemory/group": "not every machine lets its user make a control group; the test has the same end by process_mrelease (C10)",

	"integration TestCLIUmountLeavesOthersAlone":         rootOnly,
	"integration TestCLITerminateBelowAnotherMount":      rootOnly,
	"integration TestCLIUmountWithAFullStateDirectory":   rootOnly,
	"integration TestCLIUmountNamesTheMountBelow":        rootOnly,
	"integration TestTheKernelReadsTheDiskCacheByItself": "the kernel lets only root have it read files by itself",
}

const rootOnly = "the kernel lets only root mount a tmpfs"

// maySkip looks a test up. An entry stands for the subtests as well.
func maySkip(pkg, test string) bool {
	name := strings.TrimPrefix(pkg, module)
	for parts := strings.Split(test, "/"); len(parts) > 0; parts = parts[:len(parts)-1] {
		if skips[name+" "+strings.Join(parts, "/")] != "" {
			return true
		}
	}
	return false
}
