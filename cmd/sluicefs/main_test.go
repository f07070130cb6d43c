package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestMain keeps a test from mounting by accident. What would be a daemon is this
// program again, which would run the tests again, and so on.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, "a test has begun to mount, and a test program is no daemon:", os.Args)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
