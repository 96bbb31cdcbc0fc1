#!/bin/bash
# SPDX-License-Identifier: MIT
# A library is made wholly or not at all: whatever write fails, and whenever the daemon is killed.
. "${top_srcdir:-.}/tests/target/targetd.sh"

left_over() {
	find "$target_state/libraries" "$target_state/tapes" -mindepth 1
}

# Each write and each sync of the disk in turn fails, until one more than there are.
failures=0
for point in pwrite fdatasync; do
	for n in 1 2 3 5 8 12 17 23; do
		export GRANARY_FAULT=$point:$n
		start_targetd
		unset GRANARY_FAULT
		status=0
		targetd vtl create main --tapes 3 --drives 1 --slots 4 >"$scratch/output" 2>&1 || status=$?
		if [ "$status" != 0 ]; then
			failures=$((failures + 1))
			check_equal "$status" 1 "exit status after a failure"
			check_equal "$(left_over)" "" "what is left when $point $n fails"
			expect_status 0 targetd vtl create main --tapes 3 --drives 1 --slots 4
		fi
		check_equal "$(targetd vtl elements main | grep -c 'G0000.L8')" 3 "tapes"
		expect_status 0 targetd vtl delete main --purge
		check_equal "$(left_over)" "" "what is left after --purge"
		kill_targetd
	done
done
[ "$failures" -ge 4 ] || fail "only $failures of the faults were met"

# Killed at some moment.
for n in 1 2 3 4 5 6 7 8; do
	start_targetd
	targetd vtl create main --tapes 40 --slots 40 --drives 2 >"$scratch/output" 2>&1 &
	client=$!
	sleep "0.0$n"
	kill_targetd
	wait "$client" 2>/dev/null || true
	start_targetd
	if targetd vtl show main >/dev/null 2>&1; then
		check_equal "$(targetd tape list main | grep -c 'slot')" 40 "tapes of a library that is there"
	else
		check_equal "$(find "$target_state/libraries" -name '*.conf')" "" "a file without a library"
		# Between two renames the folder may have its name already.
		if [ -e "$target_state/tapes/main" ]; then
			expect_status 0 targetd vtl create main --adopt --slots 40
		else
			expect_status 0 targetd vtl create main --tapes 40 --slots 40
		fi
	fi
	expect_status 0 targetd vtl delete main --purge
	check_equal "$(left_over)" "" "what is left at the end"
	stop_targetd
done
