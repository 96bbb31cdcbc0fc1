#!/bin/bash
# SPDX-License-Identifier: MIT
# Damaged segments: a read gives the right bytes or EIO, fsck --verify-data names the
# files, the same data coming in again heals them.
. "${top_srcdir:-.}/tests/fs/damage.sh" || exit 1

make_pristine

# Some segment; most bytes are in the largest.
some_segment() {
	find "$store/segments" -name '*.seg' -size +0 | sort | shuf -n 1 --random-source=<(yes $RANDOM)
}

check_damage() {
	local status
	run_fsck status -n --verify-data
	try_mount || {
		[ "$status" != 0 ] || broken "granary-fsd refuses what fsck finds right"
		return 0
	}
	check_reads "$mount/tree"
	check_named "$status"
	cp "$scratch/lost" "$scratch/lost-before"
	check_reads "$mount/again"
	check_named "$status"
	# The data comes in again: it must be stored anew, and heals what shares it.
	if cp -a "$source_tree" "$mount/third" 2>"$scratch/cp.log"; then
		sync "$mount/third/noise"
		check_reads "$mount/third"
		[ ! -s "$scratch/lost" ] || broken "what was written now cannot be read: $(head -n 3 "$scratch/lost")"
		check_reads "$mount/tree"
		healed=$((healed + $(wc -l <"$scratch/lost-before") - $(wc -l <"$scratch/lost")))
	else
		grep -q 'Read-only\|Input/output' "$scratch/cp.log" || broken "writing failed: $(head -n 1 "$scratch/cp.log")"
	fi
	end_mount
}

healed=0 damaged=0
for ((trial = 0; trial < trials; trial++)); do
	time_left || break
	for how in flip_bit cut_off spoil blank; do
		fresh_copy
		"$how" "$(some_segment)"
		check_damage
		damaged=$((damaged + 1))
	done
done

# The places with a meaning: segment header, pack header, directory.
for offset in 0 8 12 16 24 4088 4096 4104 4106 4108 4112 4120 4124 4128 4132 4136 4144 4208 4216 4224 4236 4250; do
	fresh_copy
	flip_bit "$(some_segment)" $offset
	check_damage
done
fresh_copy
remove "$(some_segment)"
check_damage
echo "$damaged random places damaged, $healed files healed"
[ "$healed" -gt 0 ] || fail "nothing was ever healed (DAMAGE_SEED=$damage_seed)"
