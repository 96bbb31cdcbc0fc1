#!/bin/bash
# SPDX-License-Identifier: MIT
# A cartridge that somebody has open for writing, in another daemon or host, is neither deleted nor moved
# about; the folder of a clone or an import that is at work is left alone.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
targetd vtl create main --tapes 4 --drives 1 --tape-size 64M >/dev/null
tapes=$target_state/tapes/main

# As a drive of another daemon has it: the lock lasts until `release`.
hold() { # PATH
	exec 9<>"$1"
	flock -n 9 || fail "$1 is locked already"
}
release() {
	exec 9>&-
}

hold "$tapes/G00001L8/lock"
expect_status 1 targetd tape delete G00001L8
expect_output 'G00001L8 is in use'
expect_status 1 targetd tape delete G00001L8 --purge
expect_output 'G00001L8 is in use'
check_equal "$(place_of main G00001L8)" 1000 "place of a tape that is in use"
expect_status 1 targetd vtl delete main --purge
expect_output 'G00001L8 is in use'
[ -e "$tapes/G00001L8/p0.data" ] || fail "a tape in use is gone"
expect_status 0 targetd vtl show main
[ -e "$tapes/G00004L8/p0.data" ] || fail "the tape of a library that stays is gone"
release

# Deleted, and open for all that.
expect_status 0 targetd tape delete G00001L8
expect_status 0 targetd tape delete G00002L8
hold "$tapes"/.deleted/G00001L8@*/lock
expect_status 1 targetd tape restore G00001L8
expect_output 'G00001L8 is in use'
mv "$tapes"/.deleted/G00001L8@* "$tapes/.deleted/G00001L8@1000000000"
mv "$tapes"/.deleted/G00002L8@* "$tapes/.deleted/G00002L8@1000000000"
mkdir "$tapes/.new-HELD" "$tapes/.new-LEFT"
: >"$tapes/.new-HELD/p0.data"
: >"$tapes/.new-LEFT/p0.data"
exec 8<"$tapes/.new-HELD"
flock -n 8
restart_targetd 8<&- 9>&- # which would hold them, too
wait_for 20 test ! -e "$tapes/.deleted/G00002L8@1000000000" || fail "an old deleted tape stays"
wait_for 20 test ! -e "$tapes/.new-LEFT" || fail "what was left stays"
[ -e "$tapes/.deleted/G00001L8@1000000000/p0.data" ] || fail "a deleted tape in use is gone"
[ -e "$tapes/.new-HELD/p0.data" ] || fail "what somebody is at work in is gone"
release
exec 8<&-
expect_status 0 targetd tape restore G00001L8

# A new tape leaves what is being made under its name alone.
mkdir "$tapes/.new-T00001L8"
exec 8<"$tapes/.new-T00001L8"
flock -n 8
expect_status 1 targetd tape create main --barcode T00001L8
[ -d "$tapes/.new-T00001L8" ] || fail "the folder of another is gone"
exec 8<&-
expect_status 0 targetd tape create main --barcode T00001L8
[ ! -e "$tapes/.new-T00001L8" ] || fail "what was left stays"

# What is in the library's own drive goes with it.
expect_status 0 targetd vtl load main G00003L8 1
expect_status 0 targetd vtl delete main --purge
[ ! -e "$tapes" ] || fail "the folder of the tapes stays"

stop_targetd
