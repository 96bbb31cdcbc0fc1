#!/bin/bash
# SPDX-License-Identifier: MIT
# libiscsi's tests of what all SCSI devices have in common pass on a drive with a tape in it and on a
# changer: no failure, and nothing is skipped but what only a disk has.
. "${top_srcdir:-.}/tests/target/targetd.sh"

need iscsi-test-cu

# The suites, how many tests they have at least, and how many of each kind of skip is known.
suites='
Inquiry                  7  disk=2
ModeSense6               5  disk=1 read16=2
PrinReadKeys             2
PrinServiceactionRange   1
PrinReportCapabilities   1
ProutRegister            1
ProutClear               1
ProutPreempt             1
ProutReserve.Simple      1
ProutReserve.Ownership*  6
Reserve6                 7
ReportSupportedOpcodes   4
TestUnitReady            1
'

start_targetd
# One for each unit under test: the resets of one shall not be told to the other.
targetd vtl create tape --drives 1 --slots 2 --tapes 1 --tape-size 64M --barcode TAP >/dev/null
targetd vtl create changer --drives 1 --slots 2 --tapes 1 --tape-size 64M --barcode CHA >/dev/null
targetd vtl load tape TAP001L8 1 >/dev/null
targetd vtl load changer CHA001L8 1 >/dev/null

# check_result SUITE TESTS KNOWN: the output in $result.
check_result() {
	local suite=$1 tests=$2 known=$3 line
	line=$(sed -n 's/^ *tests *\([0-9 ]*\)$/\1/p' "$result")
	# shellcheck disable=SC2086
	set -- $line
	# total, run, passed, failed, inactive
	[ $# = 5 ] && [ "$1" -ge "$tests" ] && [ "$1" = "$2" ] && [ "$1" = "$3" ] && [ "$4" = 0 ] ||
		{ cat "$result"; echo "$suite: tests: $line"; return 1; }
	# That a reset has been told is taken for a failure of the command that hears of it.
	if grep 'FAILED' "$result" | grep -vE 'UNIT_ATTENTION\(6\) ASCQ:[A-Z_]*\(0x290[237]\)'; then
		echo "$suite: FAILED, above"
		return 1
	fi
	local skips
	skips=$(sed -n 's/.*\[SKIPPED\] *//p' "$result" |
		sed 's/^Not SBC device\. Skipping test$/disk/; s/^READ16 is not implemented\.$/read16/' |
		sort | uniq -c | awk '{ n = $1; $1 = ""; sub(/^ /, ""); printf "%s%s=%d", sep, $0, n; sep = " " }')
	[ "$skips" = "$known" ] || { echo "$suite: skipped '$skips', known is '$known'"; return 1; }
}

# run_suites LIBRARY LUN
run_suites() {
	local suite tests known result=$scratch/result-$1
	while read -r suite tests known; do
		[ -n "$suite" ] || continue
		timeout 600 env LD_PRELOAD="$top_builddir/tests/target/sbc-answer.so" \
			iscsi-test-cu --dataloss --normal --test="SCSI.$suite" "iscsi://$portal/$prefix:$1/$2" \
			>"$scratch/said-$1" 2>&1 </dev/null || { cat "$scratch/said-$1"; return 1; }
		# Before its tests it asks for pages of disks.
		sed -n '/CUnit/,$p' "$scratch/said-$1" >"$result"
		check_result "$suite" "$tests" "$known" || return 1
	done <<<"$suites"
}

run_suites tape 1 >"$scratch/tape.out" 2>&1 &
tape=$!
run_suites changer 0 >"$scratch/changer.out" 2>&1 &
changer=$!
wait $tape || { wait $changer || true; fail "the drive: $(cat "$scratch/tape.out")"; }
wait $changer || fail "the changer: $(cat "$scratch/changer.out")"
check_equal "$(place_of tape TAP001L8)" 500 "place of the tape"
stop_targetd
