#!/bin/bash
# SPDX-License-Identifier: MIT
# Cleaning and scrubbing are started, steered and followed; a terminal gets a bar, a pipe does not.
. "${top_srcdir:-.}/tests/svc/sample.sh"
start_sample
fs() {
	local verb=$1
	shift
	granary fs "$verb" --control "$sample_socket" "$@"
}

# Without an option: start, follow, say what it did.
expect_status 0 fs clean
check_equal "$(cat "$scratch/output")" "freed 3.0 MiB" "output of clean"

# --start returns at once, a second one fails; without an option what runs is followed, what is
# paused is left alone.
expect_status 0 fs clean --start
expect_output 'clean is marking'
expect_status 0 fs status
expect_output '^clean  *marking, .* will free 3.0 MiB$'
expect_status 1 fs clean --start
expect_output 'runs already'
expect_status 0 fs clean
expect_output 'cleaning is under way already'
expect_output 'freed 3.0 MiB'
expect_status 0 fs clean --start
expect_status 0 fs clean --pause
expect_output 'clean is paused'
expect_status 1 fs clean
expect_output 'clean is paused; --resume'
expect_status 0 fs clean --resume --wait
expect_output 'freed 3.0 MiB'
expect_status 0 fs clean --start
expect_status 0 fs clean --stop
expect_status 0 fs clean --wait --json
expect_output '"state": "idle"'

# check tells what is damaged, and nothing in a name reaches the terminal.
expect_status 1 fs check
expect_output '2 damaged chunks, 1 damaged files'
expect_output '^3 damaged directories of packs, 0 repaired$'
expect_output '16.0 KiB  web/a?\[2Jb'
expect_status 1 fs check --json
expect_output '"good": false'
expect_status 0 fs scrub
expect_output '2 damaged chunks'

# On a terminal there is a bar with the phase, and it is gone at the end.
need script
status=0
TERM=vt100 script -qec "granary fs clean --control $sample_socket" "$scratch/typescript" >/dev/null </dev/null || status=$?
check_equal "$status" 0 "clean on a terminal"
grep -q 'marking \[=*>* *\]' "$scratch/typescript" || fail "no bar was drawn"
grep -q 'will free 3.0 MiB' "$scratch/typescript" || fail "the bar has no estimate"
grep -q 'freed 3.0 MiB' "$scratch/typescript" || fail "the end is missing"

# A daemon that goes away while it is followed is not reachable.
for _ in $(seq 20); do
	expect_status 0 fs scrub --start
	(sleep 0.4 && kill -KILL "$sample_pid") &
	status=0
	fs scrub --wait >"$scratch/output" 2>&1 || status=$?
	wait
	[ "$status" = 0 ] || break
	start_sample # it had scrubbed before it was killed
done
sample_pid=
check_equal "$status" 3 "status where the daemon has gone away"
