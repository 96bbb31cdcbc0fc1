#!/bin/bash
# SPDX-License-Identifier: MIT
# Trouble: CHAP right and wrong, digests, a reset and a cut connection while a tape is written, the
# target killed: what a filemark has sealed is there, and the position is never a wrong one.
. "${top_srcdir:-.}/tests/guest/tape.sh"

start_targetd
targetd vtl create lib --drives 1 --slots 4 --tapes 2 --tape-size 512M >/dev/null
start_initiator
target=$prefix:lib

setting() {
	iscsiadm -m node -T "$target" -p "$portal" -o update -n "$1" -v "$2"
}

# ---- CHAP ----
printf 'secret of twelve and more\n' >"$scratch/secret"
targetd vtl access lib --allow '*' --user backup --secret-file "$scratch/secret" >/dev/null
iscsiadm -m discovery -t sendtargets -p "$portal" >/dev/null
fails iscsiadm -m node -T "$target" -p "$portal" --login
setting node.session.auth.authmethod CHAP
setting node.session.auth.username backup
setting node.session.auth.password "another one that is wrong"
fails iscsiadm -m node -T "$target" -p "$portal" --login
setting node.session.auth.password "secret of twelve and more"

# ---- digests ----
setting 'node.conn[0].iscsi.HeaderDigest' CRC32C
setting 'node.conn[0].iscsi.DataDigest' CRC32C
iscsiadm -m node -T "$target" -p "$portal" --login >/dev/null
find_devices 1
targetd vtl sessions --json | finds '"data_digest": *true' || fail "no digests: $(targetd vtl sessions --json)"
mtx -f "$changer" load 1 0 >/dev/null
head -c 8M /dev/urandom >"$scratch/one"
dd if="$scratch/one" of="$drive" bs=256k status=none

# ---- a reset while writing: st knows that it has lost its place ----
(dd if=/dev/zero of="$drive" bs=64k count=2000 status=none 2>"$scratch/reset.log" || true) &
writer=$!
sleep 1
sg_reset -d "$(lsscsi -g | awk '$2 == "tape" { print $NF; exit }')" || true
wait "$writer"
mt -f "$drive" rewind
dd if="$drive" bs=256k status=none | cmp - "$scratch/one" || fail "what was sealed before the reset is gone"

# ---- the connection is cut while a tape is written ----
mt -f "$drive" asf 1
(dd if=/dev/zero of="$drive" bs=64k count=3000 status=none 2>"$scratch/cut.log" || true) &
writer=$!
sleep 1
ss -K dst 127.0.0.1 dport = "${portal##*:}" >/dev/null || true
wait "$writer"
wait_for 60 mt -f "$drive" rewind || fail "the drive does not come back"
dd if="$drive" bs=256k status=none | cmp - "$scratch/one" || fail "what was sealed before the cut is gone"

# ---- the target is killed while a tape is written ----
mt -f "$drive" asf 1
head -c 4M /dev/urandom >"$scratch/two"
dd if="$scratch/two" of="$drive" bs=128k status=none
(dd if=/dev/zero of="$drive" bs=64k count=3000 status=none 2>"$scratch/kill.log" || true) &
writer=$!
sleep 1
port=${portal##*:}
kill_targetd
granary-targetd --root "$target_root" --portal "127.0.0.1:$port" --buffer 8M 2>"$scratch/targetd-again.log" &
targetd_pid=$!
wait "$writer"
wait_for 60 mt -f "$drive" rewind || fail "the drive does not come back after kill -9: $(cat "$scratch/targetd-again.log")"
dd if="$drive" bs=256k status=none | cmp - "$scratch/one" || fail "file 0 is gone after kill -9"
dd if="$drive" bs=256k status=none | cmp - "$scratch/two" || fail "file 1 is gone after kill -9"

# ---- another initiator's reservation ----
iscsiadm -m iface -I other --op new >/dev/null
iscsiadm -m iface -I other --op update -n iface.initiatorname -v iqn.2026-11.local.guest:two >/dev/null
iscsiadm -m iface -I other --op update -n iface.transport_name -v tcp >/dev/null
iscsiadm -m discovery -t sendtargets -p "$portal" -I other >/dev/null
for name in authmethod:CHAP username:backup "password:secret of twelve and more"; do
	iscsiadm -m node -T "$target" -p "$portal" -I other -o update -n "node.session.auth.${name%%:*}" -v "${name#*:}"
done
iscsiadm -m node -T "$target" -p "$portal" -I other --login >/dev/null
wait_for 60 devices_are 'tape ' 2
mapfile -t both < <(lsscsi -g | awk '$2 == "tape" { print $NF }')
turs() {
	sg_turs "$1" >/dev/null 2>&1
}
wait_for 20 turs "${both[0]}"
wait_for 20 turs "${both[1]}"
sg_persist --out --register --param-sark=abc "${both[0]}" >/dev/null
sg_persist --out --reserve --param-rk=abc --prout-type=3 "${both[0]}" >/dev/null
sg_persist --in --read-reservation "${both[1]}" | finds 'Key=0xabc' || fail "the reservation is not seen"
sg_raw "${both[1]}" 01 00 00 00 00 00 >"$scratch/conflict" 2>&1 || true
grep -qi 'reservation conflict' "$scratch/conflict" || fail "no conflict: $(cat "$scratch/conflict")"
sg_persist --out --release --param-rk=abc --prout-type=3 "${both[0]}" >/dev/null
sg_raw "${both[1]}" 01 00 00 00 00 00 >/dev/null 2>&1 || sg_raw "${both[1]}" 01 00 00 00 00 00 >/dev/null
stop_targetd
