#!/bin/bash
# SPDX-License-Identifier: MIT
# fsck.granary names a missing or cut segment, and the files whose data was in it.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

make_store "$store" --segment-size=16M
mount_store
head -c 30000000 /dev/urandom >"$mount/first"
granary fs sync "$mount"
head -c 30000000 /dev/urandom >"$mount/second"
umount_store
fsck_store

segment=$(find "$store/segments" -name '*.seg' | sort | head -n 1)
mv "$segment" "$scratch/segment"
expect_status 4 fsck.granary "$store"
expect_output "$segment: the segment is missing"
expect_output '^/first: [0-9]* bytes are damaged'
! grep -q '^/second' "$scratch/output" || fail "a whole file is named"
head -c 8000000 "$scratch/segment" >"$segment"
expect_status 4 fsck.granary "$store"
expect_output 'is cut off'
expect_output '^/first: [0-9]* bytes are damaged'
cp "$scratch/segment" "$segment"
fsck_store
