//go:build integration

package integration

import (
	"testing"

	"github.com/sluicefs/sluicefs/integration/mounttest"
)

// TestNothingStays kills tests of each kind in the middle: those that mount by
// themselves, those that have the program do it and stay, and those that have it
// do it by a daemon, each with a server or without.
func TestNothingStays(t *testing.T) {
	t.Parallel()
	for _, tests := range []string{
		"^TestSemantics$/^memory$/^W", "^TestTwoMountsMakeAFile$", "^TestAskedToEnd$", "^TestCLIBusyUmount$",
	} {
		t.Run(tests, func(t *testing.T) {
			t.Parallel()
			mounttest.Killed(t, tests)
		})
	}
}
