#!/bin/bash
# SPDX-License-Identifier: MIT
# The accounts of top-level directories stay right, as fsck.granary counts them, whatever is
# linked, moved, exchanged, cloned and removed across them.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3

# check WHAT: the accounts are right on disk, too.
check() {
	umount_store
	echo "after $1"
	fsck_store "$store"
	mount_store
	cd "$mount" || fail "cannot enter the mount"
}

# leave: nobody may be in the mount when it goes.
leave() {
	cd "$scratch" || fail "cannot leave the mount"
}

mount_store
cd "$mount" || fail "cannot enter the mount"
mkdir -p a/sub b
head -c 100000 /dev/urandom >a/f
head -c 100000 /dev/urandom >a/sub/g
ln a/f b/f
ln a/sub/g top
rm a/f
leave
check 'links'
mv a b/a
leave
check 'moving a directory away that links are charged to'
head -c 50000 /dev/urandom >>b/f
mv b/a again
leave
check 'moving it back'
rm b/f top
mkdir -p c/d
head -c 70000 /dev/urandom >c/d/h
ln c/d/h again/h
mv c/d again/sub/d
mv again/sub/d d
leave
check 'moving directories across'
python3 - again d <<'END' || fail 'no exchange'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, (sys.argv[1] + "/sub").encode(), -100, sys.argv[2].encode(), 2):
    sys.exit(os.strerror(ctypes.get_errno()))
END
granary fs clone "$mount/again" "$mount/clone"
truncate -s 10000 d/g
leave
check 'exchanging and cloning'
rm -r again c d
leave
check 'removing'
rm -r b clone
leave
check 'removing everything'
granary fs df --json "$mount" >"$scratch/df"
check_equal "$(python3 -c 'import json, sys; print(sum(c["files"] for c in json.load(sys.stdin)))' <"$scratch/df")" \
	0 'files that are counted'
leave
umount_store
