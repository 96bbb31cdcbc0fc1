#!/bin/bash
# SPDX-License-Identifier: MIT
# A damaged catalogue gives no wrong bytes and no crash, fsck finds it, and
# fsck --restore-catalogue brings back everything that the last clean unmount saved.
. "${top_srcdir:-.}/tests/fs/damage.sh" || exit 1

make_pristine

check_damage() {
	local status mounted=1
	rm -f "$scratch/damaged"
	[ ! -e "$store/catalogue.sqlite" ] || cp "$store/catalogue.sqlite" "$scratch/damaged"
	run_fsck status -n --verify-data
	if try_mount; then
		check_reads "$mount/tree"
		check_named_somehow "$status"
		end_mount
	else
		mounted=0
		[ "$status" != 0 ] || broken "granary-fsd refuses what fsck finds right"
	fi
	check_restored
	echo "$what: fsck $status, mounted $mounted, unreadable $(wc -l <"$scratch/lost")"
}

# With the names themselves damaged fsck cannot always name the file, but finds something.
check_named_somehow() {
	[ ! -s "$scratch/lost" ] || [ "$1" != 0 ] || broken "files are lost and fsck has found nothing"
}

# The damage as it was found: a mount in between may have saved a catalogue whose figures are
# wrong, but whose structure is not, as its newest copy.
check_restored() {
	local status
	fresh_copy
	rm "$store/catalogue.sqlite"
	[ ! -e "$scratch/damaged" ] || cp "$scratch/damaged" "$store/catalogue.sqlite"
	run_fsck status -y --restore-catalogue
	[ "$status" -le 1 ] || broken "fsck --restore-catalogue ended with $status"
	run_fsck status -n --verify-data
	check_equal "$status" 0 "fsck after --restore-catalogue ($what)"
	mount_store
	check_reads "$mount/tree"
	[ ! -s "$scratch/lost" ] || broken "files are missing after --restore-catalogue"
	same_tree "$source_tree" "$mount/again"
	umount_store
}

for ((trial = 0; trial < trials; trial++)); do
	time_left || break
	for how in flip_bit cut_off spoil blank; do
		fresh_copy
		"$how" "$store/catalogue.sqlite"
		check_damage
	done
done
fresh_copy
remove "$store/catalogue.sqlite"
check_damage
