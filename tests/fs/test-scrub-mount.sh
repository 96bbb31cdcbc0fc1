#!/bin/bash
# SPDX-License-Identifier: MIT
# `granary fs scrub` and `check` find damage on a mount that is in use, name the file by its
# path, and find nothing more once the same data has come in again.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse
need sqlite3

mount_store
mkdir -p "$mount/folder/with space"
head -c 3000000 /dev/urandom >"$scratch/data"
cp "$scratch/data" "$mount/folder/with space/hurt"
granary fs sync "$mount"
head -c 3000000 /dev/urandom >"$mount/fine"
granary fs check "$mount" >"$scratch/check.log" || fail "a whole store does not pass: $(cat "$scratch/check.log")"
umount_store

read -r segment offset slots < <(sqlite3 -separator ' ' "$store/catalogue.sqlite" \
	'SELECT segment,offset,slots FROM pack WHERE kind=1 ORDER BY pack LIMIT 1')
file=$(printf '%s/segments/%02d/%010d.seg' "$store" $((segment % 100)) "$segment")
# Behind the header and the directory.
printf 'damaged on purpose' |
	dd of="$file" bs=1 seek=$((offset + 128 + 32 * 24 + slots * 40)) conv=notrunc status=none

mount_store
expect_status 1 granary fs check "$mount"
expect_output 'folder/with space/hurt'
! grep -q fine "$scratch/output" || fail "a whole file is named"
! cmp -s "$scratch/data" "$mount/folder/with space/hurt" || fail "damaged data reads well"
cp "$scratch/data" "$mount/again"
granary fs sync "$mount"
cmp "$scratch/data" "$mount/folder/with space/hurt" || fail "it has not healed"
rm "$mount/again"
granary fs clean "$mount" >/dev/null
cmp "$scratch/data" "$mount/folder/with space/hurt" || fail "cleaning took the good copy"
granary fs check "$mount" >"$scratch/check.log" || fail "healed, and still damaged: $(cat "$scratch/check.log")"
umount_store
fsck.granary -f -n --verify-data "$store" >"$scratch/fsck.log" 2>&1 || {
	cat "$scratch/fsck.log" >&2
	fail "fsck.granary --verify-data found something"
}
