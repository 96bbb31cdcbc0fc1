#!/bin/bash
# SPDX-License-Identifier: MIT
# Cleaning takes nothing away that the last copy of the catalogue refers to: after a kill -9 and
# the loss of the catalogue, files that were changed and cleaned since the last unmount are there.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse

mount_store
for n in changed dropped cut; do
	head -c 3000000 /dev/urandom >"$mount/$n"
done
remount_store "$mount" # a copy of the catalogue
head -c 1000000 /dev/urandom >>"$mount/changed"
head -c 100000 /dev/urandom | dd of="$mount/changed" bs=1000 seek=1000 conv=notrunc status=none
truncate -s 1000000 "$mount/cut"
rm "$mount/dropped"
head -c 2000000 /dev/urandom >"$mount/new"
granary fs sync "$mount"
(cd "$mount" && sha256sum changed cut new >"$scratch/sums")
granary fs clean "$mount" >"$scratch/clean.log"
head -c 2000000 /dev/urandom >"$mount/later"
granary fs sync "$mount"
kill_store "$mount"

# A segment in which nothing is left, as the restored catalogue will name it.
left=$store/segments/77/0000000077.seg
mkdir -p "${left%/*}"
head -c 4096 "$store/segments/01/0000000001.seg" >"$left"
rm "$store"/catalogue.sqlite*
expect_status 1 fsck.granary -y --restore-catalogue "$store"
mount_store
(cd "$mount" && sha256sum --quiet -c "$scratch/sums") || fail "files were lost"
[ -e "$left" ] || fail "the restored catalogue does not name the empty segment"
granary fs clean "$mount" >"$scratch/clean.log"
[ ! -e "$left" ] || fail "cleaning did not free the empty segment"
(cd "$mount" && sha256sum --quiet -c "$scratch/sums") || fail "cleaning again lost files"
umount_store "$mount"
fsck.granary -f -n --verify-data "$store" >"$scratch/fsck.log" 2>&1 || {
	cat "$scratch/fsck.log" >&2
	fail "fsck.granary --verify-data found something"
}
