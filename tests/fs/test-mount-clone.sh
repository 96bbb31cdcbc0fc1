#!/bin/bash
# SPDX-License-Identifier: MIT
# A clone is there at once under a name that was looked up in vain before, and costs no data.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

mount_store
mkdir "$mount/source"
head -c 5000000 /dev/urandom >"$mount/source/file"
cp "$top_srcdir/README.md" "$mount/source"
[ ! -e "$mount/copy" ] || fail "there is a copy already"
sync -f "$mount"
granary fs sync "$mount"
before=$(du -s --block-size=1 "$store/segments" | cut -f 1)
granary fs clone "$mount/source" "$mount/copy"
[ -d "$mount/copy" ] || fail "the clone is not there"
diff -r "$mount/source" "$mount/copy" || fail "the clone differs"
granary fs sync "$mount"
after=$(du -s --block-size=1 "$store/segments" | cut -f 1)
[ $((after - before)) -lt 500000 ] || fail "the clone took $((after - before)) bytes"
expect_status 1 granary fs clone "$mount/source" "$mount/copy"
umount_store
fsck_store
