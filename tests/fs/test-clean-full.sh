#!/bin/bash
# SPDX-License-Identifier: MIT
# A store on a full host can delete and clean, and then takes new data.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse
need_root
need mkfs.granary

mkdir "$scratch/host"
mount -t tmpfs -o size=256m tmpfs "$scratch/host" 2>/dev/null || skip "no tmpfs can be mounted"
store=$scratch/host/store
make_store "$store" --reserve=32M
mount_store "$store" "$mount"
head -c 8000000 /dev/urandom >"$scratch/precious"
cp "$scratch/precious" "$mount/precious"

full=0
for ((n = 0; n < 100; n++)); do
	head -c 4000000 /dev/urandom >"$mount/fill.$n" 2>/dev/null || {
		full=1
		break
	}
done
[ "$full" = 1 ] || fail "the host never became full"
granary fs sync "$mount" || true
rm "$mount"/fill.*
granary fs clean "$mount" >"$scratch/clean.log" 2>&1 || {
	cat "$scratch/clean.log" >&2
	fail "a full store cannot be cleaned"
}
free=$(df --output=avail -B 1 "$mount" | tail -n 1)
[ "$free" -gt 40000000 ] || fail "$free bytes can be written after cleaning: $(cat "$scratch/clean.log")"
for n in 1 2 3 4 5 6; do
	head -c 4000000 /dev/urandom >"$mount/new.$n" || fail "it takes no new data"
done
granary fs sync "$mount"
cmp "$scratch/precious" "$mount/precious"

# Full again, of small files of which two in three go: every pack must be copied to free any.
mkdir "$mount/small"
head -c 150000000 /dev/urandom | split -b 30000 -a 4 - "$mount/small/" 2>/dev/null &&
	head -c 150000000 /dev/urandom | split -b 30000 -a 4 - "$mount/small/x" 2>/dev/null &&
	fail "the host did not become full again"
granary fs sync "$mount" || true
# The last one was cut off by the end of the space.
find "$mount/small" -type f ! -size 30000c -delete
find "$mount/small" -type f | sort | awk 'NR % 3' | tr '\n' '\0' | xargs -0 rm
(cd "$mount" && find small -type f -exec sha256sum {} + >"$scratch/sums")
granary fs clean "$mount" >"$scratch/clean.log" 2>&1 || fail "it cannot be cleaned: $(cat "$scratch/clean.log")"
free=$(df --output=avail -B 1 "$mount" | tail -n 1)
[ "$free" -gt 15000000 ] || fail "$free bytes can be written after cleaning: $(cat "$scratch/clean.log")"
(cd "$mount" && sha256sum --quiet -c "$scratch/sums") || fail "files have changed"
cmp "$scratch/precious" "$mount/precious"
umount_store "$mount"
fsck_store "$store"
unmount "$scratch/host"
