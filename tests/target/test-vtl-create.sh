#!/bin/bash
# SPDX-License-Identifier: MIT
# One command makes a library with tapes in it, which is the same after a stop, a kill and a change
# of its size: identities and addresses stay.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
expect_status 0 targetd vtl list
expect_status 0 targetd vtl create main --tapes 12 --slots 30 --drives 3 --ie-slots 2 --tape-size 64M
expect_output "iscsiadm -m node -T $prefix:main -p $portal --login"
expect_output 'On this host, which alone reaches the portal'
expect_status 0 targetd vtl create second --personality hp-msl --tapes 3 --drive hp-ultrium6 --barcode SEC

check_equal "$(targetd tape list main | grep -c '^G000..L8 ')" 12 "tapes of main"
check_equal "$(targetd tape list second | grep -c '^SEC00.L6 ')" 3 "tapes of second"
check_equal "$(targetd vtl elements main | grep -cE '^ *[0-9]+  slot ')" 30 "slots"
check_equal "$(targetd vtl drives | wc -l)" 6 "drives of both, and a heading"
check_equal "$(place_of main G00001L8)" 1000 "place of the first tape"
check_equal "$(targetd vtl drives main --json | grep -c '"serial"')" 3 "serial numbers"
[ "$(stat -c %a "$target_state/libraries/main.conf")" = 640 ] || fail "mode of main.conf"
check_equal "$(find "$target_state/tapes" -maxdepth 1 -name '.*' | wc -l)" 0 "left-overs"

serials() {
	grep -o 'serial = "[^"]*"; naa = "[^"]*"; uuid = "[^"]*"' "$target_state/libraries/main.conf"
}
before=$(serials)
check_equal "$(echo "$before" | sed 's/;.*//' | sort -u | wc -l)" 4 "different serial numbers"
echo "$before" | finds -vE '^serial = "[A-Z0-9]{10}"' && fail "a serial number has not ten characters"

expect_status 0 targetd vtl load main G00003L8 2
check_equal "$(place_of main G00003L8)" 501 "place after the load"
expect_status 0 targetd vtl move main G00001L8 1025
expect_status 0 targetd vtl move main 1001 10
expect_status 1 targetd vtl move main 1002 1003
expect_status 1 targetd vtl move main 1029 1028
expect_status 1 targetd vtl move main G00099L8 1028
expect_output 'no place has such a tape'
expect_status 1 targetd vtl load main G00004L8 17

kill_targetd
start_targetd
check_equal "$(serials)" "$before" "identities after kill -9"
check_equal "$(place_of main G00003L8)" 501 "loaded tape after kill -9"
check_equal "$(place_of main G00001L8)" 1025 "moved tape after kill -9"
check_equal "$(place_of main G00002L8)" 10 "tape in the import/export slot after kill -9"
targetd vtl drives main | finds '501  *G00003L8' || fail "the tape is not in the drive after kill -9"
targetd vtl drives main --json | finds '"loaded": true' || fail "the tape is not loaded after kill -9"

expect_status 1 targetd vtl unload main 501 501
expect_output 'granary: 501 is a drive: a tape is unloaded into a slot'
expect_status 0 targetd vtl unload main 501
check_equal "$(place_of main G00003L8)" 1002 "back in its slot"

expect_status 0 targetd vtl update main --drives 5 --slots 40 --recycle-days 3 --tape-size 128M
check_equal "$(serials | head -n 4)" "$before" "identities after the library has grown"
check_equal "$(serials | wc -l)" 6 "devices after the library has grown"
check_equal "$(place_of main G00001L8)" 1025 "tapes stay"
expect_status 1 targetd vtl update main --slots 20
expect_output 'tape G00001L8 is in place 1025, which would go'
check_equal "$(targetd vtl elements main | grep -cE '^ *[0-9]+  slot ')" 40 "slots after a change that was refused"
expect_status 0 targetd vtl update main --drives 1
check_equal "$(targetd vtl drives main | wc -l)" 2 "one drive"

expect_status 0 targetd vtl delete second
[ -d "$target_state/tapes/second/SEC001L6" ] || fail "the cartridges went with the library"
expect_status 1 targetd vtl create second --personality hp-msl
expect_output 'adopt takes the cartridges'
expect_status 0 targetd vtl create second --personality hp-msl --drive hp-ultrium6 --adopt
check_equal "$(targetd vtl elements second | grep -c 'SEC00.L6')" 3 "adopted tapes"
expect_status 0 targetd vtl delete second --purge
[ ! -e "$target_state/tapes/second" ] || fail "--purge leaves the cartridges"
stop_targetd

# At all addresses, other hosts are told this one's name and not that it is 0.0.0.0; tried in a network that
# has nothing but a loopback interface.
unshare -rn true 2>/dev/null || exit 0
mkdir "$scratch/own"
# shellcheck disable=SC2016 # for the shell in there
expect_status 0 unshare -rn sh -ec '
	granary-targetd --root "$0" --portal 0.0.0.0 --background --log-file "$0/log"
	granary vtl create open --tapes 1 --drives 1 --barcode OP --root "$0" || status=1
	granary daemon stop targetd --root "$0"
	exit ${status:-0}' "$scratch/own"
expect_output '^On a host that is to use it:$'
expect_output "iscsiadm -m node -T $prefix:open -p $(uname -n):3260 --login"
