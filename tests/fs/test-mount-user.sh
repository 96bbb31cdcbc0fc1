#!/bin/bash
# SPDX-License-Identifier: MIT
# An ordinary user makes, mounts, uses and unmounts a store through fusermount3; without it there is
# one clear sentence.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need fusermount3

# As root in a mount namespace of our own, with the permissions that /dev/fuse has on a desktop.
if [ "$(id -u)" = 0 ] && [ -z "${MOUNT_USER_INSIDE:-}" ]; then
	need unshare
	MOUNT_USER_INSIDE=1 unshare --mount "$0"
	exit
fi
if [ "$(id -u)" = 0 ]; then
	mknod "$scratch/fuse" c 10 229
	chmod 666 "$scratch/fuse"
	mount --bind "$scratch/fuse" /dev/fuse
fi

if [ "$(id -u)" = 0 ]; then
	need setpriv
	as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$scratch")
	"${as_user[@]}" test -w /dev/fuse || skip "/dev/fuse cannot be opened"
	chown 65534 "$scratch"
	"${as_user[@]}" test -x "$top_builddir/fs/granary-fsd" || skip "the build folder is root's only"
else
	as_user=(env)
fi
export PATH

mkdir "$mount"
[ "$(id -u)" != 0 ] || chown 65534 "$mount"
expect_status 0 "${as_user[@]}" mkfs.granary -r 1M "$store"
expect_status 0 "${as_user[@]}" mount.granary "$store" "$mount" -o memory=128M
"${as_user[@]}" sh -c "echo mine >'$mount/file' && cat '$mount/file'" >"$scratch/got"
check_equal "$(cat "$scratch/got")" mine "the file"
"${as_user[@]}" fusermount3 -u "$mount"
wait_for 10 flock -n "$store/lock" true || fail "granary-fsd is still there"
expect_status 0 "${as_user[@]}" fsck.granary "$store"

mkdir "$scratch/bin"
ln -s "$(command -v true)" "$scratch/bin/true"
expect_status 1 "${as_user[@]}" PATH="$scratch/bin" "$top_builddir/fs/granary-fsd" "$store" "$mount"
expect_output 'fusermount3.*is not installed'
