package main

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"
)

// work is something that is done in a mounted directory.
type work struct {
	do    func(dir string, size int64) error
	bytes func(size int64) int64 // that go through the mount
	reads bool                   // the store has the file beforehand
	files int                    // where they count, and not the bytes
}

const (
	largeWrite = 1 << 20
	smallWrite = 4 << 10
	smallFile  = 4 << 10
	stored     = "stored" // the name of the file to read
)

var works = map[string]work{
	"seqwrite": {do: sequential(largeWrite), bytes: all},
	"write4k":  {do: quarter(sequential(smallWrite)), bytes: func(n int64) int64 { return n / 4 }},
	"write8":   {do: parallel, bytes: all},
	"small":    {do: small(500, 1), bytes: func(int64) int64 { return 500 * smallFile }, files: 500},
	"small8":   {do: small(800, 8), bytes: func(int64) int64 { return 800 * smallFile }, files: 800},
	"seqread":  {do: read, bytes: all, reads: true},
}

func all(n int64) int64 { return n }

func workNames() []string { return slices.Sorted(maps.Keys(works)) }

// suits tells whether a work makes sense on a file system: the one that forgets
// has nothing to read, and is no measure for the requests of small files.
func (w work) suits(system string) bool { return system != null || !w.reads && w.files == 0 }

// noise is what is written: nothing that anybody could compress.
var noise = func() []byte {
	p := make([]byte, largeWrite)
	r := rand.NewChaCha8([32]byte{})
	_, _ = r.Read(p) // cannot fail
	return p
}()

// write makes one file, piece by piece.
func write(path string, size int64, piece int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for ; size > 0; size -= int64(piece) {
		if _, err := f.Write(noise[:piece]); err != nil {
			f.Close()
			return err
		}
	}
	return f.Close()
}

func sequential(piece int) func(string, int64) error {
	return func(dir string, size int64) error { return write(filepath.Join(dir, "large"), size, piece) }
}

func quarter(do func(string, int64) error) func(string, int64) error {
	return func(dir string, size int64) error { return do(dir, size/4) }
}

// parallel writes eight files at once.
func parallel(dir string, size int64) error {
	var g errgroup.Group
	for i := range 8 {
		g.Go(func() error { return write(filepath.Join(dir, fmt.Sprint("large", i)), size/8, largeWrite) })
	}
	return g.Wait()
}

// small makes files in a new directory, several at once.
func small(files, writers int) func(string, int64) error {
	return func(dir string, _ int64) error {
		dir = filepath.Join(dir, "small")
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		var g errgroup.Group
		for k := range writers {
			g.Go(func() error {
				for i := k; i < files; i += writers {
					if err := write(filepath.Join(dir, fmt.Sprintf("%04d", i)), smallFile, smallFile); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return g.Wait()
	}
}

// read reads the stored file from front to back.
func read(dir string, size int64) error {
	f, err := os.Open(filepath.Join(dir, stored))
	if err != nil {
		return err
	}
	defer f.Close()
	p := make([]byte, largeWrite)
	var got int64
	for {
		n, err := f.Read(p)
		got += int64(n)
		switch {
		case err == io.EOF && got == size:
			return nil
		case err == io.EOF:
			return fmt.Errorf("read %d bytes of %d", got, size)
		case err != nil:
			return err
		}
	}
}
