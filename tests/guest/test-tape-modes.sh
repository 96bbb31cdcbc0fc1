#!/bin/bash
# SPDX-License-Identifier: MIT
# What st can be set to, and the tapes that are not plain ones: fixed blocks with and without the
# driver's buffers, block sizes from one byte to the largest, cpio, logical positions, two
# partitions, WORM, locked and write-protected tapes, two sessions with one drive, a drive that comes later.
. "${top_srcdir:-.}/tests/guest/tape.sh"

start_targetd
targetd vtl create lib --drives 1 --slots 6 --tapes 3 --tape-size 256M >/dev/null
targetd tape create lib --barcode W00001LY --medium LTO-8-WORM --size 256M >/dev/null
start_initiator
login lib 1
mtx -f "$changer" load 1 0 >/dev/null

mkdir "$scratch/in"
head -c 2M /dev/urandom >"$scratch/in/random"
cp -r "$top_srcdir/examples" "$scratch/in/text"

# round_trip SIZE [COUNT]: random blocks, written and read back from the beginning.
round_trip() {
	head -c $(($1 * ${2:-1})) /dev/urandom >"$scratch/out"
	mt -f "$drive" rewind
	dd if="$scratch/out" of="$drive" bs="$1" status=none
	mt -f "$drive" rewind
	dd if="$drive" of="$scratch/back" bs="$1" status=none
	cmp "$scratch/out" "$scratch/back" || fail "$2 blocks of $1 bytes do not come back"
}

# ---- fixed blocks; what the driver does with them in its own buffer ----
for options in "" "buffer-writes" "buffer-writes async-writes read-ahead"; do
	mt -f "$drive" stclearoptions buffer-writes async-writes read-ahead
	# shellcheck disable=SC2086
	[ -z "$options" ] || mt -f "$drive" stsetoptions $options
	for size in 512 65536; do
		mt -f "$drive" setblk "$size"
		mt -f "$drive" rewind
		dd if="$scratch/in/random" of="$drive" bs=128k count=8 status=none
		dd if="$scratch/in/random" of="$drive" bs="$size" count=7 status=none
		file_number_is 2
		mt -f "$drive" rewind
		dd if="$drive" bs=64k status=none | cmp -n 1048576 - "$scratch/in/random"
		[ "$(dd if="$drive" bs="$size" status=none | cmp -n $((size * 7)) - "$scratch/in/random" && echo same)" = same ] ||
			fail "fixed $size, '$options': the second file is not the same"
		# What is not a multiple is refused before it reaches the tape.
		fails dd if="$scratch/in/random" of="$drive" bs=700 count=1 status=none
	done
done
mt -f "$drive" stsetoptions buffer-writes async-writes read-ahead
mt -f "$drive" setblk 0
for odd in 1:3 511:5 700:2 65537:3 1048576:2 8388608:1; do
	round_trip "${odd%:*}" "${odd#*:}"
done
# Larger than READ BLOCK LIMITS allows, and a block that the buffer does not hold.
mt -f "$drive" rewind
fails dd if=/dev/zero of="$drive" bs=8388609 count=1 status=none
mt -f "$drive" rewind
dd if="$scratch/in/random" of="$drive" bs=64k count=4 status=none
mt -f "$drive" rewind
fails dd if="$drive" of=/dev/null bs=32k count=1 status=none
grep -q 'Cannot allocate memory' "$scratch/failing" || fail "a block too large: $(cat "$scratch/failing")"
mt -f "$drive" rewind
dd if="$drive" bs=256k status=none | cmp -n 262144 - "$scratch/in/random"

# ---- the other verbs ----
mt -f "$drive" rewind
(cd "$scratch/in" && find . -depth -print0 | cpio -0 -o -H newc --quiet -C 65536 -O "$drive")
(cd "$scratch/in" && tar cf "$drive" .)
mt -f "$drive" rewind
mkdir "$scratch/cpio"
(cd "$scratch/cpio" && cpio -id --quiet -C 65536 -I "$drive")
diff -r "$scratch/in" "$scratch/cpio"
mt -f "$drive" rewind
mt -f "$drive" fsfm 1
file_number_is 0 -1
mt -f "$drive" fsf 1
tar df "$drive" -C "$scratch/in"
mt -f "$drive" stsetoptions scsi2logical
mt -f "$drive" seek 5
mt -f "$drive" tell | finds 'block 5\.' || fail "tell: $(mt -f "$drive" tell)"
mt -f "$drive" stclearoptions scsi2logical
mt -f "$drive" tell | finds 'block 5\.' || fail "tell: $(mt -f "$drive" tell)"
mt -f "$drive" retension
mt -f "$drive" drvbuffer 0
mt -f "$drive" drvbuffer 1
mt -f "$drive" setdensity 0x5e
mt -f "$drive" stsetoptions fast-eod
mt -f "$drive" seod
tar cf "$drive" -C "$scratch/in" text
mt -f "$drive" stclearoptions fast-eod
mt -f "$drive" rewind
mt -f "$drive" asf 2
tar df "$drive" -C "$scratch/in"
mt -f "$drive" stsetoptions two-fms
mt -f "$drive" rewind
dd if="$scratch/in/random" of="$drive" bs=64k count=2 status=none
mt -f "$drive" eod
mt -f "$drive" tell | finds 'block 4\.' || fail "two filemarks: $(mt -f "$drive" tell)"
mt -f "$drive" stclearoptions two-fms
mt -f "$drive" stsetoptions no-wait
mt -f "$drive" rewind
mt -f "$drive" stclearoptions no-wait
mt -f "$drive" rewind
# No tape of this kind has setmarks.
fails mt -f "$drive" fss 1
mt -f "$drive" rewind

# ---- two partitions ----
mt -f "$drive" stsetoptions can-partitions
mt -f "$drive" mkpartition 64
mt -f "$drive" status | finds 'partition=0' || fail "$(mt -f "$drive" status)"
dd if="$scratch/in/random" of="$drive" bs=64k count=16 status=none
mt -f "$drive" setpartition 1
dd if="$scratch/in/random" of="$drive" bs=32k count=8 status=none
mt -f "$drive" status | finds 'partition=1' || fail "$(mt -f "$drive" status)"
# The page of mt has it the other way round: partition, block.
mt -f "$drive" partseek 0 3
dd if="$drive" bs=64k count=1 status=none | cmp - <(dd if="$scratch/in/random" bs=64k skip=3 count=1 status=none)
mt -f "$drive" partseek 1 2
dd if="$drive" bs=32k count=1 status=none | cmp - <(dd if="$scratch/in/random" bs=32k skip=2 count=1 status=none)
fails mt -f "$drive" setpartition 2
mt -f "$drive" setpartition 0
mt -f "$drive" mkpartition 0
[ "$(dd if="$drive" bs=64k status=none 2>/dev/null | wc -c)" = 0 ] || fail "formatting left what was there"
fails mt -f "$drive" setpartition 1
mt -f "$drive" stclearoptions can-partitions
mt -f "$drive" offline
mtx -f "$changer" unload 1 0 >/dev/null

# ---- WORM: appended to, never written over ----
mtx -f "$changer" load 4 0 >/dev/null
dd if="$scratch/in/random" of="$drive" bs=64k count=4 status=none
dd if="$scratch/in/random" of="$drive" bs=32k count=4 status=none
mt -f "$drive" rewind
fails dd if=/dev/zero of="$drive" bs=64k count=1 status=none
mt -f "$drive" rewind
fails mt -f "$drive" erase
mt -f "$drive" rewind
dd if="$drive" bs=64k status=none | cmp -n 262144 - "$scratch/in/random"
dd if="$drive" bs=64k status=none | cmp -n 131072 - "$scratch/in/random"
mt -f "$drive" eod
dd if="$scratch/in/random" of="$drive" bs=16k count=4 status=none
mt -f "$drive" offline
mtx -f "$changer" unload 4 0 >/dev/null

# ---- a tape that is locked can be appended to, as a WORM tape can ----
mtx -f "$changer" load 2 0 >/dev/null
dd if="$scratch/in/random" of="$drive" bs=64k count=4 status=none
mt -f "$drive" offline
mtx -f "$changer" unload 2 0 >/dev/null
targetd tape lock G00002L8 --days 1 >/dev/null
mtx -f "$changer" load 2 0 >/dev/null
fails dd if=/dev/zero of="$drive" bs=64k count=1 status=none
mt -f "$drive" rewind
fails mt -f "$drive" erase
mt -f "$drive" rewind
fails mt -f "$drive" weof 1
mt -f "$drive" eod
dd if="$scratch/in/random" of="$drive" bs=16k count=4 status=none
mt -f "$drive" rewind
dd if="$drive" bs=64k status=none | cmp -n 262144 - "$scratch/in/random"
dd if="$drive" bs=64k status=none | cmp -n 65536 - "$scratch/in/random"
mt -f "$drive" offline
mtx -f "$changer" unload 2 0 >/dev/null

# ---- a tape that is write-protected is read, and not written in any way ----
mtx -f "$changer" load 3 0 >/dev/null
dd if="$scratch/in/random" of="$drive" bs=64k count=4 status=none
mt -f "$drive" offline
mtx -f "$changer" unload 3 0 >/dev/null
targetd tape protect G00003L8 on >/dev/null
mtx -f "$changer" load 3 0 >/dev/null
status_has WR_PROT
fails tar cf "$drive" -C "$scratch/in" text
grep -q 'Read-only file system' "$scratch/failing" || fail "a protected tape: $(cat "$scratch/failing")"
fails mt -f "$drive" weof 1
fails mt -f "$drive" erase
mt -f "$drive" rewind
dd if="$drive" bs=64k status=none | cmp - <(head -c 262144 "$scratch/in/random")
[ "$(dd if="$drive" bs=64k status=none 2>/dev/null | wc -c)" = 0 ] || fail "the protected tape is longer than before"
mt -f "$drive" offline
mtx -f "$changer" unload 3 0 >/dev/null
targetd tape protect G00003L8 off >/dev/null

# ---- two sessions of one host: both are the same drive ----
mtx -f "$changer" load 3 0 >/dev/null
iscsiadm -m node -T "$prefix:lib" -p "$portal" -o update -n node.session.nr_sessions -v 2
iscsiadm -m node -T "$prefix:lib" -p "$portal" --login >/dev/null
wait_for 60 devices_are 'tape ' 2 || fail "$(lsscsi): no second session"
wait_for 60 test -c /dev/nst1
dd if="$scratch/in/random" of=/dev/nst0 bs=64k count=4 status=none
mt -f /dev/nst1 rewind
dd if=/dev/nst1 bs=64k status=none | cmp -n 262144 - "$scratch/in/random"
check_equal "$(targetd vtl sessions --json | grep -c data_digest)" 2 "sessions"
mt -f /dev/nst1 offline
status_has DR_OPEN

# ---- a drive that comes later is found by a rescan ----
targetd vtl update lib --drives 2 --force >/dev/null
relogged() {
	[ "$(targetd vtl sessions --json | grep -c data_digest)" = 2 ]
}
wait_for 90 relogged || fail "the sessions do not come back: $(targetd vtl sessions)"
iscsiadm -m session --rescan >/dev/null
wait_for 60 devices_are 'tape ' 4 || fail "$(lsscsi): four paths to two drives were expected"
wait_for 60 mtx -f "$changer" status
mtx -f "$changer" status | finds '2 Drives' || fail "$(mtx -f "$changer" status)"
iscsiadm -m node -T "$prefix:lib" -p "$portal" --logout >/dev/null
stop_targetd
