#!/bin/bash
# SPDX-License-Identifier: MIT
# examples/tar-to-tape.sh as it stands: twice, and what it leaves is what it found.
. "${top_srcdir:-.}/tests/guest/programs.sh"

start_targetd
targetd vtl create main --tapes 2 --drives 2 --tape-size 256M >/dev/null
start_initiator
start_udev

for turn in 1 2; do
	sh "$top_srcdir/examples/tar-to-tape.sh" "$portal" main "$top_srcdir/man" >"$scratch/turn-$turn" 2>&1 ||
		fail "turn $turn: $(cat "$scratch/turn-$turn")"
	grep -q 'file number=1\|File number=1' "$scratch/turn-$turn" || fail "no filemark: $(cat "$scratch/turn-$turn")"
	! grep -qiE 'error:|differ|warning|cannot|chroot' "$scratch/turn-$turn" || fail "$(cat "$scratch/turn-$turn")"
done
check_equal "$(iscsiadm -m session 2>&1 | grep -c 'No active')" 1 "sessions afterwards: none"
check_equal "$(place_of main G00001L8)" 1000 "the place of the tape"
fails sh "$top_srcdir/examples/tar-to-tape.sh" "$portal" mai "$top_srcdir/man"
grep -q 'shows no library mai' "$scratch/failing" || fail "$(cat "$scratch/failing")"
stop_targetd
