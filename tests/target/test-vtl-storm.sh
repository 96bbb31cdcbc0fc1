#!/bin/bash
# SPDX-License-Identifier: MIT
# Verbs of all kinds at the same time, initiators that come and go, and eight drives that stream: the daemon goes
# on, no tape is lost, damaged or in two places, and it ends when it is told to.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
for name in a b; do
	targetd vtl create $name --tapes 3 --slots 6 --ie-slots 1 --drives 2 --tape-size 16M >/dev/null
done
targetd vtl create d --barcode D --tapes 9 --slots 12 --drives 8 --tape-size 64M >/dev/null
head -c 4000000 /dev/urandom >"$scratch/stream"
end=$((SECONDS + ${STORM_SECONDS:-8}))

# storm FUNCTION: again and again until the end; what is refused is refused.
storm() {
	local round=0
	while [ $SECONDS -lt $end ]; do
		round=$((round + 1))
		"$1" $round || true
	done >"$scratch/$1.out" 2>&1
}
lists() {
	targetd tape list
	targetd vtl list
}
libraries() {
	targetd vtl create c --drives 1 --slots 2 --tapes 1 --tape-size 16M
	targetd vtl delete c --purge --force
}
sizes() {
	targetd vtl update b --slots $((6 + $1 % 3)) --force
}
moves() {
	targetd vtl load a "G0000$((RANDOM % 3 + 1))L8"
	targetd vtl move a "G0000$((RANDOM % 3 + 1))L8" $((RANDOM % 6 + 1000))
	targetd vtl take a "G0000$((RANDOM % 3 + 1))L8"
	targetd vtl put a "G0000$((RANDOM % 3 + 1))L8"
}
tapes() {
	targetd tape clone "G0000$((RANDOM % 3 + 1))L8" C00001L8
	targetd tape delete C00001L8
	targetd tape restore C00001L8
	targetd tape delete C00001L8 --purge
}
hosts() {
	timeout 300 iscsi-inq "iscsi://$portal/$prefix:a/$((RANDOM % 3))" || true
	timeout 300 iscsi-inq "iscsi://$portal/$prefix:b/$((RANDOM % 3))" || true
	timeout 300 iscsi-ls "iscsi://$portal" || sleep 1
}
# A drive of library d is written and read, while tapes are taken out of it.
stream() {
	local number=$1 url=iscsi://$portal/$prefix:d/$1
	while [ $SECONDS -lt $end ]; do
		targetd vtl load d "D0000${number}L8" "$number" || true
		timeout 300 granary-tape write --file 0 --block-size 64K "$url" <"$scratch/stream" || continue
		timeout 300 granary-tape read --file 0 "$url" >"$scratch/read-$number" || continue
		cmp "$scratch/read-$number" "$scratch/stream" && echo "drive $number gave what it was given"
	done >"$scratch/stream-$number.out" 2>&1
}
drives() {
	targetd vtl sessions d
	targetd vtl unload d "$((RANDOM % 8 + 1))"
	targetd tape clone "D0000$((RANDOM % 9 + 1))L8" E00001L8
	targetd tape delete E00001L8 --purge
	[ $(($1 % 8)) -gt 0 ] || targetd vtl update d --slots $((12 + $1 % 3)) --force
}
storms=()
if grep -q '^#define HAVE_ISCSI' "$top_builddir/config.h"; then
	for number in 1 2 3 4 5 6 7 8; do
		stream $number &
		storms+=($!)
	done
fi
for what in lists lists libraries sizes moves moves tapes hosts drives; do
	storm $what &
	storms+=($!)
done
for storm in "${storms[@]}"; do
	wait "$storm"
done

grep -q 'c is ready' "$scratch/libraries.out" || fail "no library was made: $(tail -n 3 "$scratch/libraries.out")"
if [ -e "$scratch/stream-1.out" ]; then
	if ! grep -q 'gave what it was given' "$scratch"/stream-*.out; then # a slow machine, and tapes that went
		end=$((SECONDS + 1))
		stream 1
	fi
	grep -q 'gave what it was given' "$scratch"/stream-*.out || fail "no drive has streamed: $(tail -n 3 "$scratch"/stream-*.out)"
	echo "drives gave what they were given $(cat "$scratch"/stream-*.out | grep -c 'gave what') times"
	! grep -q 'differ:' "$scratch"/stream-*.out || fail "a drive gave other bytes: $(grep differ: "$scratch"/stream-*.out)"
fi
for number in 1 2 3 4 5 6 7 8; do
	expect_status 0 targetd tape check "D0000${number}L8"
done
check_equal "$(targetd tape list | grep -c 'G0000[1-6]L8')" 6 "tapes"
for name in a b; do
	check_equal "$(targetd vtl elements $name | grep -o 'G0000[1-6]L8' | sort | uniq -d)" "" "tapes in two places of $name"
done
restart_targetd
check_equal "$(targetd tape list | grep -c 'G0000[1-6]L8')" 6 "tapes after another start"
stop_targetd
