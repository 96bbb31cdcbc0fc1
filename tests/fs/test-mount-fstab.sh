#!/bin/bash
# SPDX-License-Identifier: MIT
# mount(8) mounts a store by its type and by a line of fstab with the programs of the build tree, and
# umount(8) takes it away; what comes right after it waits for the last commit.
. "${top_srcdir:-.}/tests/functions.sh"
# shellcheck source=tests/fs/mount8.sh
. "$top_srcdir/tests/fs/mount8.sh"
need_fuse
need_root
own_mounts

sbin=$(readlink -f /sbin)
programs=$(fresh_folder sbin)
cp "$top_builddir/fs/tool/mount.granary" "$top_builddir/fs/granary-fsd" "$programs"
mount --bind "$programs" "$sbin"
check_mount8
unmount "$sbin"
