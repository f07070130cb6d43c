package main

import (
	"context"
	"os"
)

// version is set by the linker.
var version = ""

func main() {
	os.Exit(run(context.Background(), os.Args, os.Stdout, os.Stderr))
}
