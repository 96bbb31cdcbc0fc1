#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGTERM, the control socket's stop and umount all end granary-fsd with status 0 and everything
# stored, also while files are open.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

# ended: granary-fsd has ended with 0 and the mount is gone.
ended() {
	local status=0
	wait "$(store_pid)" || status=$?
	unset "mount_pid[$mount]"
	[ "$status" = 0 ] || cat "$scratch"/fsd-*.log >&2
	check_equal "$status" 0 "granary-fsd's status after $1"
	! is_mounted "$mount" || fail "still mounted after $1"
}

mount_store
echo one >"$mount/one"
kill -TERM "$(store_pid)"
ended SIGTERM

mount_store
check_equal "$(cat "$mount/one")" one "what was written before SIGTERM"
echo two >"$mount/two"
granary daemon stop --control="$store/control.sock" >/dev/null
ended stop

mount_store
check_equal "$(cat "$mount/two")" two "what was written before stop"
exec 5>"$mount/three"
echo three >&5
kill -INT "$(store_pid)"
ended 'SIGINT with an open file'
! echo more >&5 2>/dev/null || fail "a write after the end went well"
exec 5>&-

mount_store
check_equal "$(cat "$mount/three")" three "what was written to the file that was open"
mkdir "$mount/kept" "$mount/removed"
exec 5<"$mount/kept" 6<"$mount/removed"
rmdir "$mount/removed"
kill -INT "$(store_pid)"
ended 'SIGINT with open directories'
exec 5<&- 6<&-

mount_store
check_equal "$(echo "$mount"/*)" "$mount/kept $mount/one $mount/three $mount/two" "what is there"
umount_store
fsck_store
