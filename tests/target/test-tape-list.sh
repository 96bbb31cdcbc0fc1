#!/bin/bash
# SPDX-License-Identifier: MIT
# Lists say what people ask: how large, locked or restorable until when, in what state, what a drive has;
# as JSON the same is for programs.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
targetd vtl create main --tapes 5 --drives 2 --tape-size 64M >/dev/null
day() { # DAYS from now, in local time, as the lists write it
	date -d "+$1 days" +%Y-%m-%d
}
note() { # BARCODE
	targetd tape list main | sed -n "s/^$1 .*64.0 MiB  //p"
}
member() { # NAME COMMAND...: of the first or only object that the command answers
	local name=$1
	shift
	targetd "$@" --json | python3 -c 'import json, sys
answer = json.load(sys.stdin)
print((answer[0] if isinstance(answer, list) else answer)[sys.argv[1]])' "$name"
}
barcodes() { # OPTION...
	targetd tape list "$@" --json | python3 -c 'import json, sys
print(*(tape["barcode"] for tape in json.load(sys.stdin)))'
}

expect_status 0 targetd tape lock G00001L8 --days 3
expect_output "^G00001L8 is locked until $(day 3) "
expect_status 0 targetd tape protect G00001L8 on
note G00001L8 | finds "^locked until $(day 3) [0-9:]*, write-protected$" || fail "lock: $(note G00001L8)"
check_equal "$(tape_word G00001L8 capacity)" "64.0 MiB" "capacity for people"
check_equal "$(member capacity tape show G00001L8)" 67108864 "capacity for programs"
check_equal "$(member restorable_until tape show G00001L8)" 0 "until when a tape that is there can be restored"

expect_status 0 targetd tape delete G00002L8
note G00002L8 | finds "^can be restored until $(day 7) " || fail "deleted: $(note G00002L8)"
tape_word G00002L8 'can be restored until' | finds "^$(day 7) " || fail "shown: $(tape_word G00002L8 'can be.*')"
check_equal "$(tape_word G00002L8 address)" "" "address of a deleted tape"
deleted=$(member deleted tape show G00002L8)
check_equal "$(member restorable_until tape show G00002L8)" $((deleted + 7 * 86400)) "until when, for programs"

targetd vtl load main G00001L8 >/dev/null
targetd vtl move main G00003L8 10 >/dev/null
targetd vtl take main G00004L8 >/dev/null
check_equal "$(barcodes --state drive)" G00001L8 "tapes in drives"
check_equal "$(barcodes --state deleted)" G00002L8 "deleted tapes"
check_equal "$(barcodes main --state import)" G00003L8 "tapes in import/export slots"
check_equal "$(barcodes --state shelf)" G00004L8 "tapes on the shelf"
check_equal "$(barcodes --state slot)" G00005L8 "tapes in slots"
expect_status 2 targetd tape list --state sold
expect_output 'slot, import, drive, shelf or deleted, not "sold"'

targetd vtl drives main | finds -E '^main +1 +500 +G00001L8 .* write-protected$' || fail "the drive's note"
targetd vtl drives main | finds -E '^main +2 .* 0 B +$' || fail "an empty drive has a note"

expect_status 0 targetd vtl create other --tapes 1 --drives 1 --tape-size 64M
expect_status 0 targetd vtl delete other
expect_output "^other is deleted; its cartridges stay in $target_state/tapes/other$"
expect_status 0 targetd vtl create other --adopt
expect_status 0 targetd vtl delete other --purge
expect_output '^other is deleted, and its cartridges are$'
expect_status 1 targetd vtl delete other
expect_output 'there is no library "other"'
stop_targetd
expect_status 3 targetd vtl delete main
