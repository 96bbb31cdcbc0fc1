#!/bin/bash
# SPDX-License-Identifier: MIT
# Deleted tapes come back until their time is over, locked ones cannot be deleted, clones are tapes of
# their own.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
targetd vtl create main --tapes 6 --drives 2 --tape-size 64M >/dev/null
tapes=$target_state/tapes/main

expect_status 0 targetd tape delete G00001L8
expect_output 'brings it back within 7 days'
[ ! -e "$tapes/G00001L8" ] || fail "the tape is there"
check_equal "$(place_of main G00001L8)" "" "place of a deleted tape"
targetd tape list | grep -q '^G00001L8  *main  *deleted' || fail "the deleted tape is not listed"
expect_status 0 targetd tape restore G00001L8
check_equal "$(place_of main G00001L8)" 1000 "place after the restore"
expect_status 1 targetd tape restore G00001L8
expect_status 1 targetd tape delete G00009L8
expect_status 1 targetd tape delete ../main
expect_output 'there is no tape'

# The same barcode again, deleted twice: the last comes back first.
targetd tape delete G00001L8 >/dev/null
expect_status 0 targetd tape create main --barcode G00001L8 --size 32M
targetd tape delete G00001L8 >/dev/null
expect_status 0 targetd tape restore G00001L8
tape_word G00001L8 capacity | grep -q 33554432 || fail "the tape that was deleted first came back"
expect_status 1 targetd tape restore G00001L8
expect_output 'has another tape G00001L8 by now'

# In a drive, locked.
targetd vtl load main G00002L8 1 >/dev/null
expect_status 1 targetd tape delete G00002L8
expect_output 'is in drive 500: unload it first'
expect_status 1 targetd tape lock G00002L8 --days 1
expect_status 1 targetd tape clone G00002L8 X00001L8
expect_status 0 targetd tape lock G00003L8 --days 2
expect_status 1 targetd tape delete G00003L8
expect_output 'is locked until'
expect_status 1 targetd tape delete G00003L8 --purge
expect_status 1 targetd tape lock G00003L8 --days 1
expect_output 'never shortened'
expect_status 0 targetd tape lock G00003L8 --days 3
expect_status 2 targetd tape lock G00003L8 --until yesterday
expect_status 1 targetd tape lock G00003L8 --until 2020-01-01
expect_status 1 targetd vtl delete main --purge
expect_output 'is locked'
[ -d "$tapes/G00003L8" ] || fail "a locked tape is gone"

# A clone.
expect_status 0 targetd tape clone G00003L8 C00001L8
[ "$(tape_word C00001L8 uuid)" != "$(tape_word G00003L8 uuid)" ] || fail "two tapes with one uuid"
check_equal "$(place_of main C00001L8)" 1001 "place of the clone"
check_equal "$(tape_word C00001L8 'locked until')" "" "lock of the clone"
expect_status 1 targetd tape clone G00003L8 C00001L8
expect_status 1 targetd tape clone G00003L8 C00001L7
expect_status 1 targetd tape clone G00003L8 'x y'
expect_status 0 targetd vtl load main C00001L8 2
expect_status 0 targetd vtl unload main 2

# Purged at once; and by the timer, what is old enough.
expect_status 0 targetd tape delete G00004L8 --purge
expect_status 1 targetd tape restore G00004L8
expect_status 0 targetd tape delete G00005L8
expect_status 0 targetd tape delete G00006L8
mv "$tapes"/.deleted/G00005L8@* "$tapes/.deleted/G00005L8@1000000000"
mkdir "$tapes/.new-UNDONE" && : >"$tapes/.new-UNDONE/p0.data"
restart_targetd
wait_for 20 test ! -e "$tapes/.deleted/G00005L8@1000000000" || fail "an old deleted tape stays"
wait_for 20 test ! -e "$tapes/.new-UNDONE" || fail "an unfinished copy stays"
expect_status 0 targetd tape restore G00006L8

# Without recycling, deleted is gone.
expect_status 0 targetd vtl update main --recycle-days 0
expect_status 0 targetd tape delete G00006L8
expect_status 1 targetd tape restore G00006L8

# A cartridge that cannot be read is listed, and not deleted blindly.
echo rubbish >"$tapes/C00001L8/cartridge.conf"
expect_status 0 targetd tape list
expect_status 1 targetd tape delete C00001L8
expect_output 'remove the folder by hand'
stop_targetd
