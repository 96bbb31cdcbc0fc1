#!/bin/bash
# SPDX-License-Identifier: MIT
# mount.granary behaves as mount(8) expects: it returns when the mount is ready, passes over what
# is not its business, and ends with 32 when nothing is mounted and 1 for wrong use.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

leave() {
	unmount "$mount"
	# The lock goes with the process.
	wait_for 10 flock -n "$store/lock" true || fail "granary-fsd is still there"
}

make_store
mkdir "$mount"
expect_status 0 mount.granary "$store" "$mount" -o defaults,nofail,_netdev,x-systemd.automount,user=me \
	-o memory=128M,compression=fast,noatime
is_mounted "$mount" || fail "returned before the mount was ready"
echo text >"$mount/file"
expect_status 32 mount.granary "$store" "$mount"
expect_output 'mounted there already'
leave

expect_status 0 mount.granary -r "$store" "$mount"
expect_status 1 touch "$mount/other"
expect_output 'Read-only file system'
check_equal "$(cat "$mount/file")" text "the file"
leave

# Fake and verbose: the command, and no mount.
expect_status 0 mount.granary -fv "$store" "$mount" -o nosuid,nodev,commit=7
expect_output 'granary-fsd --background --commit-seconds=7 --mount-options=nosuid,nodev'
! is_mounted "$mount" || fail "-f has mounted"

expect_status 1 mount.granary "$store" "$mount" -o nonsense
expect_output 'no option "nonsense"'
expect_status 0 mount.granary -f -s "$store" "$mount" -o nonsense
expect_status 1 mount.granary "$store" "$mount" -o memory
expect_output 'needs a value'
expect_status 1 mount.granary "$store" "$mount" -o remount
expect_output 'not supported'
expect_status 1 mount.granary "$store" "$mount" -o compression=gzip
expect_output 'no compression "gzip"'
expect_status 1 mount.granary "$store"
expect_output 'a store and a folder are needed'
expect_status 32 mount.granary "$scratch/none" "$mount"
check_equal "$(wc -l <"$scratch/output")" 1 "sentences"
