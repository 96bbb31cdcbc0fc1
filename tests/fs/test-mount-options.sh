#!/bin/bash
# SPDX-License-Identifier: MIT
# Mount options reach the mount: ro, nosuid, nodev, noexec, noatime, and allow_other as root.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

# option NAME: the mount has it.
option() {
	awk -v dir="$mount" '$2 == dir { print "," $4 "," }' /proc/self/mounts | finds ",$1," ||
		fail "the mount has no option $1"
}

mount_store "$store" "$mount" --mount-options=nosuid,nodev,noexec --noatime
option nosuid
option nodev
option noexec
option default_permissions
[ "$(id -u)" != 0 ] || option allow_other
printf '#!/bin/sh\n' >"$mount/program"
chmod 755 "$mount/program"
expect_status 126 "$mount/program"
touch -a -d 2001-01-01 "$mount/program"
remount_store "$mount" --noatime
cat "$mount/program" >/dev/null
check_equal "$(stat -c %x "$mount/program" | cut -c1-10)" 2001-01-01 "time of access with --noatime"
remount_store
cat "$mount/program" >/dev/null
umount_store
mount_store "$store" "$mount" --read-only
option ro
[ "$(stat -c %X "$mount/program")" -gt 1000000000 ] || fail "relatime did not change the time of access"
expect_status 1 rm -f "$mount/program"
umount_store
