#!/bin/bash
# SPDX-License-Identifier: MIT
# fsck.granary says in one sentence why a store cannot be checked: in use, no store, wrong options.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

mount_store
expect_status 8 fsck.granary "$store"
expect_output 'in use'
check_equal "$(wc -l <"$scratch/output")" 1 "sentences"
umount_store
mkdir "$scratch/foreign"
touch "$scratch/foreign/file"
expect_status 8 fsck.granary "$scratch/foreign"
expect_output 'not a Granary store'
expect_status 8 fsck.granary "$scratch/none"
expect_status 16 fsck.granary
expect_status 16 fsck.granary -n -y "$store"
expect_status 16 fsck.granary --dump --rebuild-index "$store"
expect_status 16 fsck.granary --nonsense "$store"
sed -i 's/^chunk/chank/' "$store/store.conf"
expect_status 4 fsck.granary "$store"
