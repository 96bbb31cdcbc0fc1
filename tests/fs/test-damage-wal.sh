#!/bin/bash
# SPDX-License-Identifier: MIT
# The catalogue's log (-wal) is damaged after a crash: the store is as it was at a
# commit before the damage, or refuses; it never shows wrong bytes.
. "${top_srcdir:-.}/tests/fs/damage.sh" || exit 1

# A store that was killed, with commits that are only in the log.
make_source
mount_store "$pristine" "$mount"
cp -a "$source_tree" "$mount/tree"
sync "$mount/tree/noise"
for n in 1 2 3 4 5 6; do
	head -c 200000 /dev/urandom >"$scratch/late-$n"
	cp "$scratch/late-$n" "$mount/late-$n"
	sync "$mount/late-$n"
done
kill_store "$mount"
[ -s "$pristine/catalogue.sqlite-wal" ] || skip "nothing is left in the log after a crash"

check_damage() {
	local status n seen_missing=0
	if ! try_mount; then
		run_fsck status -n
		[ "$status" != 0 ] || broken "granary-fsd refuses what fsck finds right"
		return 0
	fi
	if [ -e "$mount/tree" ]; then
		check_reads "$mount/tree"
	fi
	# Commits are there up to one, and none after it.
	for n in 1 2 3 4 5 6; do
		if [ ! -e "$mount/late-$n" ]; then
			seen_missing=1
		elif ! cat "$mount/late-$n" >"$scratch/seen" 2>/dev/null; then
			: # EIO is no wrong answer
		elif ! cmp -s "$scratch/seen" "$scratch/late-$n"; then
			broken "late-$n has wrong bytes"
		elif [ $seen_missing = 1 ]; then
			broken "late-$n is there and an earlier commit is not"
		fi
	done
	end_mount
	run_fsck status -n
	check_equal "$status" 0 "fsck after recovery ($what)"
}

for ((trial = 0; trial < trials; trial++)); do
	time_left || break
	for how in flip_bit cut_off spoil; do
		fresh_copy
		"$how" "$store/catalogue.sqlite-wal"
		check_damage
	done
done
fresh_copy
remove "$store/catalogue.sqlite-wal"
check_damage
