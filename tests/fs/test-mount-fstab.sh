#!/bin/bash
# SPDX-License-Identifier: MIT
# mount(8) mounts a store by its type and by a line of fstab, and umount(8) takes it away; what comes
# right after it, a mount or fsck.granary, waits for the last commit.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need_root
need mount umount unshare

# mount(8) looks for helpers in /sbin only: there it finds ours, in a mount namespace of our own.
if [ -z "${MOUNT_FSTAB_INSIDE:-}" ]; then
	MOUNT_FSTAB_INSIDE=1 unshare --mount "$0"
	exit
fi
sbin=$(readlink -f /sbin)
programs=$(fresh_folder sbin)
cp "$top_builddir/fs/tool/mount.granary" "$top_builddir/fs/granary-fsd" "$programs"
make_store
mkdir "$mount"
mount --bind "$programs" "$sbin"

check_mounted() {
	is_mounted "$mount" || fail "nothing is mounted there"
	echo "$1" >"$mount/$1"
	umount "$mount"
}

expect_status 0 mount -t granary -o memory=128M,compression=fast "$store" "$mount"
check_mounted type
printf '%s %s granary defaults,nofail,noatime,memory=128M 0 0\n' "$store" "$mount" >"$scratch/fstab"
expect_status 0 mount --fstab "$scratch/fstab" "$mount"
check_mounted fstab
expect_status 0 mount --fstab "$scratch/fstab" -a -t granary
check_mounted all
expect_status 0 mount -r -t granary "$store" "$mount"
cat "$mount"/{type,fstab,all} >"$scratch/got"
check_equal "$(cat "$scratch/got")" $'type\nfstab\nall' "the files"
! touch "$mount/type" 2>/dev/null || fail "a read-only mount takes writes"
umount "$mount"
expect_status 32 mount -t granary "$scratch/none" "$mount"
umount "$sbin"
fsck_store
