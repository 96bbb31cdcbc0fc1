#!/bin/bash
# SPDX-License-Identifier: MIT
# A state folder that is full, or read-only: every verb that would change something says why it cannot, leaves
# the files and the tapes as they were, and works when there is room again.
. "${top_srcdir:-.}/tests/target/targetd.sh"
need_root

mkdir -p "$target_state" "$scratch/before"
mount -t tmpfs -o size=1M,mode=755 tmpfs "$target_state" 2>/dev/null || skip "no tmpfs can be mounted"
libraries=$target_state/libraries
start_targetd --tapes "$scratch/tapes"
for name in main spare; do
	expect_status 0 targetd vtl create $name --tapes 4 --drives 2 --tape-size 64M
done
expect_status 0 targetd vtl load main G00002L8 1
expect_status 0 targetd tape create main --shelf --barcode S00001L8
printf 'a secret of the test\n' >"$scratch/secret"

# ---- full
fill() {
	dd if=/dev/zero of="$target_state/filler" bs=4096 2>/dev/null && fail "the disk is not full"
	cp "$libraries"/* "$scratch/before/"
}
intact() { # WHAT
	diff -r "$scratch/before" "$libraries" || fail "files have changed: $1"
}
# refused WORDS VERB...: with the reason, and nothing has changed.
refused() {
	local words=$1
	shift
	expect_status 1 targetd "$@"
	expect_output "$words"
	intact "$*"
	targetd vtl elements main >"$scratch/elements"
	diff "$scratch/places" "$scratch/elements" || fail "places have changed: $*"
}
all_refused() { # WORDS
	targetd vtl elements main >"$scratch/places"
	refused "$1" vtl create new --tapes 3 --drives 1
	[ ! -e "$scratch/tapes/new" ] || fail "tapes of a library that was not made are there"
	refused "$1" vtl move main G00001L8 1009
	refused "$1" vtl move main G00001L8 10
	refused "$1" vtl load main G00001L8 2
	check_equal "$(targetd vtl drives main | grep -c G00001L8)" 0 "a tape that was not loaded is in the drive"
	refused "$1" vtl unload main 1
	check_equal "$(targetd vtl drives main | grep -c G00002L8)" 1 "a tape that was not unloaded is in the drive"
	refused "$1" vtl take main G00001L8
	refused "$1" vtl put main S00001L8
	refused "$1" tape delete G00003L8
	refused "$1" tape delete G00003L8 --purge
	[ -e "$scratch/tapes/main/G00003L8/p0.data" ] || fail "a tape that was not deleted is gone"
	refused "$1" vtl update main --recycle-days 3
	refused "$1" vtl update main --slots 30
	refused "$1" vtl access main --allow iqn.2026-11.example:a
	refused "$1" vtl access main --allow iqn.2026-11.example:a --user u --secret-file "$scratch/secret"
	refused "$1" vtl access discovery --allow iqn.2026-11.example:a
	expect_status 0 targetd vtl show main
	expect_output '^slots  *20'
	# What needs no file of the state folder works; the tapes are on the shelf, and why is said.
	expect_status 0 targetd tape create main --barcode "$2"
	expect_output "$1"
	expect_status 0 targetd tape clone G00003L8 "$3"
	expect_output "$1"
	expect_status 0 targetd tape lock "$3" --days 1
	intact "tapes on the shelf"
	check_equal "$(place_of main "$2")$(place_of main "$3")" "" "places of tapes that found none"
}
works() {
	expect_status 0 targetd vtl unload main 1
	expect_status 0 targetd vtl load main G00002L8 1
	expect_status 0 targetd vtl access main --allow iqn.2026-11.example:a --user u --secret-file "$scratch/secret"
	expect_status 0 targetd vtl access main --open
	expect_status 0 targetd vtl update main --slots 21
	expect_status 0 targetd vtl update main --slots 20
	expect_status 0 targetd vtl create new --tapes 3 --drives 1
	expect_status 0 targetd vtl delete new --purge
}

fill
all_refused 'No space left on device' F00001L8 F00002L8
# It starts as well.
targetd daemon stop targetd >/dev/null
wait "$targetd_pid"
start_targetd --tapes "$scratch/tapes"
intact "a restart"
refused 'No space left on device' vtl move main G00001L8 1009
expect_status 0 targetd vtl delete spare
[ ! -e "$libraries/spare.conf" ] || fail "a library that was deleted is there"
rm "$target_state/filler"
works

# ---- read-only
cp "$libraries"/* "$scratch/before/"
rm "$scratch/before/spare.conf"
mount --bind "$libraries" "$libraries"
mount -o remount,ro,bind "$libraries" 2>/dev/null || skip "no folder can be made read-only"
targetd vtl elements main >"$scratch/places"
for verb in "vtl create new" "vtl move main G00001L8 1009" "vtl load main G00001L8 2" "vtl unload main 1" \
	"vtl update main --recycle-days 3" "vtl update main --slots 30" "vtl delete main" \
	"vtl access main --allow iqn.2026-11.example:a" "tape delete G00003L8"; do
	# shellcheck disable=SC2086 # several words
	refused 'Read-only file system' $verb
done
unmount "$libraries"
works
stop_targetd
mount -o remount,ro "$target_state"
status=0
granary-targetd --root "$target_root" --tapes "$scratch/tapes" --portal 127.0.0.1:0 2>"$scratch/ro.log" || status=$?
check_equal "$status" 1 "exit status with a state folder that is read-only"
grep -q 'the state folder cannot be used: Read-only file system' "$scratch/ro.log" || fail "$(cat "$scratch/ro.log")"
mount -o remount,rw "$target_state"
start_targetd --tapes "$scratch/tapes"
works
stop_targetd
