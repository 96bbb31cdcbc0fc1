#!/bin/bash
# SPDX-License-Identifier: MIT
# `granary fs clean` on a mount that is in use gives the space of what was deleted back to the
# host, and every other byte stays: shared files, clones, files deleted while they are open.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse

taken() {
	du -s --block-size=1 "$store/segments" | cut -f 1
}

mount_store
for n in 1 2 3 4 5 6; do
	head -c 4000000 /dev/urandom >"$mount/$n"
done
cp "$mount/1" "$mount/1.copy"
granary fs clone "$mount/2" "$mount/2.clone"
{
	head -c 1000000 "$mount/3"
	head -c 500000 /dev/urandom
} >"$mount/3.front"
(cd "$mount" && sha256sum 1.copy 2.clone 3.front 4 5 >"$scratch/sums")
exec 9<"$mount/5"
granary fs sync "$mount"
before=$(taken)

rm "$mount"/{1,2,3,5,6}
# Somebody writes and deletes meanwhile.
(
	for ((i = 0; ; i++)); do
		head -c 700000 /dev/zero | tr '\0' "$((i % 10))" >"$mount/churn.$((i % 4))"
		cp "$mount/4" "$mount/churn.copy"
		rm "$mount/churn.copy"
		[ ! -e "$scratch/stop" ] || break
	done
) &
churn=$!
for _ in 1 2 3; do
	granary fs clean "$mount" >"$scratch/clean.log"
done
touch "$scratch/stop"
wait "$churn" || fail "writing while the store was cleaned failed"
granary fs clean --json "$mount" >"$scratch/clean.json"
grep -q '"state": *"idle"' "$scratch/clean.json" || fail "no state: $(cat "$scratch/clean.json")"
grep -q freed "$scratch/clean.log" || fail "it does not say what was freed: $(cat "$scratch/clean.log")"
after=$(taken)
# 3 (three quarters) and 6 are dead, 5 is open.
[ $((before - after)) -gt 6000000 ] || fail "of $before bytes $after are left"
cmp <(sed -n 's/ .*5$//p' "$scratch/sums") <(sha256sum <&9 | cut -d ' ' -f 1) ||
	fail "the open file without a name has changed"
exec 9<&-
sed -i '/ 5$/d' "$scratch/sums"
(cd "$mount" && sha256sum --quiet -c "$scratch/sums") || fail "files have changed"

# The kernel tells of the last close a moment after it.
all_freed() {
	granary fs clean "$mount" && [ $((after - $(taken))) -gt 3000000 ]
}
wait_for 10 all_freed || fail "the file that was open is still there"
(cd "$mount" && sha256sum --quiet -c "$scratch/sums") || fail "files have changed"
umount_store
fsck_store
fsck.granary -f -n --verify-data "$store" >"$scratch/fsck.log" 2>&1 || {
	cat "$scratch/fsck.log" >&2
	fail "fsck.granary --verify-data found something"
}
mount_store
(cd "$mount" && sha256sum --quiet -c "$scratch/sums") || fail "files have changed"
umount_store
