#!/bin/bash
# SPDX-License-Identifier: MIT
# Whoever moves the tape of a drive has it reserved: another's reservation is respected, nobody else gets in
# between, and it is given back however the program ends.
. "${top_srcdir:-.}/tests/target/targetd.sh"

grep -q '^#define HAVE_ISCSI' "$top_builddir/config.h" || skip "built without libiscsi"

start_targetd
targetd vtl create main --tapes 3 --drives 1 --tape-size 64M >/dev/null
targetd vtl load main G00001L8 1 >/dev/null
url=iscsi://$portal/$prefix:main/1
cd "$scratch"
echo one | granary-tape write "$url" || fail "the tape cannot be written"
conflict='another initiator has reserved the drive'

# ---- another has it
coproc other { "$top_builddir/tests/target/hold-session" "$url"; }
# shellcheck disable=SC2154 # coproc sets it
ask() {
	[ -z "$1" ] || echo "$1" >&"${other[1]}"
	read -r answer <&"${other[0]}"
	check_equal "$answer" "$2" "the answer to '$1'"
}
ask '' in
for kind in 'reserve release' 'persist clear'; do
	ask "${kind% *}" 0
	for verb in "read $url" "write $url" "import $url $scratch/X00001L8"; do
		# shellcheck disable=SC2086 # several words
		expect_status 1 granary-tape $verb </dev/null
		expect_output "$conflict"
		check_equal "$(wc -l <output)" 1 "lines of the message of '$verb'"
	done
	[ ! -e X00001L8 ] || fail "a tape was made"
	ask "${kind#* }" 0
done
targetd vtl unload main 1 >/dev/null
ask there there
ask reserve 0
expect_status 1 targetd vtl selftest main
expect_output 'LUN 1: another initiator has reserved it, and it is not tested'
expect_output ' 0 lines failed'
expect_status 1 targetd vtl selftest main --tape G00002L8
expect_output 'there is no drive for tape G00002L8: another initiator has reserved'
ask release 0
expect_status 0 targetd vtl selftest main --tape G00002L8
ask reserve 0
ask release 0
targetd vtl load main G00001L8 1 >/dev/null
ask there there

# ---- it is ours, and given back
# Not by reserving it: the program would meet that, and be refused.
in_use() {
	echo ready >&"${other[1]}"
	read -r answer <&"${other[0]}"
	[ "$answer" = 24 ]
}
mkfifo input
for signal in INT TERM KILL; do
	# The shell has what runs behind ignore SIGINT.
	env --default-signal=INT granary-tape write --file 0 "$url" <input 2>error &
	writer=$!
	exec 7>input
	echo hello >&7
	wait_for 20 in_use || fail "$answer is the answer while the drive is in use"
	expect_status 1 granary-tape read --file 0 "$url"
	expect_output "$conflict"
	status=0
	if [ "$signal" = KILL ]; then
		kill -KILL "$writer"
		wait "$writer" 2>/dev/null || status=$?
		check_equal "$status" 137 "exit status"
	else
		kill "-$signal" "$writer"
		wait "$writer" || status=$?
		check_equal "$status" 1 "exit status"
		grep -q 'stopped by a signal after .* without a filemark' error || fail "not said: $(cat error)"
	fi
	exec 7>&-
	free() {
		echo reserve >&"${other[1]}"
		read -r answer <&"${other[0]}"
		[ "$answer" = 0 ]
	}
	wait_for 60 free || fail "the drive is still reserved after SIG$signal"
	ask release 0
done
granary-tape read --file 0 "$url" >/dev/null
ask reserve 0
input=${other[1]}
exec {input}>&-
stop_targetd
