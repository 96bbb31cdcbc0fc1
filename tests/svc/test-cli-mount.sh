#!/bin/bash
# SPDX-License-Identifier: MIT
# `granary fs` finds the store from its folder, its mount point and any path inside, and its
# verbs work on a real mount.
. "${top_srcdir:-.}/tests/functions.sh"
need granary-fsd mkfs.granary
need_fuse
mount_store

mkdir "$mount/web" "$mount/web/old"
head -c 3000000 /dev/urandom >"$mount/web/data"
cp "$mount/web/data" "$mount/web/old/data"

for name in "$store" "$mount" "$mount/web/data"; do
	expect_status 0 granary fs status "$name"
	expect_output '^uuid  *[0-9a-f-]*$'
done
(cd "$mount/web" && expect_status 0 granary fs status) || exit 1
expect_status 0 granary fs sync "$mount"
expect_status 0 granary fs stats "$mount" --json
expect_output '"chunks_duplicate"'
expect_status 0 granary fs df "$mount"
expect_output '^web '

# A clone of a tree is another tree with the same bytes.
expect_status 0 granary fs clone "$mount/web" "$mount/copy"
cmp "$mount/web/data" "$mount/copy/old/data"
echo more >>"$mount/copy/data"
cmp "$mount/web/data" "$mount/web/old/data"
expect_status 1 granary fs clone "$mount/web" "$mount/copy"
expect_status 1 granary fs clone "$mount/web" "$scratch/elsewhere"
(cd "$mount/web" && expect_status 0 granary fs clone data data.clone) || exit 1
cmp "$mount/web/data" "$mount/web/data.clone"

# A quota holds.
expect_status 0 granary fs quota "$mount/web" 16M
expect_status 0 granary fs quota "$mount/web"
expect_output '^web .* 16.0 MiB$'
if head -c 40000000 /dev/zero | tr '\0' 'x' >"$mount/web/large" 2>"$scratch/output"; then
	fail "the quota did not hold"
fi
expect_output 'quota'
expect_status 0 granary fs quota "$mount/web" none
rm "$mount/web/large"

expect_status 0 granary fs explain "$mount/web/data"
expect_output '^size  *2.9 MiB$'
expect_output '^ratio '
expect_status 0 granary fs clean "$mount"
expect_output '^freed '
expect_status 1 granary fs clean "$mount" --pause
expect_output 'cannot pause: it is not under way'
expect_status 1 granary fs scrub "$mount" --resume
expect_output 'cannot resume: it is not paused'
expect_status 0 granary fs check "$mount"
expect_output '^0 damaged chunks, 0 damaged files'

expect_status 0 granary daemon status --control "$store/control.sock"
expect_output '^name  *granary-fsd$'
umount_store
expect_status 3 granary fs status "$store"
expect_status 0 granary fs dump "$store"

# A daemon that was killed leaves its socket, at which nobody answers.
mount_store
kill_store
expect_status 3 granary fs status "$store"
expect_output 'no daemon answers'
