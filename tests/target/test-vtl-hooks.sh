#!/bin/bash
# SPDX-License-Identifier: MIT
# Hooks run with barcode, library and paths in their environment and nothing else of the daemon's; one
# that refuses an eject, or takes too long, keeps the tape in its slot.
. "${top_srcdir:-.}/tests/target/targetd.sh"

SECRET_OF_THE_TEST=seen
export SECRET_OF_THE_TEST
start_targetd --hook-seconds 2
targetd vtl create main --tapes 3 --drives 1 --tape-size 64M >/dev/null
hooks=$target_state/hooks.d
for event in load unload eject full; do
	[ -d "$hooks/$event" ] || fail "there is no folder for $event hooks"
done
hook() { # EVENT NAME: the script is standard input
	cat >"$hooks/$1/$2"
	chmod 755 "$hooks/$1/$2"
}
for event in load unload eject; do
	hook "$event" 10-note <<-END
		#!/bin/sh
		env >"$scratch/$event.env"
	END
done
: >"$hooks/load/20-not-executable"

expect_status 0 targetd vtl load main G00001L8 1
wait_for 10 grep -q '^BARCODE=G00001L8$' "$scratch/load.env" || fail "the load hook has not run"
for line in EVENT=load LIBRARY=main FROM=1000 TO=500 "CARTRIDGE=$target_state/tapes/main/G00001L8"; do
	grep -qxF "$line" "$scratch/load.env" || fail "the load hook has no $line"
done
grep -q SECRET_OF_THE_TEST "$scratch/load.env" && fail "the daemon's environment goes to hooks"
expect_status 0 targetd vtl unload main 1
wait_for 10 grep -q '^EVENT=unload$' "$scratch/unload.env" || fail "the unload hook has not run"

expect_status 0 targetd vtl move main G00001L8 10
grep -qx 'TO=10' "$scratch/eject.env" || fail "the eject hook has not run before the answer"

hook eject 20-refuse <<-'END'
	#!/bin/sh
	echo "the courier is not here"
	exit 3
END
expect_status 1 targetd vtl move main G00002L8 11
expect_output 'the courier is not here\|hook'
check_equal "$(place_of main G00002L8)" 1001 "place after a refused eject"
grep -q 'ended with status 3: the courier is not here' "$targetd_log" || fail "the log does not say why"

hook eject 20-refuse <<-'END'
	#!/bin/sh
	sleep 60
END
begun=$SECONDS
expect_status 1 targetd vtl move main G00002L8 11
[ $((SECONDS - begun)) -lt 20 ] || fail "a hook that hangs was waited for"
check_equal "$(place_of main G00002L8)" 1001 "place after a hook that hangs"
rm "$hooks/eject/20-refuse"
expect_status 0 targetd vtl move main G00002L8 11

hook load 30-fails <<-'END'
	#!/bin/sh
	exit 1
END
expect_status 0 targetd vtl load main G00003L8 1
wait_for 10 grep -q '30-fails ended with status 1' "$targetd_log" || fail "a failing load hook is not logged"
check_equal "$(place_of main G00003L8)" 500 "a failing load hook stops nothing"
stop_targetd
