#!/bin/bash
# SPDX-License-Identifier: MIT
# The POSIX suite holds on a mount, and the store is whole afterwards.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse

if [ "$(id -u)" = 0 ]; then
	# The suite's cases become other users.
	mount_store "$store" "$mount" --allow-other
else
	mount_store
fi
mkdir "$mount/suite"
"$top_builddir/tests/fs/posix-suite" "$mount/suite"
umount_store
fsck_store
