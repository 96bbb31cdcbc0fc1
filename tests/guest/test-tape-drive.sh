#!/bin/bash
# SPDX-License-Identifier: MIT
# mt in all its verbs, fixed and variable blocks, filemarks, end of data, the end of the tape and
# archives over several tapes, through the kernel's st driver.
. "${top_srcdir:-.}/tests/guest/tape.sh"

start_targetd
targetd vtl create lib --drives 1 --slots 4 --tapes 3 --tape-size 64M >/dev/null
start_initiator
login lib 1
mtx -f "$changer" load 1 0 >/dev/null

# write_block SIZE COUNT: random blocks, kept in $scratch/FILE.
write_file() {
	head -c $(($2 * $3)) /dev/urandom >"$scratch/$1"
	dd if="$scratch/$1" of="$drive" bs="$2" status=none
}
read_file() {
	dd if="$drive" of="$scratch/back" bs="$2" status=none
	cmp "$scratch/$1" "$scratch/back"
}

# Four files of different blocks; each close writes a filemark.
mt -f "$drive" setblk 0
write_file one 65536 10
write_file two 10240 7
write_file three 1 5
write_file four 524288 3
mt -f "$drive" rewind
read_file one 65536
read_file two 10240
read_file three 1
read_file four 524288
# The end of the data: nothing is read there, and nothing invented.
[ "$(dd if="$drive" bs=64k status=none 2>/dev/null | wc -c)" = 0 ]
mt -f "$drive" rewind
file_number_is 0
status_has BOT

# Positions. Objects: 10 blocks, mark, 7, mark, 5, mark, 3, mark.
mt -f "$drive" fsf 1
file_number_is 1
mt -f "$drive" fsr 3
file_number_is 1 3
mt -f "$drive" tell | finds '14' || fail "tell: $(mt -f "$drive" tell)"
mt -f "$drive" bsr 2
file_number_is 1 1
mt -f "$drive" fsf 2
file_number_is 3
mt -f "$drive" bsf 1
mt -f "$drive" bsfm 1
mt -f "$drive" tell | finds '19' || fail "bsfm: $(mt -f "$drive" tell)"
mt -f "$drive" asf 2
file_number_is 2
read_file three 1
mt -f "$drive" seek 11
read_file two 10240
mt -f "$drive" eod
status_has EOD
mt -f "$drive" tell | finds '29' || fail "eod: $(mt -f "$drive" tell)"
mt -f "$drive" rewind
fails mt -f "$drive" bsr 1
mt -f "$drive" rewind
fails mt -f "$drive" fsf 100

# Overwriting in the middle ends the tape there.
mt -f "$drive" asf 1
write_file new 32768 4
mt -f "$drive" rewind
read_file one 65536
read_file new 32768
[ "$(dd if="$drive" bs=64k status=none 2>/dev/null | wc -c)" = 0 ]

# Fixed blocks, read with another size, and back to variable.
mt -f "$drive" rewind
mt -f "$drive" setblk 4096
write_file fixed 4096 64
mt -f "$drive" rewind
read_file fixed 65536
mt -f "$drive" rewind
mt -f "$drive" setblk 0
read_file fixed 4096
mt -f "$drive" rewind
fails dd if="$drive" of=/dev/null bs=1024 count=1 status=none

# weof, erase, compression, lock, density.
mt -f "$drive" rewind
mt -f "$drive" weof 3
mt -f "$drive" tell | finds '3' || fail "weof: $(mt -f "$drive" tell)"
mt -f "$drive" rewind
mt -f "$drive" erase
[ "$(dd if="$drive" bs=64k status=none 2>/dev/null | wc -c)" = 0 ]
mt -f "$drive" compression 0
mt -f "$drive" compression 1
mt -f "$drive" lock
fails mtx -f "$changer" unload 1 0
mt -f "$drive" unlock
mt -f "$drive" densities >/dev/null
mt -f "$drive" status | finds -i 'LTO-8' || mt -f "$drive" status | finds '0x5e' || fail "density: $(mt -f "$drive" status)"
mt -f "$drive" offline
status_has DR_OPEN
mt -f "$drive" load
status_has ONLINE

# To the end of the tape: all that was acknowledged is there.
mt -f "$drive" rewind
head -c 90M /dev/urandom >"$scratch/large"
written=$(dd if="$scratch/large" of="$drive" bs=64k 2>&1 | awk '/bytes/ { print $1 }') || true
[ "$written" -gt 55000000 ] && [ "$written" -lt 70000000 ] || fail "$written bytes fit on a tape of 64M"
mt -f "$drive" rewind
dd if="$drive" bs=64k status=none 2>/dev/null | cmp -n "$written" - "$scratch/large" || fail "the full tape does not read back"

# An archive that needs two tapes.
cat >"$scratch/change" <<END
#!/bin/bash
mt -f $drive offline
mtx -f $changer unload 1 0 >/dev/null 2>&1 || mtx -f $changer unload 2 0 >/dev/null
mtx -f $changer load "\$TAR_VOLUME" 0 >/dev/null
END
chmod 755 "$scratch/change"
mt -f "$drive" rewind
tar -c -M -b 128 -F "$scratch/change" -f "$drive" -C "$scratch" large
mt -f "$drive" offline
mtx -f "$changer" unload 2 0 >/dev/null
mtx -f "$changer" load 1 0 >/dev/null
mkdir "$scratch/volumes"
tar -x -M -b 128 -F "$scratch/change" -f "$drive" -C "$scratch/volumes"
cmp "$scratch/large" "$scratch/volumes/large"
logout lib
stop_targetd
