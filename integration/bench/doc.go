// Command bench measures what a mount costs: `make bench` runs it. It writes through
// a real mount into a store that takes everything and keeps nothing, and does the
// same, in turn, through a FUSE file system that forgets what it is given, which is
// the most that kernel and go-fuse allow, and through s3fs and rclone where they are
// installed. It prints medians; docs/BENCHMARKS.md says what they mean.
//
//	bench [-sluicefs PROGRAM] [-fs LIST] [-work LIST] [-size MIB] [-runs N] [-before PROGRAM] [-latency D] [-memory SIZE]
//
// # How it measures
//
//   - Each run of each work has a store, a mount and a process of its own: nothing
//     is warm, and the peak of memory is that of the run.
//   - The runs of the file systems take turns in a random order: what else the machine
//     does, and what memory the one before has left, hits all of them.
//   - Time is from the first call to the end of the last close. A file system that
//     uploads after close is also charged for that: time goes on until the store
//     has what was written.
//   - CPU and memory are those of the process that serves the mount.
package main
