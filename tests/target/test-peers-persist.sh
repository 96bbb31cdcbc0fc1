#!/bin/bash
# SPDX-License-Identifier: MIT
# Reservations that are to outlive a power loss (APTPL) do, as Debian's sg_persist sees it: over the
# daemon's death and a new size of the library; REGISTER AND MOVE hands one over; and what cannot be
# read is not passed over.
. "${top_srcdir:-.}/tests/target/targetd.sh"

need sg_persist sg_raw

other=iqn.2026-11.test:other
drive=/dev/sg1

# The port changes with each start.
start() {
	start_targetd
	export SGIO_URL_1=iscsi://$portal/$prefix:main/1 SGIO_URL_2=iscsi://$portal/$prefix:main/2
}
peer() {
	expect_status 0 env LD_PRELOAD="$top_builddir/tests/target/sgio.so" "$@"
}
peer_conflicts() {
	expect_status 24 env LD_PRELOAD="$top_builddir/tests/target/sgio.so" "$@"
}
says() {
	grep -qF -e "$1" "$scratch/output" || {
		cat "$scratch/output" >&2
		fail "nothing says '$1'"
	}
}

start
targetd vtl create main --drives 2 --slots 4 --tapes 2 --tape-size 64M >/dev/null
file=$target_state/libraries/main.reservations

# Without APTPL they end with the daemon.
peer sg_persist -o -G -S 0xabc $drive
peer sg_persist -k $drive
says 0xabc
peer sg_persist -c $drive
says '(PTPL_C): 1'
says '(PTPL_A): 0'
kill_targetd
start
peer sg_persist -k $drive
says 'NO registered reservation keys'
[ ! -e "$file" ] || fail "a file, though nothing is to be kept"

peer sg_persist -o -G -Z -S 0xabc $drive
SGIO_INITIATOR=$other peer sg_persist -o -G -Z -S 0xdef $drive
peer sg_persist -o -R -K 0xabc -T 3 $drive
peer sg_persist -o -G -Z -S 0x123 /dev/sg2
check_equal "$(stat -c %a "$file")" 640 "who may read the file"
kill_targetd
start
peer sg_persist -c $drive
says '(PTPL_A): 1'
peer sg_persist -s $drive
says '0xabc'
says '0xdef'
says '<< Reservation holder >>'
SGIO_INITIATOR=$other peer_conflicts sg_raw $drive 01 00 00 00 00 00
peer sg_persist -k /dev/sg2
says '0x123'

# Handed over to the other port, whose name full status has told; and kept there.
peer sg_persist -s $drive
id=$(grep -o "$other,i,0x[0-9a-f]*" "$scratch/output") || fail "full status does not name $other"
peer sg_persist -o -M -Z -K 0xabc -S 0xdef -Q 1 -X "$id" $drive
peer sg_persist -r $drive
says 'Key=0xdef'
restart_targetd
export SGIO_URL_1=iscsi://$portal/$prefix:main/1 SGIO_URL_2=iscsi://$portal/$prefix:main/2
peer sg_persist -r $drive
says 'Key=0xdef'
peer_conflicts sg_raw $drive 01 00 00 00 00 00

# The library is closed and opened again; a drive that goes takes its own with it.
targetd vtl update main --drives 1 --force >/dev/null
peer sg_persist -r $drive
says 'Key=0xdef'
SGIO_INITIATOR=$other peer sg_persist -o -L -K 0xdef -T 3 $drive
! grep -q 0000000000000123 "$file" || fail "the registration of a drive that is gone is in the file"

# A file that is wrong keeps the library shut, and says so.
stop_targetd
cp "$file" "$scratch/kept"
sed -i 's/type = 0/type = 2/' "$file"
start
grep -q 'main: the library is not served' "$targetd_log" ||
	fail "a library is served though its reservations cannot be read"
grep -q 'main.reservations' "$targetd_log" || fail "the log does not name the file"
stop_targetd
cp "$scratch/kept" "$file"
start
peer sg_persist -k $drive
says '0xabc'
peer sg_persist -o -C -K 0xabc $drive
kill_targetd
start
peer sg_persist -k $drive
says 'NO registered reservation keys'
targetd vtl delete main --force --purge >/dev/null
[ ! -e "$file" ] || fail "the file outlives the library"
stop_targetd
