#!/bin/bash
# SPDX-License-Identifier: MIT
# A mounted granary-fsd answers what every daemon answers: status, metrics that move, the log
# level, a reload that takes a new configuration and refuses a wrong one, and stop, which unmounts.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

ask() {
	local verb=$1
	shift
	granary daemon "$verb" --control "$store/control.sock" "$@"
}

metric() {
	ask metrics --json | sed -n "s/^ *\"$1\": \([0-9]*\).*/\1/p"
}

conf=$scratch/granary.conf
echo 'common: { log_level = "info"; };' >"$conf"
mount_store "$store" "$mount" --config="$conf"
expect_status 0 ask status
expect_output '^name  *granary-fsd$'
expect_output '^state  *running$'
expect_output "^mount  *$mount$"

before=$(metric tree_bytes_written)
head -c 1000000 /dev/urandom >"$mount/file"
granary fs sync "$mount"
check_equal $(($(metric tree_bytes_written) - before)) 1000000 "bytes counted"
[ "$(metric resident_bytes)" -gt 1000000 ] || fail "resident_bytes is $(metric resident_bytes)"
[ "$(metric store_chunks_new)" -gt 10 ] || fail "no new chunks were counted"

expect_status 0 ask log-level --level debug
expect_status 0 ask log-level
expect_output '^level  *debug$'
expect_status 1 ask log-level --level loud
echo 'common: { log_level = "warning"; };' >"$conf"
expect_status 0 ask reload
expect_status 0 ask log-level
expect_output '^level  *warning$'
echo 'common: { log_level = "loud"; };' >"$conf"
expect_status 1 ask reload
expect_status 0 ask log-level
expect_output '^level  *warning$'

pid=$(store_pid)
expect_status 0 ask stop
wait_for 10 is_gone "$pid" || fail "stop did not end granary-fsd"
! is_mounted "$mount" || fail "stop left the mount"
wait "$pid" || fail "granary-fsd ended with $?"
unset "mount_pid[$mount]"
expect_status 3 ask status
mount_store
check_equal "$(stat -c %s "$mount/file")" 1000000 "the file"
umount_store
