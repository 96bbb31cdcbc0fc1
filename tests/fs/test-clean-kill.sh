#!/bin/bash
# SPDX-License-Identifier: MIT
# Cleaning that a kill -9 interrupts goes on by itself at the next mount, and a paused one
# waits; no file that was synced loses a byte.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse

mount_store
for n in 1 2 3 4 5 6 7 8; do
	head -c 2000000 /dev/urandom >"$mount/$n"
done
(cd "$mount" && sha256sum 1 3 5 7 >"$scratch/sums")
granary fs sync "$mount"
rm "$mount"/{2,4,6,8}
granary fs sync "$mount"
for round in 1 2 3 4 5; do
	granary fs clean --start "$mount" >/dev/null 2>&1 || true # it may go on from before
	sleep 0.0$round
	kill_store
	mount_store
	(cd "$mount" && sha256sum --quiet -c "$scratch/sums") || fail "files have changed"
done
is_idle() {
	granary fs clean --wait "$mount" >"$scratch/clean.log" 2>&1
}
wait_for 30 is_idle || fail "cleaning does not end: $(cat "$scratch/clean.log")"
granary fs clean "$mount" >/dev/null

granary fs clean --start "$mount" >/dev/null
if granary fs clean --pause "$mount" >/dev/null 2>&1; then
	remount_store
	granary fs status "$mount" | finds paused || fail "a pause did not last"
	granary fs clean --resume --wait "$mount" >/dev/null || fail "it does not resume"
fi
taken=$(du -s --block-size=1 "$store/segments" | cut -f 1)
[ "$taken" -lt 12000000 ] || fail "$taken bytes are left of 8000000"
(cd "$mount" && sha256sum --quiet -c "$scratch/sums") || fail "files have changed"
umount_store
fsck_store
