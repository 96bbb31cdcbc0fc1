#!/bin/bash
# SPDX-License-Identifier: MIT
# What lies between filemarks is listed, recognised, read without any backup software, and checked;
# damage is named.
. "${top_srcdir:-.}/tests/functions.sh"

need python3 tar cpio gzip
[ -x "$top_builddir/target/tool/granary-tape" ] || skip "granary-tape has not been built"

# taps FILE...: each file's bytes in blocks of 10240, a filemark after each, as a SIMH file.
taps() {
	local file
	for file; do
		python3 "$top_srcdir/tests/target/tape-formats.py" make simh "$scratch/one.tap" "$file"
		head -c -4 "$scratch/one.tap"
	done
}

cd "$scratch"
mkdir tree tapes
echo one >tree/one
seq 1 20000 >tree/many
ln -s one tree/link
printf 'x' >"tree/$(printf 'new\nline')"
tar -b 20 -cf gnu.tar tree
tar -b 20 --format=pax -cf pax.tar tree
tar -b 20 -czf gzip.tar tree
find tree -print0 | cpio -0 -o --quiet -H newc >newc.cpio
seq 1 5000 >text
head -c 10240 /dev/zero >zeros
python3 - <<'END'
import struct
def label(magic, volume):
    data = magic + b"\0" + struct.pack(">I", 11) + bytes(32) + volume + b"\0\0"
    record = struct.pack(">iiI", -1, 0, len(data)) + data
    return struct.pack(">III4sII", 0, 24 + len(record), 0, b"BB02", 1, 1) + record
open("bacula", "wb").write(label(b"Bacula 1.0 immortal\n", b"Vol-0001").ljust(1024, b"\0"))
open("bareos", "wb").write(label(b"Bareos 2.0 immortal\n", b"Full-0007").ljust(1024, b"\0"))
open("ltfs", "wb").write(b"VOL1AB0001L".ljust(24) + b"LTFS".ljust(52) + b"   4")
open("ltfsxml", "wb").write(b'<?xml version="1.0"?><ltfslabel version="2.2.0">')
open("amanda", "wb").write(b"AMANDA: TAPESTART DATE 20261122 TAPE DAILY-07\n".ljust(10240, b"\0"))
open("evil", "wb").write(b"AMANDA: \x1b[2J")
END
files=(gnu.tar pax.tar gzip.tar newc.cpio text zeros bacula bareos ltfs ltfsxml amanda evil)
taps "${files[@]}" >all.tap
granary-tape import --size 100M all.tap tapes/F00001L8 >/dev/null

# ---- files

expect_status 0 granary-tape files tapes/F00001L8
n=0
for pattern in 'GNU tar' 'POSIX pax interchange' 'tar, gzip' 'ASCII cpio' 'data$' 'data$' 'Bacula label Vol-0001' \
	'Bareos label Full-0007' 'LTFS label AB0001' 'LTFS label' \
	'Amanda: TAPESTART DATE 20261122 TAPE DAILY-07' 'Amanda: *$'; do
	grep -q "^ *$n .*$pattern" output || {
		cat output
		fail "file $n is not $pattern"
	}
	bytes=$(stat -c %s "${files[$n]}")
	grep -q "^ *$n .* $bytes " output || fail "file $n has not $bytes bytes"
	n=$((n + 1))
done
check_equal "$(wc -l <output)" $((n + 1)) "lines of the list"
! grep -q "$(printf '\033')" output || fail "the terminal is told what the tape says"

expect_status 0 granary-tape files --list tapes/F00001L8
expect_output ' 108894 .* tree/many$'
expect_output 'tree/new\\012line$'
check_equal "$(grep -c 'tree/one$' output)" 4 "archives with the member"

granary-tape files --json --list tapes/F00001L8 >list.json
python3 - <<'END'
import json
tape = json.load(open("list.json"))
assert tape["barcode"] == "F00001L8" and tape["partition"] == 0, tape
files = tape["files"]
assert [f["file"] for f in files] == list(range(12))
assert all(f["filemark"] for f in files)
assert files[0]["largest_block"] == 10240 and files[8]["largest_block"] == 80
for n in range(4):
    names = sorted(m["path"].rstrip("/") for m in files[n]["members"])
    assert names == ["tree", "tree/link", "tree/many", "tree/new\nline", "tree/one"], names
assert files[4]["members"] == []
END

# ---- cat

for n in "${!files[@]}"; do
	granary-tape cat "tapes/F00001L8:$n" | cmp - "${files[$n]}" || fail "file $n differs"
done
check_equal "$(granary-tape cat tapes/F00001L8:0 | tar tf - | wc -l)" 5 "members that tar lists"
cat gnu.tar pax.tar | cmp - <(granary-tape cat tapes/F00001L8:0-1) || fail "a range differs"
cat "${files[@]}" | cmp - <(granary-tape cat tapes/F00001L8) || fail "the whole tape differs"
cat amanda evil | cmp - <(granary-tape cat tapes/F00001L8:10-) || fail "the rest of the tape differs"
expect_status 1 granary-tape cat tapes/F00001L8:12
expect_output 'no such file'
expect_status 2 granary-tape cat tapes/F00001L8:3-1
expect_status 2 granary-tape cat tapes/F00001L8:-1
expect_status 1 granary-tape cat tapes/nothing
# Who has read enough is no failure and no noise.
(set +o pipefail && granary-tape cat tapes/F00001L8 2>noise | head -c 10 >/dev/null
	[ "${PIPESTATUS[0]}" = 0 ]) || fail "a closed pipe is taken for a failure"
check_equal "$(cat noise)" "" "what cat says when nobody reads"

# ---- check, and damage

expect_status 0 granary-tape check tapes/F00001L8
expect_output ': good$'
# The end is lost: what is left is whole, and the tape is not.
cp -r tapes/F00001L8 short
truncate -s -100 short/p0.data
expect_status 1 granary-tape check short
expect_output '^lost: partition 0, all from file [0-9]* (object [0-9]*) on: its data file is too short$'
expect_output ': damaged$'
granary-tape check --json short >check.json && fail "a tape without its end is called good"
python3 -c 'import json
r = json.load(open("check.json"))
assert not r["good"] and r["data_missing"] and not r["index_damaged"] and not r["damage"], r'
expect_status 1 granary-tape cat short
expect_output 'what followed object [0-9]* is lost'
expect_status 0 granary-tape cat short:0
expect_status 1 granary-tape export short short.tap
expect_output 'what followed object [0-9]* is lost'
[ ! -e short.tap ] && [ ! -e short.tap.new ] || fail "a tape without its end is exported"
# A last page that is not whole may be one that was never acknowledged.
cp -r tapes/F00001L8 torn
head -c 4096 /dev/urandom >>torn/p0.idx
expect_status 0 granary-tape check torn
expect_output '^note: partition 0, object [0-9]*: the index ends with a page that is not whole'
# A byte of "text": the payload stands in p0.data without anything between.
place=$(cat "${files[@]:0:4}" | wc -c)
printf '\377' | dd of=tapes/F00001L8/p0.data bs=1 seek=$((place + 100)) conv=notrunc status=none
expect_status 1 granary-tape check tapes/F00001L8
expect_output '^damaged: partition 0, file '
expect_output ': damaged$'
granary-tape check --json tapes/F00001L8 >check.json && fail "damage is called good"
python3 -c 'import json
r = json.load(open("check.json"))
assert not r["good"] and r["damage"] and r["damaged_stretches"] == 1, r'
expect_status 1 granary-tape cat tapes/F00001L8:4
expect_output 'file 4, block [0-9]*: damaged'
expect_status 1 granary-tape export tapes/F00001L8 damaged.tap
[ ! -e damaged.tap ] && [ ! -e damaged.tap.new ] || fail "half an export stays"
expect_status 1 granary-tape files tapes/F00001L8

# ---- what is no cartridge

mkdir folder
expect_status 1 granary-tape files folder
expect_status 1 granary-tape check text
expect_status 2 granary-tape
expect_status 2 granary-tape files
expect_status 2 granary-tape files --size 1 tapes/F00001L8
expect_status 2 granary-tape rewind tapes/F00001L8
