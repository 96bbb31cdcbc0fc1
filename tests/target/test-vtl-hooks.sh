#!/bin/bash
# SPDX-License-Identifier: MIT
# Hooks run with barcode, library and paths in their environment and nothing else of the daemon's; one
# that refuses an eject, or takes too long, keeps the tape in its slot.
. "${top_srcdir:-.}/tests/target/targetd.sh"

SECRET_OF_THE_TEST=seen
export SECRET_OF_THE_TEST
start_targetd --hook-seconds 1000
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

targetd daemon stop targetd >/dev/null
wait "$targetd_pid"
start_targetd --hook-seconds 2
hook eject 20-refuse <<-'END'
	#!/bin/sh
	sleep 600
END
begun=$SECONDS
expect_status 1 targetd vtl move main G00002L8 11
[ $((SECONDS - begun)) -lt 300 ] || fail "a hook that hangs was waited for"
check_equal "$(place_of main G00002L8)" 1001 "place after a hook that hangs"
rm "$hooks/eject/20-refuse"

# A hook may use the verbs: what cannot be done while it runs is refused at once, and hangs nobody.
targetd daemon stop targetd >/dev/null
wait "$targetd_pid"
start_targetd --hook-seconds 1000
expect_status 0 targetd vtl move main G00002L8 11
granary=$(command -v granary)
hook eject 20-verbs <<-END
	#!/bin/sh
	verb() {
		"$granary" "\$@" --root "$target_root" >>"$scratch/verbs.out" 2>&1
		echo "\$1 \$2: \$?" >>"$scratch/verbs"
	}
	verb tape clone "\$BARCODE" C00001L8
	verb tape lock G00001L8 --days 1
	verb tape create main --barcode N00001L8
	verb vtl put main N00001L8
	verb vtl move main G00001L8 1009
	verb tape delete G00001L8
	verb vtl delete main --force
	verb vtl update main --slots 30 --force
END
begun=$SECONDS
expect_status 0 targetd vtl take main G00003L8
printf '%s\n' 'tape clone: 0' 'tape lock: 0' 'tape create: 0' 'vtl put: 1' 'vtl move: 1' 'tape delete: 1' \
	'vtl delete: 1' 'vtl update: 1' | diff - "$scratch/verbs" || fail "$(cat "$scratch/verbs.out")"
grep -q 'an eject hook of the library runs' "$scratch/verbs.out" || fail "it is not said why"
[ $((SECONDS - begun)) -lt 600 ] || fail "a verb of a hook was waited for"
expect_status 0 targetd tape show C00001L8
expect_status 0 targetd vtl put main C00001L8
rm "$hooks/eject/20-verbs"

# Nor does one hang that waited for the robot before the hook began, with what the hook needs.
expect_status 0 targetd tape create main --shelf --barcode W00001L8
expect_status 0 targetd vtl create other --tapes 1 --barcode O --drives 1 --tape-size 64M
targetd daemon stop targetd >/dev/null
wait "$targetd_pid"
close_gate robot-move
start_targetd --hook-seconds 1000
hook eject 20-verbs <<-END
	#!/bin/sh
	"$granary" tape lock O00001L8 --days 1 --root "$target_root" >>"$scratch/verbs.out" 2>&1
	echo "\$?" >"$scratch/verbs"
END
begun=$SECONDS
targetd vtl move main G00001L8 1009 >"$scratch/move.out" 2>&1 &
move=$!
await_gate
targetd vtl take main C00001L8 >"$scratch/take.out" 2>&1 &
take=$!
sleep 0.5 # so that it comes before the next one, which is refused while the hook runs
targetd vtl put main W00001L8 >"$scratch/put.out" 2>&1 &
put=$!
sleep 0.5
open_gate
wait "$move" || fail "$(cat "$scratch/move.out")"
taken=yes
wait "$take" || {
	# On a busy machine it may come while the hook runs, as the next one.
	grep -q 'an eject hook of the library runs' "$scratch/take.out" || fail "$(cat "$scratch/take.out")"
	taken=no
}
wait "$put" || grep -q 'an eject hook of the library runs' "$scratch/put.out" || fail "$(cat "$scratch/put.out")"
check_equal "$(cat "$scratch/verbs")" 0 "what the verb of the hook has said"
[ $((SECONDS - begun)) -lt 600 ] || fail "the hook waited for who waited for the robot"
rm "$hooks/eject/20-verbs"
[ $taken = no ] || expect_status 0 targetd vtl put main C00001L8
unset GRANARY_FAULT
rm "$scratch/load.env"
expect_status 0 targetd vtl put main G00003L8
# An LTO-9 tape does not go into these drives: there is no load.
expect_status 0 targetd tape create main --medium LTO-9 --barcode X00001L9
expect_status 1 targetd vtl load main X00001L9 1
[ ! -e "$scratch/load.env" ] || fail "the load hook has run for a load that was refused"

hook load 30-fails <<-'END'
	#!/bin/sh
	exit 1
END
expect_status 0 targetd vtl load main G00003L8 1
wait_for 10 grep -q '30-fails ended with status 1' "$targetd_log" || fail "a failing load hook is not logged"
check_equal "$(place_of main G00003L8)" 500 "a failing load hook stops nothing"
stop_targetd
