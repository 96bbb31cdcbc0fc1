#!/bin/bash
# SPDX-License-Identifier: MIT
# On a full disk a cartridge takes nothing of the block that does not fit, commits all that came
# before, and can be overwritten; with small blocks, where the index is what fills the disk, too.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
. "$top_srcdir/tests/fs/cutfs.sh"
need_fuse

tool=$top_builddir/tests/target/cartridge-tool
mount_cutfs
number=0
for size in 20 1000 65536 300000; do
	number=$((number + 1))
	set_disk_quota $((1500000 + 6 * size))
	"$tool" fill "$disk" "FULL0${number}L7" "$size" || fail "blocks of $size bytes"
	rm -rf "$disk/FULL0${number}L7"
done
umount_cutfs
