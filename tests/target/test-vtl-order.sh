#!/bin/bash
# SPDX-License-Identifier: MIT
# A drive is where its file says that it is, also where its LUN and its address come in another order.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
targetd vtl create main --tapes 2 --drives 2 --slots 4 --tape-size 64M >/dev/null
stop_targetd
conf=$target_state/libraries/main.conf
sed -i 's/{ address = 500; model/{ address = other; model/
s/{ address = 501; model/{ address = 500; model/
s/{ address = other; model/{ address = 501; model/' "$conf"
start_targetd

member() { # LUN NAME
	targetd vtl drives main --json | python3 -c 'import json, sys
for drive in json.load(sys.stdin):
	if drive["lun"] == int(sys.argv[1]):
		print(drive[sys.argv[2]])' "$1" "$2"
}
check_equal "$(member 1 address) $(member 2 address)" "501 500" "addresses of the file"
expect_status 0 targetd vtl load main G00001L8 500
check_equal "$(member 1 loaded) $(member 2 loaded)" "False True" "the drive that got the tape of place 500"
check_equal "$(member 2 barcode)" G00001L8 "its tape"
expect_status 0 targetd vtl load main G00002L8 1
check_equal "$(place_of main G00002L8)" 501 "place of LUN 1"
restart_targetd
check_equal "$(member 1 barcode) $(member 2 barcode)" "G00002L8 G00001L8" "tapes after another start"
expect_status 0 targetd vtl unload main 2
check_equal "$(member 1 loaded) $(member 2 loaded)" "True False" "the drive that gave its tape back"
stop_targetd
