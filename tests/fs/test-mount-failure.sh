#!/bin/bash
# SPDX-License-Identifier: MIT
# After an I/O error on a sync the store is read-only, says so, and granary-fsd ends with status 1;
# what had been committed before is there.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

mount_store
echo before >"$mount/before"
umount_store
GRANARY_FAULT=fdatasync:4+ mount_store "$store" "$mount" --commit-seconds=3600
failed=no
for i in $(seq 20); do
	echo "$i" >"$mount/file$i" 2>/dev/null || failed=yes
	sync "$mount/file$i" 2>/dev/null || failed=yes
done
check_equal "$failed" yes "a sync failed"
expect_status 1 touch "$mount/after"
expect_output 'Read-only file system'
check_equal "$(cat "$mount/before")" before "reading goes on"
granary fs status --json "$mount" | finds '"read_only": *true' || fail "the status does not say so"
status=0
unmount "$mount"
wait "$(store_pid)" || status=$?
log=$(store_log)
unset "mount_pid[$mount]"
check_equal "$status" 1 "granary-fsd's status"
grep -q 'error' "$log" || fail "nothing is on the log"
mount_store
check_equal "$(cat "$mount/before")" before "what had been committed"
umount_store
fsck_store
