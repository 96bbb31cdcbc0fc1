#!/bin/bash
# SPDX-License-Identifier: MIT
# Tapes of other formats become cartridges, block for block, and cartridges become .tap files; a damaged
# source is named by its place, and leaves nothing.
. "${top_srcdir:-.}/tests/functions.sh"

need python3
[ -x "$top_builddir/target/tool/granary-tape" ] || skip "granary-tape has not been built"

formats() {
	python3 "$top_srcdir/tests/target/tape-formats.py" "$@"
}

# Nothing but whole cartridges is in the folder.
nothing_left() {
	local names
	names=$(ls -A "$scratch/tapes")
	check_equal "$names" "$1" "what is in the folder"
}

mkdir "$scratch/tapes"
formats list-tape >"$scratch/wanted"
zlib=$(grep -c '^#define HAVE_ZLIB' "$top_builddir/config.h" || true)

for what in mixed empty marks; do
	formats list-tape "$what" >"$scratch/wanted"
	for format in simh simh-odd aws tgt mhvtl mhvtl-parted mhvtl-zlib; do
		[ "$format" != mhvtl-zlib ] || [ "$zlib" != 0 ] || continue
		# Nothing to recognise an empty one by.
		[ "$what-$format" != empty-aws ] || continue
		formats make "$format" "$scratch/source" "$what"
		option=()
		case $what-$format in marks-aws) option=(--format aws) ;; esac
		expect_status 0 granary-tape import "${option[@]}" --size 100M "$scratch/source" \
			"$scratch/tapes/T00001L8"
		expect_status 0 granary-tape check "$scratch/tapes/T00001L8"
		expect_output 'good$'
		expect_status 0 granary-tape export "$scratch/tapes/T00001L8" "$scratch/out.tap"
		formats list "$scratch/out.tap" >"$scratch/got"
		cmp "$scratch/wanted" "$scratch/got" || fail "$format, $what: the tape has changed"
		# The same bytes come out again after another round.
		expect_status 0 granary-tape import --size 100M "$scratch/out.tap" "$scratch/tapes/T00002L8"
		granary-tape export "$scratch/tapes/T00002L8" - >"$scratch/again.tap"
		cmp "$scratch/out.tap" "$scratch/again.tap" || fail "$format, $what: the second round differs"
		rm -r "$scratch/tapes/T00001L8" "$scratch/tapes/T00002L8" "$scratch/source" \
			"$scratch/out.tap"
	done
done

# ---- what is there is not overwritten

formats make simh "$scratch/mixed.tap"
expect_status 0 granary-tape import --json --size 100M "$scratch/mixed.tap" "$scratch/tapes/T00001L8"
python3 -c 'import json, sys; r = json.load(sys.stdin); assert r["blocks"] == 60 and r["filemarks"] == 8, r' \
	<"$scratch/output"
expect_status 1 granary-tape import "$scratch/mixed.tap" "$scratch/tapes/T00001L8"
expect_output 'is there already'
echo mine >"$scratch/file.tap"
expect_status 1 granary-tape export "$scratch/tapes/T00001L8" "$scratch/file.tap"
expect_output 'is there already'
check_equal "$(cat "$scratch/file.tap")" mine "a file that was there"

# ---- what does not fit, what is wrong

expect_status 1 granary-tape import --size 100K "$scratch/mixed.tap" "$scratch/tapes/T00002L8"
expect_output 'do not fit into 102400 bytes'
expect_status 2 granary-tape import --size 1X "$scratch/mixed.tap" "$scratch/tapes/T00002L8"
expect_status 2 granary-tape import --medium LTO-3 "$scratch/mixed.tap" "$scratch/tapes/T00002L8"
expect_status 2 granary-tape import --medium LTO-7 "$scratch/mixed.tap" "$scratch/tapes/T00002L8"
expect_output 'T00002L8 says LTO-8'
expect_status 2 granary-tape import "$scratch/mixed.tap" "$scratch/tapes/.hidden"
expect_status 2 granary-tape import "$scratch/mixed.tap" "$scratch/tapes/CLN001CU"
expect_status 2 granary-tape import --format wav "$scratch/mixed.tap" "$scratch/tapes/T00002L8"
expect_status 1 granary-tape import --format mhvtl "$scratch/mixed.tap" "$scratch/tapes/T00002L8"
expect_status 1 granary-tape import "$scratch/tapes" "$scratch/tapes/T00002L8"
expect_output 'no tape of mhvtl: it has no file "indx"'
expect_status 2 granary-tape import "$scratch/mixed.tap"
expect_output 'usage: granary-tape import SOURCE PATH'
expect_status 1 granary-tape import "$scratch/nothing" "$scratch/tapes/T00002L8"
echo 'Dear Sir or Madam, this is a letter.' >"$scratch/letter"
expect_status 1 granary-tape import "$scratch/letter" "$scratch/tapes/T00002L8"
expect_output 'looks like no format'
nothing_left T00001L8

# ---- damage, named by its place

# damaged NAME FORMAT OFFSET BYTE PATTERN: with one byte of the source changed.
damaged() {
	formats make "$1" "$scratch/source"
	printf '%b' "$3" | dd of="$scratch/source${5:-}" bs=1 seek="$2" conv=notrunc status=none
	expect_status 1 granary-tape import --format "$(echo "$1" | cut -d- -f1)" "$scratch/source" \
		"$scratch/tapes/T00002L8"
	expect_output "$4"
	nothing_left T00001L8
	rm -r "$scratch/source"
}
damaged simh 520 '\377' 'offset 520: a block'
damaged simh 516 '\001' 'offset 0: a block of 512 bytes ends with length'
damaged simh 523 '\200' 'offset 520: a block that was read with errors'
damaged aws 520 '\001' 'offset 518: the chunk before this one has 512 bytes'
damaged aws 522 '\002' 'offset 518: a compressed chunk'
damaged tgt 1164 '\001' 'offset 1152: the checksum'
damaged mhvtl 528 '\007' 'record 1: it says that it is 7' /indx
damaged mhvtl 512 '\001' 'record 1: its data is at' /indx
damaged mhvtl 532 '\001' 'record 1: 513 bytes in 512' /indx

# Cut off.
for format in simh aws tgt mhvtl; do
	formats make $format "$scratch/source"
	file=$scratch/source
	[ $format != mhvtl ] || file=$scratch/source/data
	truncate -s -300 "$file"
	expect_status 1 granary-tape import "$scratch/source" "$scratch/tapes/T00002L8"
	expect_output 'ends'
	nothing_left T00001L8
	rm -r "$scratch/source"
done

# ---- ended by a signal, and killed

mkfifo "$scratch/fifo"
for signal in TERM KILL; do
	granary-tape import --format simh "$scratch/fifo" "$scratch/tapes/T00003L8" 2>/dev/null &
	pid=$!
	exec 3>"$scratch/fifo"
	head -c 100000 "$scratch/mixed.tap" >&3 # it waits for the rest
	wait_for 10 test -d "$scratch/tapes/.new-T00003L8.import/T00003L8" || fail "the import does not begin"
	kill -$signal $pid
	exec 3>&-
	wait $pid 2>/dev/null && fail "an import that was ended says that it is done"
	[ ! -e "$scratch/tapes/T00003L8" ] || fail "half a tape is there"
	[ $signal = KILL ] || nothing_left T00001L8
done
# Told twice, as timeout(1) and `granary` do between them, it puts in order what it was at all the same.
: >"$scratch/gate"
rm -rf "$scratch/tapes/.new-T00003L8.import"
GRANARY_FAULT="cartridge-remove@$scratch/gate" granary-tape import --format simh "$scratch/fifo" \
	"$scratch/tapes/T00003L8" 2>"$scratch/output" &
pid=$!
exec 3>"$scratch/fifo"
head -c 100000 "$scratch/mixed.tap" >&3
wait_for 60 test -d "$scratch/tapes/.new-T00003L8.import/T00003L8" || fail "the import does not begin"
kill -TERM $pid
exec 3>&-
wait_for 60 test -e "$scratch/gate.reached" || fail "nothing is put in order"
kill -TERM $pid
rm "$scratch/gate"
status=0
wait $pid || status=$?
check_equal "$status" 1 "exit status of an import that was told twice"
expect_output 'stopped by a signal'
nothing_left T00001L8
mkdir "$scratch/tapes/.new-T00003L8.import"
# What a killed one has left is in nobody's way, and goes.
expect_status 0 granary-tape import --size 100M "$scratch/mixed.tap" "$scratch/tapes/T00003L8"
nothing_left "$(printf 'T00001L8\nT00003L8')"
expect_status 3 granary-tape import "iscsi://127.0.0.1:1/iqn.2026-11.test:none/1" "$scratch/tapes/T00005L8"
nothing_left "$(printf 'T00001L8\nT00003L8')"

# An export that is ended leaves no half file, whoever of the two is told; one that was killed is named.
head -c 100000000 /dev/zero | python3 -c 'import struct, sys
word = struct.pack("<I", 1 << 20)
while block := sys.stdin.buffer.read(1 << 20):
	block = block.ljust(1 << 20, b"\0")
	sys.stdout.buffer.write(word + block + word)
sys.stdout.buffer.write(b"\xff" * 4)' >"$scratch/large.tap"
expect_status 0 granary-tape import --size 200M "$scratch/large.tap" "$scratch/tapes/T00004L8"
ended=no
for try in 1 2 3 4 5 6 7 8 9 10; do
	granary tape export --folder "$scratch/tapes" T00004L8 "$scratch/half.tap" >"$scratch/output" 2>&1 &
	pid=$!
	until [ -e "$scratch/half.tap.new" ] || [ -e "$scratch/half.tap" ]; do :; done
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ ! -e "$scratch/half.tap.new" ] || fail "half an export is there, and granary has not waited for its end"
	[ $status = 0 ] || {
		check_equal "$status" 1 "exit status of an export that was ended"
		expect_output 'stopped by a signal'
		ended=yes
		break
	}
	rm "$scratch/half.tap"
done
[ $ended = yes ] || fail "no export of $try was ended in time"
: >"$scratch/half.tap.new"
expect_status 1 granary-tape export "$scratch/tapes/T00004L8" "$scratch/half.tap"
expect_output 'half.tap.new: is there already, of an export that runs or was killed'

# What the cartridge says of itself comes under the program's name.
truncate -s 1000000 "$scratch/tapes/T00004L8/p0.data"
expect_status 1 granary-tape check "$scratch/tapes/T00004L8"
expect_output '^granary-tape: error: .*/T00004L8: p0.data has 1000000 bytes'
