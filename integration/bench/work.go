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
	reads int                    // the files that the store has beforehand
	files int                    // where they count, and not the bytes
}

const (
	largeWrite = 1 << 20
	smallWrite = 4 << 10
	smallFile  = 4 << 10
	stored     = "stored" // how the names of the files to read begin
)

var works = map[string]work{
	"seqwrite": {do: sequential(largeWrite), bytes: all},
	"write4k":  {do: quarter(sequential(smallWrite)), bytes: func(n int64) int64 { return n / 4 }},
	"write8":   {do: parallel, bytes: all},
	"small":    {do: small(500, 1), bytes: func(int64) int64 { return 500 * smallFile }, files: 500},
	"small8":   {do: small(800, 8), bytes: func(int64) int64 { return 800 * smallFile }, files: 800},
	"seqread":  reading(1, 1),
	"read16":   reading(16, 4),
}

func all(n int64) int64 { return n }

func workNames() []string { return slices.Sorted(maps.Keys(works)) }

// suits tells whether a work makes sense on a file system: the one that forgets
// has nothing to read, and is no measure for the requests of small files.
func (w work) suits(system string) bool { return system != null || w.reads == 0 && w.files == 0 }

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

// storedName is the name of a file that the store has beforehand.
func storedName(i int) string { return fmt.Sprint(stored, i) }

// storedSize is how large it is, in bytes.
func (w work) storedSize(size int64) int64 { return w.bytes(size) / int64(w.reads) }

// reading reads so many stored files from front to back, all at once. Each is as large as
// asked for, or a part of that.
func reading(files int, part int64) work {
	return work{
		reads: files,
		bytes: func(size int64) int64 { return int64(files) * (size / part) },
		do: func(dir string, size int64) error {
			var g errgroup.Group
			for i := range files {
				g.Go(func() error { return read(filepath.Join(dir, storedName(i)), size/part) })
			}
			return g.Wait()
		},
	}
}

func read(path string, size int64) error {
	f, err := os.Open(path)
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
