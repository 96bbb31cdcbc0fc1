#!/bin/bash
# SPDX-License-Identifier: MIT
# fsck.granary finds what is wrong with names, inodes and accounts; -n changes nothing, -y repairs
# it, and then the store is clean and holds what it held.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

mount_store
mkdir -p "$mount/top/below"
echo text >"$mount/top/below/file"
ln "$mount/top/below/file" "$mount/top/link"
ln -s target "$mount/top/symbolic"
setfattr -n user.a -v b "$mount/top/link" 2>/dev/null || true
umount_store
fsck_store
cp "$store/catalogue.sqlite" "$scratch/catalogue"

# broken FINDING SQL: the damage is found, left alone, repaired.
broken() {
	cp "$scratch/catalogue" "$store/catalogue.sqlite"
	"$top_builddir/tests/fs/catalogue-sql" "$store/catalogue.sqlite" "$2"
	sha256sum "$store/catalogue.sqlite" >"$scratch/sum"
	expect_status 4 fsck.granary -n "$store"
	expect_output "$1"
	sha256sum --quiet -c "$scratch/sum" || fail "-n has changed the catalogue"
	expect_status 1 fsck.granary -y "$store"
	expect_output "$1"
	expect_status 0 fsck.granary "$store"
	mount_store
	check_equal "$(cat "$mount/top/below/file" "$mount/top/link")" $'text\ntext' "the files after repairing: $2"
	umount_store
	fsck_store
}

file="(SELECT inode FROM entry WHERE name = x'66696c65')"
broken 'wrong link count: 7' "UPDATE inode SET links = 7 WHERE inode = $file"
broken 'directory with a wrong link count' "UPDATE inode SET links = 5 WHERE inode = 1"
broken 'directory with a wrong size' "UPDATE inode SET size = 99 WHERE inode = 1"
broken 'wrong parent' "UPDATE inode SET parent = 1 WHERE inode = (SELECT inode FROM entry WHERE name = x'62656c6f77')"
broken 'entry of the wrong type' "UPDATE entry SET type = 10 WHERE inode = $file"
broken 'does not exist, but has the name' "INSERT INTO entry VALUES(1, 5, x'67686f7374', 4711, 8)"
broken 'no name and waits' "INSERT INTO inode SELECT 4711, generation, mode, 0, uid, gid, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL FROM inode WHERE inode = $file; UPDATE meta SET value = 5000 WHERE key = 'next_inode'; UPDATE container SET files = files + 1 WHERE inode = 0"
broken 'called an orphan and has a name' "INSERT INTO orphan VALUES($file)"
broken 'called an orphan and does not exist' "INSERT INTO orphan VALUES(4711)"
broken 'has extended attributes' "INSERT INTO xattr VALUES(4711, 'user.x', 'y')"
broken 'symbolic link of the wrong length' "UPDATE inode SET size = 1 WHERE (mode & 61440) = 40960"
broken 'wrong container' "UPDATE inode SET container = 0 WHERE container <> 0"
broken 'without accounts' "DELETE FROM container WHERE inode <> 0"
broken 'accounts and is no directory' "INSERT INTO container(inode) VALUES(4711)"
broken 'accounts that are wrong' "UPDATE container SET files = 77, logical = 1"
broken 'next_inode is 2' "UPDATE meta SET value = 2 WHERE key = 'next_inode'"
broken 'next_pack is 1' "UPDATE meta SET value = 1 WHERE key = 'next_pack'"
