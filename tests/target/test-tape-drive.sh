#!/bin/bash
# SPDX-License-Identifier: MIT
# A tape in a drive is written and read without a kernel that knows iSCSI, and brought in from a drive of
# another library: of our own, with and without CHAP, and of Linux tgt, whose file is brought in as well.
. "${top_srcdir:-.}/tests/target/targetd.sh"

need python3 tar
grep -q '^#define HAVE_ISCSI' "$top_builddir/config.h" || skip "built without libiscsi"

start_targetd
targetd vtl create main --tapes 3 --drives 2 --tape-size 64M >/dev/null
targetd vtl load main G00001L8 1 >/dev/null
url=iscsi://$portal/$prefix:main/1
cd "$scratch"
mkdir tree
seq 1 100000 >tree/numbers
head -c 300000 /dev/urandom >tree/random
tar -b 20 -cf tree.tar tree

expect_status 1 granary-tape read "iscsi://$portal/$prefix:main/2"
expect_output 'there is no tape in the drive'
expect_status 3 granary-tape read "iscsi://$portal/$prefix:nothing/1"
expect_output 'Target not found'
expect_status 2 granary-tape read "iscsi://$portal/$prefix:main"
expect_output 'is no URL such as'
expect_status 2 granary-tape selftest "http://$portal/$prefix:main"
expect_status 1 granary-tape read "iscsi://$portal/$prefix:main/9"
expect_output 'the target has no LUN 9$'
# Nobody listens at the port of what is no server.
expect_status 3 granary-tape read "iscsi://127.0.0.1:1/$prefix:main/1"
expect_output 'no iSCSI target answers at 127.0.0.1:1$'
check_equal "$(wc -l <"$scratch/output")" 1 "lines of the message"
for files in '' abc 1.5 ' 1'; do
	expect_status 2 targetd tape cat "G00001L8:$files"
	expect_output "\":$files\": files are :3, :3-5 or :3-"
done
expect_status 2 granary-tape write --block-size 9M "$url"
expect_status 1 granary-tape read "$url"
expect_output 'end of the data'

# ---- written and read

granary tape write --block-size 10K "$url" <tree.tar || fail "the tape cannot be written"
# Behind it, larger than what is asked for at first, with a short block at the end.
granary tape write --block-size 3M "$url" <tree/random || fail "the second file cannot be written"
head -c 5000000 /dev/urandom >large
granary tape write --block-size 3M --append "$url" <large || fail "the third file cannot be written"
granary tape read --file 0 "$url" | cmp - tree.tar || fail "the first file differs"
granary tape read "$url" | cmp - tree/random || fail "the second file differs"
granary tape read --file 2 "$url" | cmp - large || fail "the third file differs"
check_equal "$(granary tape read --file 0 "$url" | tar tf - | wc -l)" 3 "members"
expect_status 1 granary-tape read --file 9 "$url"
expect_output 'no file 9'
(set +o pipefail && granary-tape read --file 2 "$url" 2>noise | head -c 10 >/dev/null
	[ "${PIPESTATUS[0]}" = 0 ]) || fail "a closed pipe is taken for a failure"

# The cartridge's own files say the same, before and after it is unloaded.
targetd vtl unload main 1 >/dev/null
targetd tape cat G00001L8:0 | cmp - tree.tar || fail "the cartridge differs"
targetd tape files G00001L8 --list >output
expect_output 'GNU tar'
expect_output ' tree/numbers$'
targetd tape files --json G00001L8 | python3 -c 'import json, sys
f = json.load(sys.stdin)["files"]
assert [x["bytes"] for x in f] == [int(a) for a in sys.argv[1:]], f
assert f[0]["largest_block"] == 10240 and f[2]["largest_block"] == 3 << 20' \
	"$(stat -c %s tree.tar)" 300000 5000000
targetd tape export G00001L8 own.tap >/dev/null

# ---- full

targetd vtl load main G00002L8 1 >/dev/null
head -c 80000000 /dev/zero | granary-tape write --block-size 256K "$url" 2>full && fail "80 MB fit into 64 MiB"
grep -q 'the tape is full after' full || fail "a full tape is not told: $(cat full)"
bytes=$(sed -n 's/.*full after \([0-9]*\) bytes/\1/p' full)
check_equal "$(granary-tape read --file 0 "$url" | wc -c)" "$bytes" "bytes on the full tape"
targetd vtl unload main 1 >/dev/null

# ---- write-protected

targetd tape protect G00001L8 on
targetd vtl load main G00001L8 1 >/dev/null
expect_status 1 granary tape write --file 0 "$url"
expect_output '7/27/00'
granary tape read --file 0 "$url" | cmp - tree.tar || fail "a protected tape cannot be read"
targetd vtl unload main 1 >/dev/null
targetd tape export G00001L8 - | cmp - own.tap || fail "a protected tape was written"
targetd tape protect G00001L8 off

# ---- brought in from a drive

targetd vtl load main G00001L8 2 >/dev/null
mkdir tapes
expect_status 0 granary tape import --folder tapes --size 64M "iscsi://$portal/$prefix:main/2" X00001L8
granary-tape export tapes/X00001L8 - | cmp - own.tap || fail "the tape that was brought in differs"
expect_status 0 targetd tape import --library main --size 64M own.tap Y00001L8
targetd tape export Y00001L8 - | cmp - own.tap || fail "the tape that was put into the library differs"
[ -n "$(place_of main Y00001L8)" ] || fail "the tape that was brought in has no place"
expect_status 1 targetd tape import --library main --size 64M own.tap Y00001L8
expect_output 'library main has a tape Y00001L8 already'
targetd vtl create second --tapes 1 --slots 1 --drives 1 --barcode S --tape-size 64M >/dev/null
expect_status 1 targetd tape import --library second --size 64M own.tap Y00001L8
expect_output 'library main has a tape Y00001L8 already'
for barcode in ../main/Z00001L8 z00001l8 '' 'Z 1' .Z; do
	expect_status 2 targetd tape import --library second --size 64M own.tap "$barcode"
	expect_output 'a barcode must'
done
expect_status 2 granary tape import --folder tapes --size 64M own.tap ../Z00001L8
[ ! -e "$target_state/tapes/main/Z00001L8" ] || fail "a tape in another library's folder"
[ ! -e Z00001L8 ] || fail "a tape in another folder"
expect_status 0 targetd tape import --library second --size 64M own.tap Z00001L8
expect_output 'the library is full'
expect_output 'Z00001L8 is on the shelf of second'
check_equal "$(tape_word Z00001L8 state)" shelf "a tape that found no slot"

# ---- two partitions, and attributes that a host has written

tool=$top_builddir/tests/target/cartridge-tool
"$tool" make "$target_state/tapes/main" MAM001L7 3 120
targetd vtl put main MAM001L7 >/dev/null
expect_status 0 targetd tape export --partition 1 MAM001L7 second.tap
! grep -q 'two partitions' "$scratch/output" || fail "the other partition is named where one was chosen"
expect_status 1 targetd tape export MAM001L7 first.tap
expect_output 'has two partitions, and a .tap holds one: this is 0'
targetd vtl load main MAM001L7 1 >/dev/null
expect_status 0 granary tape import --folder tapes --partition 1 "$url" N00001L7
expect_output ', [1-9][0-9]* attributes of the medium'
"$tool" list tapes/N00001L7 | finds -a '^0 attribute 0801 1 test' || fail "the attribute is lost"
granary-tape export tapes/N00001L7 - | cmp - second.tap || fail "the second partition differs"
expect_status 1 granary tape import --folder tapes --partition 2 "$url" N00002L7
expect_status 2 granary-tape import --partition 1 own.tap tapes/N00003L7
expect_output 'other sources have one'
targetd vtl unload main 1 >/dev/null

# ---- CHAP

echo 'a secret of some length' >secret
targetd vtl access main --allow '*' --user backup --secret-file secret >/dev/null
expect_status 3 granary-tape read "iscsi://$portal/$prefix:main/2"
printf 'user backup\nsecret a secret of some length\n' >auth
chmod 644 auth
expect_status 2 granary-tape read --file 0 "iscsi://backup%x@$portal/$prefix:main/2"
expect_output 'do not belong into a URL'
chmod 644 auth
expect_status 1 granary-tape read --auth-file auth --file 0 "iscsi://$portal/$prefix:main/2"
expect_output 'others may read it'
chmod 600 auth
granary-tape read --auth-file auth --file 0 "iscsi://$portal/$prefix:main/2" | cmp - tree.tar ||
	fail "CHAP by a file fails"
LIBISCSI_CHAP_USERNAME=backup LIBISCSI_CHAP_PASSWORD='a secret of some length' \
	granary-tape read --file 0 "iscsi://$portal/$prefix:main/2" | cmp - tree.tar ||
	fail "CHAP by the environment fails"
stop_targetd
