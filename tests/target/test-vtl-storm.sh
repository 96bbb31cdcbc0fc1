#!/bin/bash
# SPDX-License-Identifier: MIT
# Verbs of all kinds at the same time, and initiators that come and go: the daemon goes on, no tape is lost
# or in two places, and it ends when it is told to.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
for name in a b; do
	targetd vtl create $name --tapes 3 --slots 6 --ie-slots 1 --drives 2 --tape-size 16M >/dev/null
done
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
storms=()
for what in lists lists libraries sizes moves moves tapes hosts; do
	storm $what &
	storms+=($!)
done
for storm in "${storms[@]}"; do
	wait "$storm"
done

grep -q 'c is ready' "$scratch/libraries.out" || fail "no library was made: $(tail -n 3 "$scratch/libraries.out")"
check_equal "$(targetd tape list | grep -c 'G0000[1-6]L8')" 6 "tapes"
for name in a b; do
	check_equal "$(targetd vtl elements $name | grep -o 'G0000[1-6]L8' | sort | uniq -d)" "" "tapes in two places of $name"
done
restart_targetd
check_equal "$(targetd tape list | grep -c 'G0000[1-6]L8')" 6 "tapes after another start"
stop_targetd
