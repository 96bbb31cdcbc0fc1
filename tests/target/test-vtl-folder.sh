#!/bin/bash
# SPDX-License-Identifier: MIT
# A folder of cartridges is served by one library: another daemon, with a state folder of its own, is told
# who has it, and serves it when that one has ended. Two daemons on one state folder, or on one folder of
# tapes, are refused.
. "${top_srcdir:-.}/tests/target/targetd.sh"

other_root=$scratch/other
other_pid=
trap 'status=$?; [ -z "$other_pid" ] || kill -KILL "$other_pid" 2>/dev/null; end_targetd $status' EXIT

other() {
	granary "$@" --root "$other_root"
}
start_other() {
	granary-targetd --root "$other_root" --portal 127.0.0.1:0 --buffer 8M 2>"$scratch/other.log" &
	other_pid=$!
	wait_for 30 other daemon status targetd || fail "the other granary-targetd is not there"
}
stop_other() {
	local status=0
	other daemon stop targetd
	wait "$other_pid" || status=$?
	other_pid=
	check_equal "$status" 0 "exit status of the other granary-targetd"
	sanitizer_silent "$scratch/other.log" || fail "a sanitizer in the other granary-targetd"
}
# shellcheck disable=SC2317 # called by wait_for
other_serves() {
	other vtl list | finds "^$1  *served"
}

start_targetd
start_other
expect_status 0 targetd vtl create main --tapes 3 --drives 1 --tape-size 64M
tapes=$target_state/tapes/main
grep -q "^library main of granary-targetd, process $targetd_pid on .*, state folder $target_state\$" \
	"$tapes/.served" || fail "it is not written there who serves the folder"

# ---- two daemons on a state folder, or on the folder of all tapes
status=0
granary-targetd --root "$target_root" --portal 127.0.0.1:0 2>"$scratch/second.log" || status=$?
check_equal "$status" 1 "exit status of a second daemon"
grep -q 'another granary-targetd runs on this state folder\|another process answers at this control socket' \
	"$scratch/second.log" || fail "$(cat "$scratch/second.log")"
status=0
granary-targetd --root "$target_root" --control "$scratch/second.sock" --portal 127.0.0.1:0 \
	2>"$scratch/second.log" || status=$?
check_equal "$status" 1 "exit status of a second daemon with another control socket"
grep -q 'another granary-targetd runs on this state folder' "$scratch/second.log" || fail "$(cat "$scratch/second.log")"
status=0
granary-targetd --root "$scratch/third" --tapes "$target_state/tapes" --portal 127.0.0.1:0 \
	2>"$scratch/second.log" || status=$?
check_equal "$status" 1 "exit status of a second daemon with the same tapes"
grep -q 'another granary-targetd has its tapes in this folder' "$scratch/second.log" || fail "$(cat "$scratch/second.log")"
expect_status 0 targetd vtl load main G00001L8 1

# ---- one folder of cartridges
for name in "$tapes" "$scratch/alias"; do
	[ -e "$name" ] || ln -s "$tapes" "$name"
	expect_status 1 other vtl create mine --adopt --folder "$name"
	expect_output "is served already, by library main of granary-targetd, process $targetd_pid "
	check_equal "$(find "$other_root/lib/targetd/libraries" -name '*.conf')" "" "a file of a refused library"
done
# Nor by another name of it in the same daemon.
expect_status 1 targetd vtl create twice --adopt --folder "$scratch/alias"
expect_output 'is served already, by library main '
expect_status 1 targetd vtl create twice --tapes 1 --folder "$scratch/alias"
expect_output 'is served already, by library main '
expect_status 0 targetd vtl show main
[ -e "$tapes/.served" ] || fail "it is not said any more who serves the folder"

# The file goes with the library; an empty folder is free for a new one.
expect_status 0 targetd vtl delete main
[ ! -e "$tapes/.served" ] || fail "what said who serves the folder stays"
expect_status 0 other vtl create mine --adopt --folder "$tapes"
check_equal "$(other tape list mine | grep -c ' slot')" 3 "tapes that were adopted"
expect_status 0 other vtl update mine --slots 30
[ -e "$tapes/.served" ] || fail "a library of another size has lost its folder"
expect_status 1 targetd vtl create main --adopt
expect_output "by library mine of granary-targetd, process $other_pid "

# One that is listed waits for it, and is served without being asked; also after a kill.
cp "$other_root/lib/targetd/libraries/mine.conf" "$scratch/mine.conf"
stop_other
[ ! -e "$tapes/.served" ] || fail "what said who serves the folder stays"
expect_status 0 targetd vtl create main --adopt
start_other
expect_status 0 other vtl list
expect_output '^mine  *failed '
expect_output "^mine: failed: .*is served already, by library main of granary-targetd, process $targetd_pid "
expect_status 1 other vtl elements mine
expect_status 1 other vtl reopen mine
expect_output 'is still not served: .*by library main'
kill_targetd
[ -e "$tapes/.served" ] || fail "the file of a killed daemon is gone: nothing is tested"
wait_for 60 other_serves mine || fail "the folder of a daemon that was killed is not served"
grep -q "library mine .* process $other_pid " "$tapes/.served" || fail "it still says who had the folder"
start_targetd
expect_status 0 targetd vtl show main
expect_output 'by library mine'
expect_status 0 other vtl delete mine --purge
[ ! -e "$tapes" ] || fail "the folder of the tapes stays"
stop_other

# ---- without locks, or where nothing can be written, a library is served all the same
expect_status 0 targetd vtl delete main
mkdir -p "$tapes/.served"
expect_status 0 targetd vtl create main --adopt
grep -q 'it cannot be locked (.*): nothing keeps another daemon' "$targetd_log" || fail "it is not said that there is no lock"
stop_targetd
