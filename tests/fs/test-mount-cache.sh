#!/bin/bash
# SPDX-License-Identifier: MIT
# What the kernel has cached of a file is right after holes are punched in it, ranges are copied
# into it, and it is cut off and grows again.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need fallocate python3

mount_store
head -c 400000 /dev/urandom >"$scratch/model"
cp "$scratch/model" "$mount/file"
cat "$mount/file" >/dev/null
zeros() {
	dd if=/dev/zero of="$scratch/model" bs=1 seek="$1" count="$2" conv=notrunc status=none
}
compare() {
	cmp "$scratch/model" "$mount/file" || fail "after $1"
	cmp "$scratch/model" <(dd if="$mount/file" bs=1M iflag=direct status=none) || fail "stored after $1"
}

fallocate -p -o 12345 -l 54321 "$mount/file"
zeros 12345 54321
compare 'punching a hole'
fallocate -z -o 100000 -l 777 "$mount/file"
zeros 100000 777
compare 'zeroing a range'
python3 - "$mount/file" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
done = 0
while done < 30000:
    done += os.copy_file_range(fd, fd, 30000 - done, 200000 + done, 5000 + done)
END
dd if="$scratch/model" of="$scratch/model" bs=1000 skip=200 seek=5 count=30 conv=notrunc status=none
compare 'copying a range'
truncate -s 70001 "$mount/file"
truncate -s 90000 "$mount/file"
truncate -s 70001 "$scratch/model"
truncate -s 90000 "$scratch/model"
compare 'cutting it off and growing it'
umount_store
