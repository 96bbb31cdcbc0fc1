#!/bin/bash
# SPDX-License-Identifier: MIT
# A reader written from granary-format(5) alone restores every file of a store.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse
need python3 zstd

source=$(fresh_folder source)
mkdir "$source/deep"
head -c 3000000 /dev/urandom > "$source/random"
# Compressible, with a change in the middle, so that nodes and chunks are shared.
seq 1 700000 > "$source/numbers"
sed '350000s/.*/changed/' "$source/numbers" > "$source/deep/numbers.2"
: > "$source/empty"
echo small > "$source/small"
truncate -s 5000000 "$source/sparse"
printf 'in the middle' | dd of="$source/sparse" bs=1 seek=2500000 conv=notrunc status=none
ln -s deep/numbers.2 "$source/link"

for compression in balanced fast off; do
	make_store "$scratch/$compression" --compression="$compression"
	mount_store "$scratch/$compression"
	cp -a "$source/." "$mount/"
	# A part of a chunk, and a part of a file in another one.
	printf 'overwritten' | dd of="$mount/deep/numbers.2" bs=1 seek=1234567 conv=notrunc status=none
	umount_store
	"$top_srcdir/tests/fs/read-store.py" "$scratch/$compression" --list > "$scratch/listed"
	printf 'overwritten' | dd of="$source/deep/numbers.2" bs=1 seek=1234567 conv=notrunc status=none
	(cd "$source" && find . -type f -exec sha256sum {} + | sed 's|  \./|  /|' | sort) > "$scratch/wanted"
	awk '$1 == "-" { print $3 "  " $4 }' "$scratch/listed" | sort > "$scratch/got"
	diff "$scratch/wanted" "$scratch/got" || fail "the reader and the source differ ($compression)"
	"$top_srcdir/tests/fs/read-store.py" "$scratch/$compression" /deep/numbers.2 | cmp - "$source/deep/numbers.2" ||
		fail "a file read alone differs ($compression)"
	check_equal "$("$top_srcdir/tests/fs/read-store.py" "$scratch/$compression" /link)" deep/numbers.2 "link target"
	# The ends of the packs are enough.
	"$top_srcdir/tests/fs/read-store.py" --tails "$scratch/$compression" --list > "$scratch/tails"
	diff "$scratch/listed" "$scratch/tails" || fail "the packs' ends say something else ($compression)"
done
