// Command sluicefs mounts an S3-compatible bucket as a directory.
//
// This package wires the others together and is the only one that ends the
// process. It holds no rule of the file system.
//
// # Layout
//
// A command is a struct of options, a function that adds its flags, and a run
// method (mount.go, umount.go, version.go). The way of a mount:
//
//	main → run → mount command ─┬─ check this machine (host.go, mountpoint.go)
//	                            ├─ --foreground: serve
//	                            └─ otherwise: daemon.go starts this program again,
//	                               which serves, and waits for its word
//	serve: store (store.go) → record (record.go) → uploader, cache, fs
//	       (filesystem.go) → "mounted" → signals (stop.go) → drain → verdict
//
// # Where an option comes from
//
// Flag, then -o, then environment, then config file, then the default: see
// sources.go. All of them have the names of the flags.
//
// # How a mount and its umount find each other
//
// By a folder per mountpoint in the state directory: see record.go. The logs of
// daemons are there, too: defaultlog.go.
package main
