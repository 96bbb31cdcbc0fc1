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
targetd tape list | finds '^G00001L8  *main  *deleted' || fail "the deleted tape is not listed"
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
[ "$(tape_word G00001L8 capacity)" = '32.0 MiB' ] || fail "the tape that was deleted first came back"
expect_status 1 targetd tape restore G00001L8
expect_output 'has a tape G00001L8 already'

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
expect_status 2 targetd tape lock G00003L8 --until 2027-02-31
expect_status 1 targetd tape lock G00003L8 --until 2020-01-01
expect_status 1 targetd vtl delete main --purge
expect_output 'is locked'
[ -d "$tapes/G00003L8" ] || fail "a locked tape is gone"

# Write protection, as the slider of the shell: not while a drive has it.
expect_status 0 targetd tape protect G00004L8 on
targetd tape list | finds '^G00004L8 .*write-protected' || fail "protection is not listed"
check_equal "$(tape_word G00004L8 'write protected')" yes "protection"
expect_status 0 targetd tape clone G00004L8 C00002L8
check_equal "$(tape_word C00002L8 'write protected')" no "protection of the clone"
expect_status 0 targetd vtl load main G00004L8 2
expect_status 1 targetd tape protect G00004L8 off
expect_output 'is in drive 501: unload it first'
targetd vtl drives --json | finds '"write_protected": true' || fail "the drive does not say so"
expect_status 0 targetd vtl unload main 2
expect_status 0 targetd tape protect G00004L8 off
check_equal "$(tape_word G00004L8 'write protected')" no "protection that was lifted"
expect_status 2 targetd tape protect G00004L8 yes
expect_output 'on or off, not "yes"'
expect_status 1 targetd tape protect G00099L8 on
expect_output 'there is no tape G00099L8'
expect_status 0 targetd tape delete C00002L8 --purge
# What is locked may be protected too, and stays locked.
expect_status 0 targetd tape protect G00003L8 on
expect_status 0 targetd tape protect G00003L8 off
expect_status 1 targetd tape delete G00003L8

# A slot that a tape in a drive came from is left to it.
expect_status 0 targetd vtl create small --tapes 2 --slots 2 --drives 1 --tape-size 64M --barcode S
expect_status 0 targetd vtl load small S00001L8 1
expect_status 0 targetd tape create small --barcode S00009L8
expect_output 'every free slot is kept for a tape that is in a drive'
expect_status 0 targetd vtl unload small 1
expect_status 1 targetd vtl put small S00009L8 1000
expect_output 'slot 1000 holds S00001L8'
expect_status 0 targetd tape clone S00001L8 S00008L8
expect_output 'is on the shelf of small: the library is full: no slot is free'
expect_status 1 targetd vtl put small S00009L8
expect_output 'the library is full'
expect_status 0 targetd vtl delete small --purge

# A clone.
expect_status 0 targetd tape clone G00003L8 C00001L8
[ "$(tape_word C00001L8 uuid)" != "$(tape_word G00003L8 uuid)" ] || fail "two tapes with one uuid"
check_equal "$(place_of main C00001L8)" 1006 "place of the clone: 1001 is that of G00002L8, in a drive"
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
