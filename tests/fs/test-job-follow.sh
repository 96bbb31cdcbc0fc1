#!/bin/bash
# SPDX-License-Identifier: MIT
# Whoever starts cleaning or scrubbing while it runs follows what is under way to its end, and is
# told so; what is paused is not started anew.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

mount_store
head -c 60000000 /dev/urandom >"$mount/data"
granary fs sync "$mount"

# What is under way may end before the second command looks: then that one starts its own.
follow() {
	local tries
	for ((tries = 0; tries < 20; tries++)); do
		granary fs "$1" --start "$mount" >/dev/null
		expect_status 0 granary fs "$1" "$mount"
		expect_output "$2"
		! grep -q 'under way already; this follows it' "$scratch/output" || return 0
	done
	fail "granary fs $1 has never followed what ran"
}

follow scrub '0 damaged chunks'
head -c 60000000 "$mount/data" | tr '\000-\377' '\001-\377\000' >"$mount/more"
granary fs sync "$mount"
follow clean '^freed '

for ((tries = 0; tries < 20; tries++)); do
	granary fs scrub --start "$mount" >/dev/null
	! granary fs scrub --pause "$mount" >"$scratch/pause" 2>&1 || break
done
grep -q paused "$scratch/pause" || fail "it could not be paused: $(cat "$scratch/pause")"
expect_status 1 granary fs scrub "$mount"
expect_output 'scrub is paused; --resume goes on'
granary fs scrub --resume --wait "$mount" >/dev/null
expect_status 0 granary fs scrub "$mount"
umount_store
