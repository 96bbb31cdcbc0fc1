#!/bin/bash
# SPDX-License-Identifier: MIT
# Cartridges on a Granary mount are what they are elsewhere, also after the filesystem has been
# killed.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse

tool=$top_builddir/tests/target/cartridge-tool
make_store
mount_store
"$tool" make "$mount" M00001L7 77 120 || fail "no cartridge on the mount"
"$tool" list "$mount/M00001L7" >"$scratch/before"
kill -KILL "${mount_pid[$mount]}"
wait "${mount_pid[$mount]}" 2>/dev/null || true
detach "$mount"
unset "mount_pid[$mount]"
mount_store
"$tool" list "$mount/M00001L7" >"$scratch/after" || fail "the cartridge is not whole after a kill"
cmp "$scratch/before" "$scratch/after" || fail "what was synced is not there"
grep -q block "$scratch/after" || fail "there are no blocks"
umount_store
