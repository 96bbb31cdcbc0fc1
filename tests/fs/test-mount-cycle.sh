#!/bin/bash
# SPDX-License-Identifier: MIT
# What was written is there after an unmount and a mount: contents, attributes, links, inode numbers.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

mount_store
mkdir -p "$mount/a/b"
cp -r "$top_srcdir/lib" "$mount/a/lib"
head -c 3000000 /dev/urandom >"$mount/a/random"
truncate -s 10G "$mount/a/sparse"
echo end >>"$mount/a/sparse"
ln "$mount/a/random" "$mount/a/b/hard"
ln -s ../random "$mount/a/b/soft"
mkfifo "$mount/a/pipe"
chmod 4751 "$mount/a/b/hard"
touch -d '1999-12-31 23:59:59.123456789' "$mount/a/b"

state() {
	(cd "$mount" && find . -printf '%P %i %n %y %m %U %G %s %b %T@ %l\n' | sort &&
		find . -type f -size -1G -exec sha256sum {} + | sort && tail -c 4 a/sparse)
}
state >"$scratch/before"
remount_store
state >"$scratch/after"
diff "$scratch/before" "$scratch/after" || fail "something changed over the remount"
umount_store
fsck_store
