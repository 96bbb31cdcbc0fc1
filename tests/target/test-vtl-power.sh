#!/bin/bash
# SPDX-License-Identifier: MIT
# A power cut after a verb has been answered, on a disk that forgets whatever was not synced: a library whose
# tapes were purged does not come back without them, one that was made is there with all of its tapes, and
# every tape is where the last answer has left it.
. "${top_srcdir:-.}/tests/target/targetd.sh" || exit 1
. "$top_srcdir/tests/fs/cutfs.sh"
need_fuse

model=strict
cut_seed=${CUT_SEED:-$((RANDOM * 32768 + RANDOM))}
echo "CUT_SEED=$cut_seed"
trap 'status=$?; [ -z "$targetd_pid" ] || kill -KILL "$targetd_pid" 2>/dev/null; unmount_once "$disk" || true; end_targetd $status' EXIT

# after_cut IMAGE: what is left of the libraries when the power goes now.
after_cut() {
	cut_seed=$((cut_seed + 1))
	rm -rf "$1"
	take_cut "$1" "$cut_seed"
	left=$1/targetd
}

for model in strict journal; do
	mount_cutfs --model=$model
	start_targetd --state "$disk/targetd" --tapes "$scratch/tapes-$model"
	for _ in 1 2 3; do
		expect_status 0 targetd vtl create main --tapes 3 --drives 1 --tape-size 64M
		after_cut "$scratch/image"
		[ -e "$left/libraries/main.conf" ] || fail "a library that was made is gone ($model, $cut_seed)"
		grep -q 'G00003L8' "$left/libraries/main.conf" || fail "its last tape is gone ($model, $cut_seed)"
		expect_status 0 targetd vtl move main G00001L8 10
		after_cut "$scratch/image"
		grep 'G00001L8' "$left/libraries/main.conf" | finds 'address = 10;' || fail "a move is undone ($model, $cut_seed)"
		expect_status 0 targetd vtl access main --allow iqn.2026-11.example:a
		after_cut "$scratch/image"
		grep -q 'iqn.2026-11.example:a' "$left/libraries/main.conf" || fail "access is as before ($model, $cut_seed)"
		expect_status 0 targetd vtl delete main --purge
		after_cut "$scratch/image"
		[ ! -e "$left/libraries/main.conf" ] || fail "a library is back whose tapes are gone ($model, $cut_seed)"
	done
	stop_targetd
	umount_cutfs
done
