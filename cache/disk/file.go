package disk

import "os"

// File is an object as a file of the local disk.
type File struct {
	*os.File
	stamp stamp
}

// Sound reports that nobody has written to the file since it was found to be right.
func (f *File) Sound() bool {
	now, err := stampOf(f.File)
	return err == nil && now == f.stamp
}
