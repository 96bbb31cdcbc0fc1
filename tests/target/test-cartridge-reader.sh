#!/bin/bash
# SPDX-License-Identifier: MIT
# A reader written from granary-cartridge(5) alone finds every object, byte and attribute of a
# cartridge, also where the last writer was cut off, and sees damage.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need python3

tool=$top_builddir/tests/target/cartridge-tool
reader=$top_srcdir/tests/target/read-cartridge.py

# both_read FOLDER: their lists are the same, and not empty.
both_read() {
	"$tool" list "$1" >"$scratch/wanted" || fail "the cartridge cannot be listed"
	"$reader" "$1" >"$scratch/got" || fail "the reader fails"
	diff "$scratch/wanted" "$scratch/got" || fail "the reader and the program differ"
	[ -s "$scratch/wanted" ] || fail "nothing was listed"
}

for seed in 1 2 3 4; do
	"$tool" make "$scratch" "R0000${seed}L7" "$seed" $((seed * 40))
	both_read "$scratch/R0000${seed}L7"
done
grep -q 'block 6 .* 1 1$' "$scratch/wanted" || fail "no encrypted block was listed"
grep -q '^1 attribute 0801 1 test$' "$scratch/wanted" || fail "no attribute was listed"

tape=$scratch/R00004L7
# What follows the last commit does not count.
head -c 6000 /dev/urandom >>"$tape/p0.idx"
both_read "$tape"
# The last commit is torn: the one before it counts, or there is another view of what is left.
truncate -s -1 "$tape/p0.data"
both_read "$tape"
"$reader" "$tape" 1 0 >"$scratch/block" || fail "a block read alone"

printf '\377' | dd of="$tape/p1.data" bs=1 seek=100 conv=notrunc status=none
if "$reader" "$tape" >/dev/null 2>"$scratch/said"; then fail "the reader sees no damage"; fi
grep -q 'stretch 0 of p1.data' "$scratch/said" || fail "it said: $(cat "$scratch/said")"
if "$tool" list "$tape" >/dev/null 2>&1; then fail "the program sees no damage"; fi
