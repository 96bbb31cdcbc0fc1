#!/bin/sh
# SPDX-License-Identifier: MIT
# Granary's main job on real input: installs what is missing, builds, makes a store, mounts it,
# backs up two generations of a large Debian package (as a tar and unpacked), reads every byte
# back, and shows what it cost. Works as root or as an ordinary user.
#
# usage: quickstart.sh [FOLDER]
#   FOLDER   where the store and the downloaded packages are kept (default: build/quickstart)
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=examples/setup.sh
. "$source/examples/setup.sh"
folder=${1:-$source/build/quickstart}
bin=$source/build/plain

# shellcheck disable=SC2086
setup_install $SETUP_BUILD_PACKAGES
setup_build "$source" "$bin"
PATH=$bin/fs/tool:$bin/fs:$bin/svc/cli:$bin:$PATH

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
store=$folder/store
mount=$folder/mount

finish() {
	status=$?
	if mountpoint -q "$mount" 2> /dev/null; then
		unmount || true
	fi
	exit $status
}

unmount() {
	if [ "$(id -u)" = 0 ]; then umount "$mount"; else fusermount3 -u "$mount"; fi
	# The store is free again when its daemon has let go of the lock.
	flock -w 60 "$store/lock" true
}

# drop_caches: what is read next comes from the disk (as root; others read what the kernel kept).
drop_caches() {
	sync
	[ "$(id -u)" != 0 ] || echo 3 > /proc/sys/vm/drop_caches
}

now() {
	date +%s.%N
}

# timed VARIABLE COMMAND...: how many seconds it took.
timed() {
	variable=$1
	shift
	begin=$(now)
	"$@"
	eval "$variable=$(echo "$(now) $begin" | awk '{printf "%.2f", $1 - $2}')"
}

input() {
	setup_say "input: two versions of Debian's kernel image"
	"$source/tests/bench/corpus.sh" "$folder/input" 2 > "$folder/tars"
	old=$(sed -n 1p "$folder/tars") new=$(sed -n 2p "$folder/tars")
	for tar in "$old" "$new"; do
		tree=${tar%.tar}
		if [ ! -f "$tree.done" ]; then
			rm -rf "$tree" && mkdir "$tree"
			tar -xf "$tar" -C "$tree" --no-same-owner
			touch "$tree.done"
		fi
	done
}

stored() {
	du -s --block-size=1 "$store/segments" | cut -f1
}

bytes_of() {
	find "$@" -type f -printf '%s\n' | awk '{s += $1} END {printf "%d", s}'
}

# backup NAME SOURCE...: copies it in, durable when it returns, and prints a row of the table.
seconds=0
backup_rows=
backup() {
	name=$1
	shift
	before=$(stored)
	setup_say "backing up $name"
	mkdir -p "$mount/$name"
	timed seconds sh -c 'cp -a "$@" && granary fs sync '"'$mount'" sh "$@" "$mount/$name/"
	size=$(bytes_of "$@")
	backup_rows="$backup_rows$name $size $(($(stored) - before)) $seconds
"
}

# verify NAME SOURCE: every byte and every attribute against the source.
restore_rows=
verify() {
	setup_say "reading back $1 and comparing every byte"
	timed seconds diff -r --no-dereference "$2" "$mount/$1/$(basename "$2")"
	restore_rows="$restore_rows$1 $(bytes_of "$2") $seconds
"
}

table() {
	printf '\n%-16s %12s %12s %8s %12s\n' 'backed up' 'MB in' 'MB stored' 'ratio' 'ingest MB/s'
	printf '%s' "$backup_rows" | awk '
		function row(name, bytes, kept, seconds) {
			if (kept < 1) kept = 1
			if (seconds < 0.01) seconds = 0.01
			printf "%-16s %12.1f %12.1f %7.1f:1 %12.0f\n", name, bytes / 1e6, kept / 1e6,
				bytes / kept, bytes / 1e6 / seconds
		}
		{ row($1, $2, $3, $4); b += $2; k += $3; s += $4 }
		END { row("all", b, k, s) }'
	printf '\n%-16s %12s %21s %12s\n' 'restored' 'MB out' '' 'MB/s'
	printf '%s' "$restore_rows" | awk '{
		if ($3 < 0.01) $3 = 0.01
		printf "%-16s %12.1f %21s %12.0f\n", $1, $2 / 1e6, "every byte equal", $2 / 1e6 / $3
	}'
	echo
}

input
trap finish EXIT
trap 'exit 130' INT TERM
if mountpoint -q "$mount" 2> /dev/null; then unmount; fi
rm -rf "$store" "$mount"
mkdir -p "$mount"

setup_say "making a store in $store and mounting it on $mount"
mkfs.granary "$store"
mount.granary "$store" "$mount"

backup monday-tar "$old"
backup tuesday-tar "$new"
backup monday-files "${old%.tar}"
backup tuesday-files "${new%.tar}"
backup copy-of-tuesday "$new"

setup_say "unmounting, mounting again, dropping caches"
unmount
mount.granary "$store" "$mount"
drop_caches

verify monday-tar "$old"
verify tuesday-tar "$new"
verify tuesday-files "${new%.tar}"
table
granary fs df "$mount"
setup_say "checking the store"
unmount
fsck.granary "$store"
trap - EXIT
setup_say "done. The store stays in $store; mount it again with: mount.granary $store $mount"
