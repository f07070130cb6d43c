#!/bin/sh
# build.sh NAME...: build the pinned tool programs into .bin/ at the root of the
# checkout, each once: a program newer than the module that pins it is kept.
#
# NAME is a folder here: versitygw and minio (the S3 servers that the
# integration tests talk to), seaweedfs (one more, for make live; the program is
# called weed) or lint (the program is called staticcheck).
# Each is a module of its own, so that none of their dependencies reaches the
# go.sum of the product.
set -eu

cd "$(dirname "$0")"
bin=$(dirname "$PWD")/.bin
mkdir -p "$bin"

build() {
	case $1 in
	versitygw) pkg=github.com/versity/versitygw/cmd/versitygw out=versitygw ;;
	minio) pkg=github.com/minio/minio out=minio ;;
	seaweedfs) pkg=github.com/seaweedfs/seaweedfs/weed out=weed ;;
	lint) pkg=honnef.co/go/tools/cmd/staticcheck out=staticcheck ;;
	*)
		echo "tools/build.sh: unknown tool '$1' (versitygw, minio, seaweedfs, lint)" >&2
		return 2
		;;
	esac

	# Test packages run in parallel and may all ask for the same server; whoever
	# comes second waits here and then finds it made.
	exec 9>"$bin/$out.lock"
	flock 9

	if [ "$bin/$out" -nt "$1/go.mod" ] && [ "$bin/$out" -nt "$1/go.sum" ]; then
		return 0
	fi
	echo "building $out (it may take minutes, once)" >&2
	# Without cgo the programs need no C library of the right version; -s -w
	# spares the linker half its work. The rename makes the program appear
	# whole, whatever happens to the build. The lock is not passed on: a process
	# that go leaves behind must not hold it.
	(cd "$1" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags='-s -w' -o "$bin/$out.new" "$pkg") 9>&-
	mv "$bin/$out.new" "$bin/$out"
}

for name in "$@"; do
	build "$name"
done
