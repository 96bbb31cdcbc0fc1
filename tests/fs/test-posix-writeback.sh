#!/bin/bash
# SPDX-License-Identifier: MIT
# The POSIX suite holds on a mount whose written pages the kernel keeps back.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse

options=(--writeback)
# The suite's cases become other users.
[ "$(id -u)" != 0 ] || options+=(--allow-other)
mount_store "$store" "$mount" "${options[@]}"
mkdir "$mount/suite"
"$top_builddir/tests/fs/posix-suite" "$mount/suite"
umount_store
fsck_store
