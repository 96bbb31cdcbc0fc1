#!/bin/bash
# SPDX-License-Identifier: MIT
# --verify-data finds a damaged chunk and names the files that it is in; -y quarantines it: reading
# gives EIO, never wrong bytes, and writing the same data again heals the file.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3

mount_store
mkdir "$mount/folder"
head -c 3000000 /dev/urandom >"$scratch/data"
cp "$scratch/data" "$mount/folder/damaged"
granary fs sync "$mount"
head -c 3000000 /dev/urandom >"$mount/good"
umount_store
fsck_store

# In the middle of the first data: random bytes are stored as they are.
segment=$(find "$store/segments" -name '*.seg' | sort | head -n 1)
offset=$(python3 - "$segment" "$scratch/data" <<'END'
import sys
segment, data = (open(name, "rb").read() for name in sys.argv[1:])
print(segment.find(data[1000000:1000016]))
END
)
[ "$offset" -gt 0 ] || fail "the data is not in the segment"
printf '\xff\x00\xff\x00' | dd of="$segment" bs=1 seek=$((offset + 4)) conv=notrunc status=none

expect_status 0 fsck.granary "$store"
expect_status 4 fsck.granary --verify-data "$store"
expect_output 'chunks are damaged'
expect_output '^/folder/damaged: [0-9]* bytes are damaged'
! grep -q '^/good' "$scratch/output" || fail "an undamaged file is named"
expect_status 4 fsck.granary -y --verify-data "$store"
expect_output 'quarantined'

mount_store
cmp "$mount/good" "$mount/good" || fail "the undamaged file cannot be read"
! cat "$mount/folder/damaged" >/dev/null 2>&1 || fail "damaged data was read without an error"
cp "$scratch/data" "$mount/again"
granary fs sync "$mount"
umount_store
mount_store
cmp "$scratch/data" "$mount/again" || fail "the new copy differs"
cmp "$scratch/data" "$mount/folder/damaged" || fail "the damaged file has not healed"
umount_store
expect_status 0 fsck.granary "$store"
