#!/bin/bash
# SPDX-License-Identifier: MIT
# Stores and mounts may have long paths, blanks, commas and backslashes in them, and relative paths.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

leave() {
	unmount "$1"
	wait_for 10 flock -n "$2/lock" true || fail "granary-fsd is still there"
}

for name in 'a store, with \commas' "$(printf 'long%.0s' {1..50})" 'ümläut'; do
	mkdir "$scratch/m $name"
	expect_status 0 mkfs.granary -q -r 1M "$scratch/$name"
	expect_status 0 mount.granary "$scratch/$name" "$scratch/m $name" -o memory=128M
	echo text >"$scratch/m $name/file"
	check_equal "$(LC_ALL=C.UTF-8 findmnt -n -o SOURCE --target "$scratch/m $name")" "$scratch/$name" "the source"
	leave "$scratch/m $name" "$scratch/$name"
	expect_status 0 fsck.granary "$scratch/$name"
done
cd "$scratch"
mkdir relative
expect_status 0 mount.granary ./ümläut relative -o memory=128M
check_equal "$(cat relative/file)" text "the file"
leave relative ümläut
