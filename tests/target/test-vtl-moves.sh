#!/bin/bash
# SPDX-License-Identifier: MIT
# Who moves a tape is told in words from where to where, the log says it too, and a tape that is in a
# drive is not loaded again.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
targetd vtl create main --tapes 2 --drives 2 --slots 4 --tape-size 64M >/dev/null
logged() { # LINE: the log has it once
	check_equal "$(grep -cF "granary-targetd: main: tape $1" "$targetd_log")" 1 "times that the log says: $1"
}

expect_status 0 targetd vtl load main G00001L8
expect_output '^G00001L8: slot 1000 -> drive 500$'
logged 'G00001L8: from slot 1000 to drive 500'
expect_status 1 targetd vtl load main G00001L8
expect_output 'tape G00001L8 is in drive 500 already'
expect_status 1 targetd vtl load main G00001L8 2
expect_output 'tape G00001L8 is in drive 500 already'
check_equal "$(place_of main G00001L8)" 500 "place of the tape that was loaded once"
expect_status 1 targetd vtl load main 501 1
expect_output 'drive 501 is empty'
expect_status 0 targetd vtl unload main 1
expect_output '^G00001L8: drive 500 -> slot 1000$'
logged 'G00001L8: from drive 500 to slot 1000'
expect_status 0 targetd vtl move main G00001L8 10
expect_output '^G00001L8: slot 1000 -> import/export slot 10$'

expect_status 0 targetd vtl take main G00002L8
logged 'G00002L8: from slot 1001 to the shelf'
expect_status 0 targetd vtl put main G00002L8 1003
logged 'G00002L8: from the shelf to slot 1003'
expect_status 0 targetd tape create main --barcode NEW001L8
logged 'NEW001L8: from the shelf to slot 1000'
stop_targetd
