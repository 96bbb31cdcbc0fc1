#!/bin/bash
# SPDX-License-Identifier: MIT
# What cannot be is refused with one clear sentence, and nothing of it is left behind.
. "${top_srcdir:-.}/tests/target/targetd.sh"

expect_status 3 targetd vtl list
expect_output 'no daemon answers'
start_targetd
nothing() {
	check_equal "$(find "$target_state/libraries" "$target_state/tapes" -mindepth 1 | wc -l)" 0 "what is left of '$*'"
}
refused() {
	local pattern=$1
	shift
	expect_status 1 targetd "$@"
	expect_output "$pattern"
	check_equal "$(wc -l <"$scratch/output")" 1 "lines of the message of '$*'"
	nothing "$@"
}
refused 'must begin with a small letter' vtl create Main
refused 'must begin with a small letter' vtl create ../x
refused 'discovery of all libraries' vtl create discovery
refused 'there is no personality "abc"' vtl create a --personality abc
refused 'there is no drive "abc"; granary vtl personalities lists them' vtl create a --drive abc
refused '1 to 60 drives' vtl create a --drives 61
refused '1 to 60 drives' vtl create a --drives 0
refused 'at least one slot' vtl create a --slots 0
refused 'has addresses for' vtl create a --slots 65000
refused 'do not fit into 5 slots' vtl create a --slots 5 --tapes 6
refused 'a barcode must' vtl create a --barcode a
refused '1 to 5 characters' vtl create a --barcode ABCDEF
refused 'there are not 20 barcodes left' vtl create a --barcode ABCDE --tapes 20
refused 'there is no medium' vtl create a --medium LTO-3
refused 'no drive of library a would write LTO-9' vtl create a --medium LTO-9 --drive ibm-td8
refused 'a tape has at least' vtl create a --tape-size 1000
refused 'at most 36500 days' vtl create a --recycle-days 40000
refused 'no such folder to adopt' vtl create a --adopt
refused 'there is no library "a"' vtl show a
refused 'there is no library "a"' tape create a
: >"$scratch/file"
refused 'cannot be made' vtl create a --folder "$scratch/file/a"
expect_status 2 targetd vtl create a --drives x
expect_status 2 targetd vtl create a --folder ''
expect_status 2 targetd vtl create a --tape-size x
expect_status 2 targetd vtl create
expect_status 2 targetd vtl update a
expect_status 2 targetd tape lock X
nothing usage

expect_status 0 targetd vtl create a --drives 60 --tapes 2
expect_status 1 targetd vtl create a
expect_output 'there is a library a already'
expect_status 1 targetd tape create a --barcode G00001L8
expect_output 'library a has a tape G00001L8 already'
expect_status 1 targetd tape create a --barcode X00001L7 --medium LTO-8
expect_output 'says LTO-7, not LTO-8'
expect_status 0 targetd tape create a --count 2 --prefix W --medium LTO-8-WORM
targetd tape list a | finds '^W00002LY .*WORM' || fail "no WORM tape"
expect_status 1 targetd vtl put a G00001L8
expect_status 1 targetd vtl put a G00099L8
expect_status 1 targetd vtl take a 1019
expect_status 0 targetd vtl take a G00002L8
check_equal "$(tape_word G00002L8 state)" shelf "state of a tape that was taken out"
expect_status 0 targetd vtl put a G00002L8 1015
check_equal "$(place_of a G00002L8)" 1015 "place of a tape that was put in"

# Two daemons cannot have one state folder.
expect_status 1 granary-targetd --root "$scratch/other" --state "$target_state" --portal 127.0.0.1:0
expect_output 'another granary-targetd runs on this state folder'
expect_status 1 granary-targetd --root "$scratch/other" --tapes "$target_state/tapes" --portal 127.0.0.1:0
expect_output 'another granary-targetd has its tapes in this folder'
expect_status 1 targetd vtl update a --tape-size 1
expect_output 'a tape has at least 1 MiB'
expect_status 0 targetd vtl take a G00002L8
expect_status 1 targetd vtl load a G00002L8
expect_output 'tape G00002L8 is on the shelf of library a: granary vtl put a G00002L8'
# A port that is taken, an address that is none, settings that make no sense.
expect_status 1 granary-targetd --root "$scratch/other" --portal "$portal"
expect_output "$portal: cannot listen there"
for address in 127.0.0.1:99999 127.0.0.1:-1 127.0.0.1:x 127.0.0.1: host.example:3260 300.0.0.1 '[::1]:70000'; do
	expect_status 2 timeout 600 granary-targetd --root "$scratch/other" --portal "$address"
	expect_output 'is no address such as'
done
expect_status 2 granary-targetd --root "$scratch/other" --portal 127.0.0.1:0 --buffer 1K
expect_status 2 granary-targetd --root "$scratch/other" --portal ' ,'
expect_status 2 granary-targetd --root "$scratch/other" --iqn-prefix 'x y'
stop_targetd
