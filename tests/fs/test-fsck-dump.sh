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
mount_store
check_equal "$(grep "^slot $slot:" "$scratch/output" | sed 's/.* //')" \
	"$(head -c "$digest" "$mount/folder/file" | sha256sum | cut -d' ' -f1)" "the first chunk's fingerprint"
umount_store
expect_status 8 fsck.granary --dump=/nothing "$store"
expect_output 'there is no /nothing'
expect_status 8 fsck.granary --dump=nonsense "$store"
