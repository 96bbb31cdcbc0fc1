#!/bin/bash
# SPDX-License-Identifier: MIT
# A damaged store.conf is refused by every program in one sentence, nothing is
# changed, and the right file put back makes the store whole.
. "${top_srcdir:-.}/tests/fs/damage.sh" || exit 1

make_pristine

store_sums() {
	(cd "$store" && find . -type f ! -name lock -exec sha256sum {} + | sort -k 2)
}

refused() {
	store_sums >"$scratch/before"
	! try_mount || broken "a damaged store.conf is accepted"
	[ "$(wc -l <"$scratch/fsd.log")" -le 2 ] || broken "granary-fsd needs more than a sentence: $(cat "$scratch/fsd.log")"
	run_fsck status -n
	[ "$status" = 8 ] || [ "$status" = 4 ] || broken "fsck ended with $status"
	store_sums >"$scratch/after"
	cmp "$scratch/before" "$scratch/after" || broken "a refused store was changed"
}

for ((trial = 0; trial < trials; trial++)); do
	time_left || break
	for how in flip_bit cut_off spoil; do
		fresh_copy
		"$how" "$store/store.conf"
		refused
	done
done
fresh_copy
remove "$store/store.conf"
refused
cp -a "$pristine/store.conf" "$store/store.conf"
fsck_store
mount_store
check_reads "$mount/tree"
[ ! -s "$scratch/lost" ] || fail "files are missing"
