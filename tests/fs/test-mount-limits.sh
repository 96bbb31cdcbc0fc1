#!/bin/bash
# SPDX-License-Identifier: MIT
# Four writers at once fill a small disk: granary-fsd stays within its memory, what statfs had
# promised could be written and not much more, and cleaning gives the space of a deleted file back.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need_root

disk=$scratch/disk
mkdir "$disk" "$mount"
mount -t tmpfs -o size=400M,mode=755 tmpfs "$disk" 2>/dev/null || skip "no tmpfs can be mounted"

available() {
	df --output=avail -B 1 "$mount" | tail -n 1 | tr -d ' '
}

# between NUMBER LOW HIGH WHAT
between() {
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || fail "$4: $1, not from $2 to $3"
}

store=$disk/store
make_store "$store" --segment-size=16M
mount_store "$store" "$mount" --memory=64M
promised=$(available)
between "$promised" 300000000 400000000 "bytes available in an empty store"
writers=()
for i in 1 2 3 4; do
	head -c 300000000 /dev/urandom >"$mount/file$i" 2>/dev/null &
	writers+=($!)
done
for pid in "${writers[@]}"; do
	wait "$pid" && fail "a writer did not see that the disk is full"
done
granary fs sync "$mount"
written=$(cat "$mount"/file? | wc -c)
between "$written" $((promised * 95 / 100)) $((promised * 101 / 100)) "bytes written of $promised"
between "$(available)" 0 $((promised / 50)) "bytes available when full"

# A sanitizer's own memory is not granary-fsd's.
if ! grep -q '^SAN_CFLAGS = .*-fsanitize' "$top_builddir/Makefile"; then
	peak=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB$/\1/p' "/proc/$(store_pid)/status")
	between "$peak" 1 $((80 * 1024)) "KiB of memory at the peak, of 65536"
fi

size=$(stat -c %s "$mount/file1")
rm "$mount/file1"
# The kernel lets go of a deleted file a moment after rm.
freed() {
	granary fs clean "$mount" && [ "$(available)" -ge $((size * 9 / 10)) ]
}
wait_for 10 freed || true
between "$(available)" $((size * 9 / 10)) $((size + promised / 50)) "bytes available after cleaning"
umount_store
fsck_store "$store"
