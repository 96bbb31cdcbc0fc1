#!/bin/bash
# SPDX-License-Identifier: MIT
# A damaged or missing index costs space or time, never data: the store mounts, every
# byte is right, data still goes in, and fsck --rebuild-index finds duplicates again.
. "${top_srcdir:-.}/tests/fs/damage.sh" || exit 1

make_pristine

check_damage() {
	local status
	run_fsck status -n
	try_mount || broken "a damaged index keeps the store from mounting: $(tail -n 1 "$scratch/fsd.log")"
	check_reads "$mount/tree"
	[ ! -s "$scratch/lost" ] || broken "files cannot be read because of the index"
	cp -a "$source_tree" "$mount/third"
	head -c 100000 /dev/urandom >"$scratch/new"
	cp "$scratch/new" "$mount/new"
	sync "$mount/new"
	check_reads "$mount/third"
	[ ! -s "$scratch/lost" ] || broken "what was written now cannot be read"
	cmp "$scratch/new" "$mount/new" || broken "new data is wrong"
	end_mount
	run_fsck status -n
	check_equal "$status" 0 "fsck after $what"
}

segment_bytes() {
	du -sb "$store/segments" | cut -f 1
}

mapfile -t files < <(cd "$pristine/index" && find . -type f | sort)
[ ${#files[@]} -gt 0 ] || fail "there is no index on the disk to be damaged"
for ((trial = 0; trial < (trials + 3) / 4; trial++)); do
	time_left || break
	for file in "${files[@]}"; do
		for how in flip_bit cut_off spoil; do
			fresh_copy
			[ -s "$store/index/$file" ] || continue
			"$how" "$store/index/$file"
			check_damage
		done
	done
done
for file in "${files[@]}"; do
	fresh_copy
	remove "$store/index/$file"
	check_damage
done
fresh_copy
rm -rf "${store:?}/index"
what="index removed"
check_damage

# Rebuilt, it finds every duplicate.
fresh_copy
rm -rf "${store:?}"/index/*
run_fsck status --rebuild-index
[ "$status" -le 1 ] || broken "fsck --rebuild-index ended with $status"
before=$(segment_bytes)
mount_store
cp -a "$source_tree" "$mount/third"
umount_store
grown=$(($(segment_bytes) - before))
echo "after --rebuild-index a third copy took $grown bytes"
[ "$grown" -lt 600000 ] || fail "duplicates are not found after --rebuild-index: $grown bytes more"
