// Demo shows what sluicefs does, on this machine and with nothing but this
// checkout: `make demo` builds and runs it.
//
// It starts a store (versitygw, see package s3server), mounts a bucket of it
// with the program sluicefs, and writes into the mount as people do: a part of
// the Go sources with `cp -r`, another with `rsync -a`, and 1 GiB through a pipe
// whose length nobody knows beforehand, while it asks the store over the S3 API
// which parts have arrived. Then it reads everything back twice, from the store
// and through a second mount that has nothing in its caches, and compares.
//
// # What holds
//
//   - The process itself never touches the mount: programs that can be killed
//     do. A mount that hangs can therefore not keep the demo from cleaning up.
//   - The programs are in process groups of their own, so that the ^C of a
//     terminal reaches the demo alone. It ends the programs, unmounts while the
//     store still answers, stops the store, and removes its folders; in this
//     order, also after a failure.
//   - The folder of the mountpoint is removed only when nothing is mounted there.
//   - The exit status is 0 only if everything arrived and nothing was left
//     behind, 130 after a signal, and 1 otherwise.
package main
