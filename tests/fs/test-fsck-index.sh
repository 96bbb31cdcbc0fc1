#!/bin/bash
# SPDX-License-Identifier: MIT
# --rebuild-index makes an index that was lost or damaged anew, and duplicates are found again.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

mount_store
head -c 8000000 /dev/urandom >"$scratch/data"
cp "$scratch/data" "$mount/one"
umount_store
rm -rf "$store/index"
expect_status 0 fsck.granary --rebuild-index "$store"
expect_output 'the index has [1-9][0-9]* entries'
fsck_store
before=$(du -s --block-size=1 "$store/segments" | cut -f 1)
mount_store
cp "$scratch/data" "$mount/two"
umount_store
after=$(du -s --block-size=1 "$store/segments" | cut -f 1)
[ $((after - before)) -lt 1000000 ] || fail "the second copy took $((after - before)) bytes"
find "$store/index" -type f -exec sh -c 'head -c 100 /dev/urandom >"$1"' - {} \;
expect_status 0 fsck.granary --rebuild-index "$store"
mount_store
cmp "$scratch/data" "$mount/two"
umount_store
fsck_store
