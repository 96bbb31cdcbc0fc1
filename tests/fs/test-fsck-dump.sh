#!/bin/bash
# SPDX-License-Identifier: MIT
# --dump prints the superblock, segments and packs, a pack's directory, and a file's map.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

mount_store
mkdir "$mount/folder"
head -c 200000 /dev/urandom >"$mount/folder/file"
umount_store
expect_status 0 fsck.granary --dump "$store"
expect_output '^superblock'
expect_output '^  segment '
expect_output '^  pack '
expect_status 0 fsck.granary --dump=/folder/file "$store"
expect_output 'size 200000'
chunk=$(grep -o 'chunk [0-9]*/[0-9]*' "$scratch/output" | head -n 1)
pack=${chunk#chunk }
slot=${pack#*/}
pack=${pack%/*}
digest=$(grep -m 1 '  0 +' "$scratch/output" | sed 's/.*+\([0-9]*\):.*/\1/')
expect_status 0 fsck.granary --dump="$pack" "$store"
expect_output "^pack $pack: .* kind data"
expect_output "^slot $slot: region"
# As JSON: each of the three can be parsed and says the same.
need python3
json() {
	fsck.granary "$1" --json "$store" | python3 -c "import json, sys; d = json.load(sys.stdin); print($2)"
}
check_equal "$(json --dump 'd["superblock"]["chunk_average"], d["meta"][-1]["key"], len(d["packs"]) > 1')" \
	"8192 uuid True" "the store as JSON"
check_equal "$(json --dump=/folder/file '"%d/%d %d" % (d["map"][0]["pack"], d["map"][0]["slot"], d["inode"]["size"])')" \
	"$pack/$slot 200000" "the file as JSON"
check_equal "$(json --dump="$pack" "d['slots'][$slot]['fingerprint']")" \
	"$(grep "^slot $slot:" "$scratch/output" | sed 's/.* //')" "the slot as JSON"
check_equal "$(granary fs dump --json "$store" | head -c 14)" '{"superblock":' "granary fs dump"
expect_status 16 fsck.granary --json "$store"
expect_status 0 fsck.granary --dump="$pack" "$store"
mount_store
check_equal "$(grep "^slot $slot:" "$scratch/output" | sed 's/.* //')" \
	"$(head -c "$digest" "$mount/folder/file" | sha256sum | cut -d' ' -f1)" "the first chunk's fingerprint"
# A mounted store changes while it is looked at: whoever asks is told so, and where to ask instead.
for name in "$store" "$mount" "$mount/folder"; do
	expect_status 1 granary fs dump "$name"
	expect_output "mounted on $mount.*granary fs explain"
	check_equal "$(wc -l <"$scratch/output")" 1 "sentences"
done
expect_status 8 fsck.granary --dump "$store"
expect_output 'the store is in use'
umount_store
cp "$store/store.conf" "$scratch/store.conf"
printf x | dd of="$store/store.conf" bs=1 seek=10 conv=notrunc status=none
expect_status 1 granary fs dump "$store"
cp "$scratch/store.conf" "$store/store.conf"
expect_status 8 fsck.granary --dump=/nothing "$store"
expect_output 'there is no /nothing'
expect_status 8 fsck.granary --dump=nonsense "$store"
