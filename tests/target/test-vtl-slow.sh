#!/bin/bash
# SPDX-License-Identifier: MIT
# While a tape is copied or removed, which may take hours, nobody who asks for something else waits. What would
# end the library meanwhile is refused, or gives the clone up; a purge looks at every tape again at its end.
. "${top_srcdir:-.}/tests/target/targetd.sh"

# A verb that would wait for the gate ends with 124.
quick() { # STATUS VERB...
	local status=$1
	shift
	expect_status "$status" timeout 600 granary "$@" --root "$target_root"
}
# shellcheck disable=SC2317 # called by wait_for
is_not_served() {
	! targetd vtl list | finds "^$1  *served"
}
# What runs behind: its output goes to $scratch/behind.
behind() { # VERB...
	granary "$@" --root "$target_root" >"$scratch/behind" 2>&1 &
	behind_pid=$!
}
behind_ends() { # STATUS
	local status=0
	wait "$behind_pid" || status=$?
	check_equal "$status" "$1" "exit status of what ran behind ($(cat "$scratch/behind"))"
}
is_behind() {
	kill -0 "$behind_pid" 2>/dev/null || fail "it has ended already: $(cat "$scratch/behind")"
}

# ---- a clone
close_gate cartridge-clone
start_targetd
open_gate
for name in main other; do
	quick 0 vtl create $name --tapes 4 --drives 1 --tape-size 64M --slots 9
done
tapes=$target_state/tapes/main
close_gate cartridge-clone
behind tape clone G00001L8 C00001L8
await_gate
quick 0 tape list
quick 0 tape create main --barcode N00001L8
quick 0 tape lock N00001L8 --days 1
quick 0 vtl load main G00002L8 1
quick 0 vtl unload main 1
quick 0 vtl move main G00002L8 10
quick 0 tape delete G00002L8
quick 0 tape restore G00002L8
quick 1 tape delete G00001L8
expect_output 'tape G00001L8 is in use'
quick 1 tape clone G00001L8 C00002L8
expect_output 'is in use'
for verb in "vtl delete main" "vtl delete main --purge" "vtl update main --slots 20"; do
	# shellcheck disable=SC2086 # several words
	quick 1 $verb
	expect_output 'a tape is being cloned from or to library main: --force gives the clone up'
done
quick 0 vtl update main --tape-size 32M
quick 0 vtl delete other
quick 0 vtl create other --adopt
is_behind
open_gate
behind_ends 0
quick 0 tape show C00001L8

# ---- a change of the library gives the clone up, and meanwhile its barcodes are not free
close_gate cartridge-clone
granary tape clone G00001L8 C00003L8 --root "$target_root" >"$scratch/clone" 2>&1 &
clone=$!
await_gate
behind vtl update main --slots 20 --force
wait_for 60 is_not_served main || fail "the library is served all the same"
quick 0 vtl list
expect_output '^main: .*is being changed'
quick 1 vtl elements main
expect_output 'library main is not served: it is being changed'
for verb in "vtl delete main" "vtl reopen main" "vtl update main --slots 30" "vtl create main"; do
	# shellcheck disable=SC2086 # several words
	quick 1 $verb
done
quick 1 tape create other --barcode G00001L8
expect_output 'library main'
quick 0 vtl load other G00005L8 1
is_behind
open_gate
behind_ends 0
status=0
wait "$clone" || status=$?
check_equal "$status" 1 "exit status of a clone that was given up"
quick 0 vtl show main
expect_output '^slots  *20'
quick 1 tape show C00003L8
[ -z "$(find "$tapes" -name '.new-*')" ] || fail "something is left of the clone"

# ---- a purge that waits: who has got, locked or opened a tape by its end keeps all of them
purge_behind() {
	close_gate cartridge-clone
	granary tape clone G00006L8 C00004L8 --to main --root "$target_root" >"$scratch/clone" 2>&1 &
	clone=$!
	await_gate
	behind vtl delete main --force --purge
	wait_for 60 is_not_served main || fail "the library is served all the same"
}
purge_ends() { # STATUS
	is_behind
	open_gate
	behind_ends "$1"
	wait "$clone" || true
}
all_there() {
	for name in G00001L8 G00002L8 G00003L8 G00004L8 C00001L8; do
		[ -e "$tapes/$name/p0.data" ] || fail "$name is gone"
	done
	quick 0 vtl create main --adopt
}
mv "$tapes/N00001L8" "$scratch/locked"
quick 0 vtl take main 1004 || true
conf=$tapes/G00003L8/cartridge.conf
cp "$conf" "$scratch/open.conf"
quick 0 tape lock G00003L8 --days 1
cp "$conf" "$scratch/locked.conf"
cp "$scratch/open.conf" "$conf"

purge_behind
cp "$scratch/locked.conf" "$conf"
quick 1 vtl create mine --adopt --folder "$tapes"
expect_output 'is served already, by library main of granary-targetd'
purge_ends 1
grep -q 'tape G00003L8 is locked until .*: no tape was deleted' "$scratch/behind" || fail "$(cat "$scratch/behind")"
all_there
cp "$scratch/open.conf" "$conf"

purge_behind
exec 9<>"$tapes/G00004L8/lock"
flock -n 9 || fail "the tape is locked already"
purge_ends 1
grep -q 'tape G00004L8 is in use.*: no tape was deleted' "$scratch/behind" || fail "$(cat "$scratch/behind")"
exec 9>&-
all_there

purge_behind
mv "$scratch/locked" "$tapes/N00001L8"
purge_ends 1
grep -q 'tape N00001L8 is locked until' "$scratch/behind" || fail "$(cat "$scratch/behind")"
mv "$tapes/N00001L8" "$scratch/locked"
all_there
purge_behind
purge_ends 0
[ ! -e "$tapes" ] || fail "the folder of the tapes stays"
stop_targetd

# ---- a removal
close_gate cartridge-remove
start_targetd
open_gate
quick 0 vtl create main --barcode R --tapes 4 --drives 1 --tape-size 64M
quick 0 vtl create third --barcode S --tapes 2 --drives 1 --tape-size 64M
close_gate cartridge-remove
behind tape delete R00001L8 --purge
await_gate
quick 0 tape list
! grep -q R00001L8 "$scratch/output" || fail "what is being removed is listed"
quick 0 tape create main --count 2
quick 0 tape delete R00002L8
quick 0 tape restore R00002L8
quick 0 tape lock R00002L8 --days 1
quick 0 vtl load main R00003L8 1
quick 0 vtl update main --slots 40 --force
quick 0 vtl delete other
rm "$gate.reached"
granary vtl delete third --purge --root "$target_root" >"$scratch/third" 2>&1 &
third=$!
await_gate
quick 1 vtl show third
quick 0 tape create main
is_behind
open_gate
behind_ends 0
wait "$third" || fail "$(cat "$scratch/third")"
[ ! -e "$target_state/tapes/third" ] || fail "the folder of the tapes stays"
quick 1 tape show R00001L8
stop_targetd

# ---- a removal of what was deleted long ago keeps no hook waiting, and not the daemon's end: it goes on later
start_targetd
quick 0 tape delete R00004L8
cat >"$target_state/hooks.d/load/10-note" <<-END
	#!/bin/sh
	echo "\$BARCODE" >>"$scratch/loaded"
END
chmod 755 "$target_state/hooks.d/load/10-note"
quick 0 vtl unload main 1
stop_targetd
for folder in "$target_state/tapes/main/.deleted"/R00004L8@*; do
	mv "$folder" "${folder%@*}@1000000000"
done
close_gate cartridge-remove
start_targetd
await_gate
quick 0 vtl load main R00003L8 1
wait_for 60 grep -q R00003L8 "$scratch/loaded" || fail "a load hook waits for a removal"
kill "$targetd_pid"
wait_for 60 grep -q 'stopping on signal' "$targetd_log" || fail "the daemon has not heard of its end"
open_gate
wait "$targetd_pid" || fail "the daemon has ended badly"
targetd_pid=
left=("$target_state/tapes/main"/.new-R00004L8@*)
[ -e "${left[0]}/p0.data" ] || fail "the daemon's end has waited for a removal"
unset GRANARY_FAULT
start_targetd
wait_for 60 test ! -e "${left[0]}" || fail "the removal does not go on after the next start"
rm "$target_state/hooks.d/load/10-note"
stop_targetd

# ---- a robot that waits for a drive: what has to wait for it holds up nobody else, and deletes nothing
close_gate robot-move
start_targetd
open_gate
quick 0 vtl create slow --barcode V --tapes 3 --drives 1 --slots 6 --tape-size 64M
quick 0 vtl create quick --barcode Q --tapes 1 --drives 1 --tape-size 64M
quick 0 vtl take slow V00003L8
close_gate robot-move
behind vtl load slow V00001L8 1
await_gate
waiting=()
for verb in "vtl put slow V00003L8" "tape create slow --barcode W00001L8" "tape clone V00002L8 X00001L8"; do
	# shellcheck disable=SC2086 # several words
	granary $verb --root "$target_root" >"$scratch/waits-${#waiting[@]}" 2>&1 &
	waiting+=($!)
done
wait_for 60 test -e "$target_state/tapes/slow/W00001L8" || fail "the new tape is not there"
wait_for 60 test -e "$target_state/tapes/slow/X00001L8" || fail "the clone is not there"
quick 0 vtl access quick --allow iqn.2020-01.example.backup:server
quick 0 tape create quick
quick 0 tape delete Q00001L8
for tape in V00003L8 W00001L8 X00001L8; do
	quick 1 tape delete $tape
	expect_output 'is being put into a place'
done
is_behind
open_gate
behind_ends 0
for n in 0 1 2; do
	wait "${waiting[n]}" || fail "$(cat "$scratch/waits-$n")"
done
check_equal "$(targetd vtl elements slow | grep -oE '(V0000[1-3]|W00001|X00001)L8' | sort | uniq | wc -l)" 5 "tapes in places"
quick 0 tape delete W00001L8
stop_targetd
