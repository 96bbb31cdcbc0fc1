#!/bin/bash
# SPDX-License-Identifier: MIT
# A mount stores new data with the compression that its option names: off takes what the data has,
# fast (LZ4) less, balanced less again and best least; all of it comes back, in one store.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

leave() {
	unmount "$mount"
	# The lock goes with the process.
	wait_for 20 flock -n "$store/lock" true || fail "granary-fsd is still there"
}

stored() {
	granary fs stats "$mount" --json | sed -n 's/^ *"bytes_stored": \([0-9]*\).*/\1/p'
}

# text NAME: real text, and for each name other text: no chunk of it is a duplicate.
text() {
	find "$top_srcdir"/{fs,lib,man,svc} -type f -name '*.[ch1-8]' -exec cat {} + | sed "s/^/$1 /"
}

make_store
mkdir "$mount"
declare -A taken=()
for name in fast off best balanced; do
	mount.granary "$store" "$mount" -o memory=128M,compression=$name 2>"$scratch/mount.log" ||
		fail "-o compression=$name: $(cat "$scratch/mount.log")"
	before=$(stored)
	text $name >"$mount/$name"
	granary fs sync "$mount"
	# In hundredths: the names are not of one length.
	taken[$name]=$((($(stored) - before) * 100 / $(stat -c %s "$mount/$name")))
	# Fresh from the disk, also what the mounts before have stored.
	leave
	mount.granary "$store" "$mount" -o memory=128M 2>"$scratch/mount.log"
	for file in "$mount"/*; do
		cmp "$file" <(text "${file##*/}") || fail "${file##*/} came back different after $name"
	done
	leave
done
echo "off ${taken[off]} %, fast ${taken[fast]} %, balanced ${taken[balanced]} %, best ${taken[best]} %"
[ "${taken[off]}" -ge 100 ] || fail "off has compressed"
[ "${taken[fast]}" -le $((taken[off] * 6 / 10)) ] || fail "fast has hardly compressed"
[ "${taken[balanced]}" -lt "${taken[fast]}" ] || fail "balanced takes as much as fast"
[ "${taken[best]}" -lt "${taken[balanced]}" ] || fail "best takes as much as balanced"
expect_status 0 fsck.granary -n --verify-data "$store"
