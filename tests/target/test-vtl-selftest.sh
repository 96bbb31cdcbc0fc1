#!/bin/bash
# SPDX-License-Identifier: MIT
# The self test of a library finds every command that should answer, with and without a scratch tape, and
# what is not there.
. "${top_srcdir:-.}/tests/target/targetd.sh"

need python3
grep -q '^#define HAVE_ISCSI' "$top_builddir/config.h" || skip "built without libiscsi"

start_targetd
targetd vtl create main --tapes 3 --drives 2 --tape-size 64M >/dev/null
targetd vtl create other --personality ibm-3584 --tapes 2 --drives 1 --tape-size 64M >/dev/null

for library in main other; do
	expect_status 0 targetd vtl selftest "$library"
	expect_output '^LUN 0: changer'
	expect_output 'B8 *READ ELEMENT STATUS *mandatory *good'
	expect_output ' 0 lines failed'
	# What has no row of its own has a name all the same.
	expect_output '5F/07  PERSISTENT RESERVE OUT, register and move'
	! grep -E '^  [0-9A-F]{2}(/[0-9A-F]{2})? +other ' "$scratch/output" || fail "a command has no name"
done
# A tape that is not there is said behind what was found, not in the middle of it.
expect_status 1 targetd vtl selftest main --tape NONE
tail -n 2 "$scratch/output" | finds 'tape NONE is in no slot' || fail "the complaint is not at the end"

before=$(place_of main G00002L8)
expect_status 0 targetd vtl selftest main --tape G00002L8
expect_output 'READ(6) of a filemark *scratch tape *0/00/01 filemark$'
for method in 'Reed-Solomon CRC' CRC32C; do
	expect_output "MODE SELECT(10), $method *scratch tape *good"
done
expect_output 'WRITE(6), one that is wrong *scratch tape *4/10/01$'
expect_output ' 0 lines failed'
check_equal "$(place_of main G00002L8)" "$before" "where the tape is after the self test"

targetd vtl selftest main --tape G00002L8 --json >"$scratch/selftest.json"
python3 - "$scratch/selftest.json" <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
assert report["good"] and report["failed"] == 0, report
assert [u["type"] for u in report["units"]] == ["changer", "drive", "drive"], report["units"]
assert all(len(u["commands"]) > 25 for u in report["units"])
assert len(report["tape"]["steps"]) > 45
END

# A tape that cannot be written shows that the test can fail, and comes back all the same.
targetd tape lock G00003L8 --days 2 >/dev/null
granary-tape write --file 0 "iscsi://$portal/$prefix:main/1" </dev/null 2>/dev/null && fail "no tape, and written"
targetd vtl load main G00003L8 1 >/dev/null
head -c 5000 /dev/zero | granary-tape write "iscsi://$portal/$prefix:main/1"
targetd vtl unload main 1 >/dev/null
before=$(place_of main G00003L8)
expect_status 1 targetd vtl selftest main --tape G00003L8
expect_output 'FAILED: another answer was due'
check_equal "$(place_of main G00003L8)" "$before" "where the tape is after a self test that failed"

expect_status 1 targetd vtl selftest main --tape G00009L8
expect_output 'is in no slot'
expect_status 1 targetd vtl selftest nothing
stop_targetd
