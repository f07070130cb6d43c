#!/bin/sh
# deps.sh: make sure that what the tests need from the distribution is there.
#
# The tests copy files with the programs people use, so those programs must be
# on the machine. Present ones are left alone; missing ones are installed when
# this runs as root on Debian or a relative, and named in one line otherwise.
set -eu

# A program, and the Debian package that brings it.
needed='
fusermount3 fuse3
rsync rsync
tar tar
zip zip
unzip unzip
sqlite3 sqlite3
git git
setfattr attr
flock util-linux
ps procps
python3 python3
curl curl
perl perl-base
ed ed
ex vim-tiny
patch patch
gcc gcc
'

missing_packages() {
	echo "$needed" | while read -r program package; do
		[ -z "$program" ] || command -v "$program" >/dev/null || printf '%s ' "$package"
	done
}

packages=$(missing_packages)
if [ -n "$packages" ]; then
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "deps: the tests need these packages, please install them: $packages" >&2
		exit 1
	fi
	echo "deps: installing $packages" >&2
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# libc6-dev is what gcc needs to link the race detector.
	case " $packages" in *' gcc '*) packages="$packages libc6-dev" ;; esac
	# shellcheck disable=SC2086 # one word a package
	apt-get install -qq -y --no-install-recommends $packages >/dev/null
	packages=$(missing_packages)
	if [ -n "$packages" ]; then
		echo "deps: apt-get reported success, yet these are still missing: $packages" >&2
		exit 1
	fi
fi

if [ ! -c /dev/fuse ]; then
	echo "deps: there is no /dev/fuse: load the fuse module, or give the container --device /dev/fuse --cap-add SYS_ADMIN" >&2
	exit 1
fi
if [ ! -r /dev/fuse ] || [ ! -w /dev/fuse ]; then
	echo "deps: no permission on /dev/fuse: run as root, or let your user read and write it" >&2
	exit 1
fi
