#!/bin/bash
# SPDX-License-Identifier: MIT
# After a power cut at any moment a cartridge has what was synced, every byte of it, and can be
# written on; on a disk that orders names as a journal does, and on one that does not.
#
# CUT_SEED repeats a run.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
. "$top_srcdir/tests/fs/cutfs.sh"
need_fuse

cut_seed=${CUT_SEED:-$((RANDOM * 32768 + RANDOM))}
echo "CUT_SEED=$cut_seed"
for how in journal strict journal strict; do
	mount_cutfs --model="$how"
	mkdir "$scratch/images"
	"$top_builddir/tests/target/cartridge-tool" power "$disk" "$scratch/images" "$cut_seed" \
		"${POWER_CUTS:-40}" || fail "model $how, CUT_SEED=$cut_seed"
	rm -rf "$scratch/images"
	umount_cutfs
	cut_seed=$((cut_seed + 1))
done
