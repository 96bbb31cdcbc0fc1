#!/bin/sh
# SPDX-License-Identifier: MIT
# Granary's main job on real input: installs what is missing, builds, makes a store, mounts it,
# backs up two generations of a large Debian package (as a tar and unpacked), and writes a third,
# twice, to the tapes of a library over iSCSI, whose cartridges are on the same mount. Reads every
# byte back, and shows what it cost. Works as root or as an ordinary user.
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
PATH=$bin/fs/tool:$bin/fs:$bin/svc/cli:$bin/target:$bin/target/tool:$PATH

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
store=$folder/store
mount=$folder/mount
library=$folder/library

finish() {
	status=$?
	stop_library || true
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

# start_library, stop_library: granary-targetd on a free port of this machine, with its tapes on the mount.
start_library() {
	granary-targetd --root "$library" --tapes "$mount/tapes" --portal 127.0.0.1:0 \
		--log-file "$folder/library.log" --background
}

stop_library() {
	[ ! -S "$library/run/targetd.sock" ] || granary daemon stop targetd --root "$library" 2> /dev/null
}

# tape_url LUN: the drive, as an initiator finds it.
tape_url() {
	granary vtl show quickstart --root "$library" |
		awk -v lun="$1" '$1 == "iqn" { iqn = $2 } $1 == "portals" { portal = $2 }
			END { printf "iscsi://%s/%s/%s", portal, iqn, lun }'
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
	setup_say "input: three versions of Debian's kernel image"
	"$source/tests/bench/corpus.sh" "$folder/input" 3 > "$folder/tars"
	old=$(sed -n 1p "$folder/tars") new=$(sed -n 2p "$folder/tars") newest=$(sed -n 3p "$folder/tars")
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

tape_send() {
	granary tape write --block-size 256K "$1" < "$2"
}

tape_compare() {
	granary tape read --file 0 "$1" | cmp - "$2"
}

# tape_write LUN NAME FILE: a tar to the tape in a drive, over iSCSI; the filemark behind it makes it
# durable.
tape_rows=
tape_write() {
	url=$(tape_url "$1")
	setup_say "writing $3 to $url"
	before=$(stored)
	timed seconds tape_send "$url" "$3"
	granary fs sync "$mount"
	tape_rows="$tape_rows$2 $(bytes_of "$3") $(($(stored) - before)) $seconds
"
}

# tape_verify LUN NAME FILE: the other way, every byte against the source.
tape_verify() {
	url=$(tape_url "$1")
	setup_say "reading back $url and comparing every byte"
	timed seconds tape_compare "$url" "$3"
	restore_rows="$restore_rows$2 $(bytes_of "$3") $seconds
"
}

# table TITLE ROWS [SUM]: with a row for all of them.
table() {
	printf '\n%-16s %12s %12s %10s %12s\n' "$1" 'MB in' 'MB stored' 'ratio' 'ingest MB/s'
	printf '%s' "$2" | awk -v sum="${3:-}" '
		function row(name, bytes, kept, seconds) {
			if (kept < 1) kept = 1
			if (seconds < 0.01) seconds = 0.01
			printf "%-16s %12.1f %12.1f %8.1f:1 %12.0f\n", name, bytes / 1e6, kept / 1e6,
				bytes / kept, bytes / 1e6 / seconds
		}
		{ row($1, $2, $3, $4); b += $2; k += $3; s += $4 }
		END { if (sum) row(sum, b, k, s) }'
}

restore_table() {
	printf '\n%-16s %12s %23s %12s\n' 'restored' 'MB out' '' 'MB/s'
	printf '%s' "$restore_rows" | awk '{
		if ($3 < 0.01) $3 = 0.01
		printf "%-16s %12.1f %23s %12.0f\n", $1, $2 / 1e6, "every byte equal", $2 / 1e6 / $3
	}'
	echo
}

input
trap finish EXIT
trap 'exit 130' INT TERM
stop_library
if mountpoint -q "$mount" 2> /dev/null; then unmount; fi
rm -rf "$store" "$mount" "$library"
mkdir -p "$mount"

setup_say "making a store in $store and mounting it on $mount"
mkfs.granary "$store"
mount.granary "$store" "$mount"

backup monday-tar "$old"
backup tuesday-tar "$new"
backup monday-files "${old%.tar}"
backup tuesday-files "${new%.tar}"
backup copy-of-tuesday "$new"

setup_say "making a tape library on the mount, and loading two tapes"
start_library
granary vtl create quickstart --drives 2 --slots 8 --tapes 4 --tape-size 4G --root "$library"
granary vtl load quickstart G00001L8 --root "$library"
granary vtl load quickstart G00002L8 --root "$library"
tape_write 1 first-tape "$newest"
tape_write 2 second-tape "$newest"
granary vtl drives --root "$library"
granary tape list --root "$library"

setup_say "ending the library, unmounting, mounting again, dropping caches"
stop_library
unmount
mount.granary "$store" "$mount"
start_library
drop_caches

verify monday-tar "$old"
verify tuesday-tar "$new"
verify tuesday-files "${new%.tar}"
tape_verify 1 first-tape "$newest"
tape_verify 2 second-tape "$newest"
table 'backed up' "$backup_rows" all
table 'on tape' "$tape_rows"
printf '%s' "$tape_rows" | awk 'NR == 1 { first = $3 } NR == 2 && first > 0 {
	printf "The second tape took %.1f %% of what the first one took in the store.\n", 100 * $3 / first }'
restore_table
granary fs df "$mount"
setup_say "checking the store"
stop_library
unmount
fsck.granary "$store"
trap - EXIT
setup_say "done. The store stays in $store; mount it again with: mount.granary $store $mount"
