package s3server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// modulePath is the first line of the go.mod that marks the root of the
// checkout; the modules below tools/ have longer ones.
const modulePath = "module github.com/sluicefs/sluicefs\n"

// program returns the path of kind's program, building it first if need be.
func program(ctx context.Context, kind Kind) (string, error) {
	root, err := checkout()
	if err != nil {
		return "", fmt.Errorf("find the program %s: %w", kind, err)
	}
	build := exec.CommandContext(ctx, filepath.Join(root, "tools", "build.sh"), string(kind))
	build.WaitDelay = time.Second // a compiler that outlives the script holds its output open
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", kind, err, bytes.TrimSpace(out))
	}
	return filepath.Join(root, ".bin", string(kind)), nil
}

// checkout returns the root of this repository, walking up from the working
// directory. (A test's is its package's folder.)
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte(modulePath)) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod of sluicefs in the working directory or above it")
		}
		dir = parent
	}
}
