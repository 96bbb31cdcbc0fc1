#!/bin/bash
# SPDX-License-Identifier: MIT
# Packs whose headers and directories are damaged, or the copies of these: everything reads on,
# scrubbing and fsck -y write them again as they were, and --restore-catalogue finds the packs all
# the same.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need sqlite3 xxd

mount_store
mkdir "$mount/folder"
head -c 6000000 /dev/urandom >"$mount/folder/noise"
seq 1 400000 >"$mount/folder/text"
(cd "$mount" && sha256sum folder/*) >"$scratch/sums"
umount_store
fsck_store
cp -r "$store" "$scratch/pristine"
sqlite3 -separator ' ' "$store/catalogue.sqlite" 'SELECT segment, offset, slots, length FROM pack' >"$scratch/packs"
[ "$(wc -l <"$scratch/packs")" -ge 4 ] || fail "too few packs"

# The 32 bits at that place of $file.
number() { od -A n -t u4 --endian=little -j "$1" -N 4 "$file" | tr -d ' '; }

# hurt AT: a byte of each pack, counted from its start; "slots": the first fingerprint's end; "last":
# the last one's; "region": the region with that chunk; "copy": the header at its end; "tail": what is
# before that.
hurt() {
	local segment offset slots length at file regions
	while read -r segment offset slots length; do
		file=$(printf '%s/segments/%02d/%010d.seg' "$store" $((segment % 100)) "$segment")
		regions=$(number $((offset + 28)))
		at=$1
		case $at in
		slots) at=$((128 + slots * 40 - 3)) ;;
		last) at=$((128 + regions * 24 + slots * 40 - 3)) ;;
		region) at=$(number $((offset + 128 + (regions - 1) * 24))) ;;
		copy) at=$((length - 60)) ;;
		tail) at=$((length - 130)) ;;
		esac
		printf '%02x' $((0x$(xxd -p -s $((offset + at)) -l 1 "$file") ^ 0x20)) | xxd -r -p |
			dd of="$file" bs=1 seek=$((offset + at)) conv=notrunc status=none
	done <"$scratch/packs"
}

fresh() {
	rm -rf "${store:?}"
	cp -r "$scratch/pristine" "$store"
}

check_files() {
	mount_store
	(cd "$mount" && sha256sum --quiet -c "$scratch/sums") || fail "$1: files differ"
}

# Nothing is damaged any more, nowhere.
check_mended() {
	local file
	expect_status 0 fsck.granary --verify-data "$store"
	for file in "$scratch"/pristine/segments/*/*.seg; do
		cmp -n "$(stat -c %s "$file")" "$file" "$store/${file#"$scratch/pristine/"}" ||
			fail "$1: the packs are not as they were"
	done
}

packs=$(wc -l <"$scratch/packs")
for place in 3 130 slots copy tail; do
	fresh
	hurt $place
	expect_status 4 fsck.granary -n --verify-data "$store"
	case $place in
	copy | tail) expect_output 'its end, the copy of its header and directory, is damaged$' ;;
	*) expect_output 'header or directory is damaged; the data is there$' ;;
	esac
	expect_output ": $packs errors, 0 corrected"
	! grep -q 'bytes are damaged' "$scratch/output" || fail "files are called damaged"
	check_files "byte $place, read"
	granary fs scrub "$mount" >"$scratch/scrub.log"
	check_equal "$(cat "$scratch/scrub.log")" \
		"0 damaged chunks, 0 damaged files, 0 chunks healed
$packs damaged directories of packs, $packs repaired" "what scrubbing says of byte $place"
	granary fs check "$mount" >"$scratch/check.log" || fail "scrubbing did not repair: $(cat "$scratch/check.log")"
	umount_store
	check_mended "scrubbed, byte $place"

	fresh
	hurt $place
	expect_status 1 fsck.granary -y --verify-data "$store"
	check_mended "fsck -y, byte $place"

	fresh
	hurt $place
	rm "$store"/catalogue.sqlite*
	expect_status 1 fsck.granary --restore-catalogue "$store"
	check_files "byte $place, restored"
	umount_store
done

# With both ends damaged it is one chunk of each pack that is lost, not all of them.
fresh
hurt slots
hurt tail
expect_status 4 fsck.granary -n --verify-data "$store"
expect_output 'header or directory is damaged; the data is there, but not all of it$'
check_equal "$(grep -c ': 1 chunks are damaged$' "$scratch/output")" \
	"$(awk '$3 > 1' "$scratch/packs" | wc -l)" "packs that lack one chunk of several"

# While a beginning cannot be made whole its pack's end is left alone: with less of it more is lost.
fresh
hurt region
hurt last
hurt copy
cp -r "$store/segments" "$scratch/damaged"
expect_status 4 fsck.granary -y --verify-data "$store"
expect_output "errors, 0 corrected"
diff -r "$store/segments" "$scratch/damaged" || fail "a pack was written to although its beginning stays bad"
