#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk that is read-only or full gets one clear sentence; --read-only mounts from a read-only
# disk, fsck.granary checks there, and a store on a full disk can still delete.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need_root

disk=$scratch/disk
mkdir "$disk" "$mount"
mount -t tmpfs -o size=64M,mode=755 tmpfs "$disk" 2>/dev/null || skip "no tmpfs can be mounted"

expect_status 1 mkfs.granary --reserve=100M "$disk/large"
expect_output 'No space left'
check_equal "$(ls "$disk")" '' "what mkfs.granary leaves behind"

mkfs.granary -q --reserve=8M --segment-size=16M "$disk/store"
mount_store "$disk/store" "$mount" --memory=64M
echo text >"$mount/file"
umount_store

mount -o remount,ro "$disk"
expect_status 1 granary-fsd "$disk/store" "$mount"
expect_output '[Rr]ead-only'
check_equal "$(wc -l <"$scratch/output")" 1 "sentences"
expect_status 1 mkfs.granary -r 1M "$disk/other"
expect_output 'Read-only'
expect_status 0 fsck.granary -n "$disk/store"
granary-fsd --read-only --memory=64M --control="$scratch/control.sock" "$disk/store" "$mount" >"$scratch/log" 2>&1 &
pid=$!
wait_for 10 is_mounted "$mount" || { cat "$scratch/log" >&2; fail "--read-only does not mount"; }
check_equal "$(cat "$mount/file")" text "the file"
unmount "$mount"
wait $pid || fail "granary-fsd ended with $?"
mount -o remount,rw "$disk"

mount_store "$disk/store" "$mount" --memory=64M
expect_status 1 dd if=/dev/urandom of="$mount/filler" bs=1M count=100
expect_output 'No space left'
check_equal "$(cat "$mount/file")" text "the file on a full disk"
rm "$mount/filler"
# The kernel lets go of a deleted file a moment after rm.
clean_and_write() {
	granary fs clean "$mount" && dd if=/dev/urandom of="$mount/filler" bs=1M count=10
}
wait_for 10 clean_and_write || fail "no space after deleting and cleaning"
umount_store
fsck_store "$disk/store"
unmount "$disk"
