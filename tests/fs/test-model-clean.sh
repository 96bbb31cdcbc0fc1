#!/bin/bash
# SPDX-License-Identifier: MIT
# While one cleaning follows the other, random operations still do what the model says, through
# remounts and kill -9.
#
# MODEL_SECONDS (30) is how long, MODEL_SEED repeats a run.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse

model=$top_builddir/tests/fs/model
seed=${MODEL_SEED:-$((RANDOM * 32768 + RANDOM))}
deadline=$((SECONDS + ${MODEL_SECONDS:-30}))
RANDOM=$seed
echo "MODEL_SEED=$seed"
mount_store "$store" "$mount"
mkdir "$mount/folder"

# Cleans for as long as it is asked to; the mount comes and goes meanwhile.
(
	while [ ! -e "$scratch/stop" ]; do
		granary fs clean "$mount" 2>/dev/null || sleep 0.05
	done
) >"$scratch/cleaned" &
cleaner=$!

# A slow machine takes its time for the few cleanings that there must be.
cleanings() {
	grep -c freed "$scratch/cleaned" || true
}
while ((SECONDS < deadline || ($(cleanings) <= 3 && SECONDS < deadline + 900))); do
	status=0
	if ((RANDOM % 2)); then
		rm -f "$scratch/model.log"
		"$model" --state="$scratch/state" --seed="$RANDOM" --seconds=60 --may-die run "$mount/folder" \
			>"$scratch/model.log" &
		running=$!
		wait_for 20 grep -q '^model: seed' "$scratch/model.log" || fail "the model did not start"
		sleep "$((1 + RANDOM % 3)).$((RANDOM % 10))"
		kill_store "$mount"
		wait "$running" || status=$?
		check_equal "$status" 3 "the model's end after kill -9"
		mount_store "$store" "$mount"
		"$model" --state="$scratch/state" verify-crash "$mount/folder" ||
			fail "no state of the folder survived kill -9 (seed $seed)"
	else
		"$model" --state="$scratch/state" --seed="$RANDOM" --seconds=3 run "$mount/folder"
		remount_store "$mount"
		"$model" --state="$scratch/state" verify "$mount/folder" ||
			fail "the folder changed over a remount (seed $seed)"
	fi
done
touch "$scratch/stop"
wait "$cleaner" || fail "the cleaner ended badly"
echo "$(cleanings) cleanings"
[ "$(cleanings)" -gt 3 ] || fail "nothing was cleaned meanwhile"
umount_store "$mount"
fsck_store "$store"
