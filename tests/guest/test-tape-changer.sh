#!/bin/bash
# SPDX-License-Identifier: MIT
# A stock kernel logs in, finds an STK L700 with IBM drives, loads by barcode, writes a tar and reads
# it back, moves tapes about and finds them all again after a restart of the target.
. "${top_srcdir:-.}/tests/guest/tape.sh"

start_targetd
targetd vtl create lib --drives 2 --slots 8 --ie-slots 2 --tapes 4 --tape-size 1G >/dev/null
start_initiator
login lib

lsscsi >"$scratch/devices"
grep -q 'mediumx STK      L700' "$scratch/devices" || fail "no STK L700: $(cat "$scratch/devices")"
check_equal "$(grep -c 'tape    IBM      ULT3580-TD8' "$scratch/devices")" 2 "drives that are IBM's"

mtx -f "$changer" status >"$scratch/status"
grep -q '2 Drives, 10 Slots ( 2 Import/Export )' "$scratch/status" || fail "$(cat "$scratch/status")"
grep -q 'Storage Element 1:Full :VolumeTag=G00001L8' "$scratch/status" || fail "$(cat "$scratch/status")"

# load_status TEXT: mtx says so.
has_status() {
	mtx -f "$changer" status >"$scratch/status"
	grep -q "$1" "$scratch/status" || fail "no '$1' in: $(cat "$scratch/status")"
}
mtx -f "$changer" load 1 0 >/dev/null
has_status 'Data Transfer Element 0:Full (Storage Element 1 Loaded):VolumeTag = G00001L8'
status_has ONLINE
status_has BOT

tree=$top_srcdir/man
tar cf "$drive" -C "$tree" .
tar cf "$drive" -C "$tree" .
mt -f "$drive" rewind
mkdir "$scratch/first" "$scratch/second"
tar xf "$drive" -C "$scratch/first"
mt -f "$drive" fsf 1 2>/dev/null || true
mt -f "$drive" asf 1
tar xf "$drive" -C "$scratch/second"
diff -r "$tree" "$scratch/first"
diff -r "$tree" "$scratch/second"

# A tape that is in the drive cannot be taken to a full slot, and an empty slot gives nothing.
fails mtx -f "$changer" load 8 1
fails mtx -f "$changer" transfer 2 3
mt -f "$drive" offline
mtx -f "$changer" unload 1 0 >/dev/null
has_status 'Storage Element 1:Full :VolumeTag=G00001L8'
mtx -f "$changer" transfer 2 9 >/dev/null
has_status 'Storage Element 9 IMPORT/EXPORT:Full :VolumeTag=G00002L8'
mtx -f "$changer" load 3 1 >/dev/null
has_status 'Data Transfer Element 1:Full (Storage Element 3 Loaded):VolumeTag = G00003L8'
mtx -f "$changer" inventory
mtx -f "$changer" first 0 >/dev/null
has_status 'Data Transfer Element 0:Full (Storage Element 1 Loaded)'

# The operator's hand.
targetd vtl unload lib 500 >/dev/null
has_status 'Data Transfer Element 0:Empty'

logout lib
restart_targetd
iscsiadm -m node -o delete >/dev/null 2>&1 || true
login lib
has_status 'Data Transfer Element 1:Full (Storage Element 3 Loaded):VolumeTag = G00003L8'
has_status 'Storage Element 9 IMPORT/EXPORT:Full :VolumeTag=G00002L8'
mtx -f "$changer" load 1 0 >/dev/null
tar tf "$drive" >/dev/null
logout lib
stop_targetd
