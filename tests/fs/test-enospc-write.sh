#!/bin/bash
# SPDX-License-Identifier: MIT
# A full disk: ENOSPC at the write that does not fit, nothing acknowledged is lost, and
# deleting and cleaning still work and make room again.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
. "$top_srcdir/tests/fs/cutfs.sh"
need_fuse

noise=$scratch/noise
head -c 4000000 /dev/urandom >"$noise"

# put N: file N, its bytes like no other's, synced. Its status is that of the write or fsync.
put() {
	put_bytes "$1"
	dd if="$scratch/piece" of="$mount/files/$1" bs=64k conv=fsync 2>"$scratch/dd.log"
}

# Into $scratch/piece.
put_bytes() {
	openssl enc -aes-128-ctr -pass "pass:$1" -nosalt -pbkdf2 -in "$noise" -out "$scratch/piece"
	truncate -s $((400000 + $1 * 7919 % 600000)) "$scratch/piece"
}

# check_files LAST: those that are there are right.
check_files() {
	local n seen=0
	for ((n = 1; n <= $1; n++)); do
		[ -e "$mount/files/$n" ] || continue
		put_bytes "$n"
		cmp "$scratch/piece" "$mount/files/$n" || fail "file $n is not what was synced"
		seen=$((seen + 1))
	done
	echo "$seen files are right"
}

# fill FIRST: puts files from FIRST on until one does not fit; $last is the last that did.
fill() {
	local n=$1
	while put "$n"; do
		n=$((n + 1))
		((n < $1 + 400)) || fail "the disk is never full"
	done
	grep -q 'No space left' "$scratch/dd.log" || fail "not ENOSPC: $(cat "$scratch/dd.log")"
	rm -f "$mount/files/$n"
	last=$((n - 1))
}

need openssl
for room in 40 47 53; do
	mount_cutfs
	set_disk_quota $((room * 1000000))
	mount_store "$disk/store" "$mount"
	mkdir "$mount/files"
	fill 1
	((last >= 2)) || fail "nothing fits in $room MB"
	echo "$room MB: $last files fitted"
	check_files "$last"
	first_last=$last

	# Others have taken what was left of the disk: deleting works all the same.
	set_disk_quota "$(disk_used)"
	rm "$mount"/files/[13579]*
	sync "$mount/files" || fail "deleting on a full disk is not durable"
	granary fs clean "$mount" >"$scratch/clean.log" 2>&1 ||
		fail "cleaning a full store failed: $(cat "$scratch/clean.log")"
	set_disk_quota $((room * 1000000))
	fill $((first_last + 1))
	((last > first_last)) || fail "no room has come free after deleting and cleaning"
	echo "after deleting and cleaning $((last - first_last)) more"
	check_files "$last"
	remount_store "$mount"
	check_files "$last"
	umount_store "$mount"
	fsck_store "$disk/store"
	umount_cutfs
done
