#!/bin/bash
# SPDX-License-Identifier: MIT
# Random operations on a mount do what the model says, and after a remount every
# byte is there; after kill -9 the mount shows one state of the whole folder, not
# older than what was acknowledged by a sync.
#
# MODEL_SECONDS (60) is how long, MODEL_SEED repeats a run, MODEL_OPTIONS go to granary-fsd.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse

model=$top_builddir/tests/fs/model
seed=${MODEL_SEED:-$((RANDOM * 32768 + RANDOM))}
deadline=$((SECONDS + ${MODEL_SECONDS:-60}))
RANDOM=$seed
echo "MODEL_SEED=$seed"
# Words of options, on purpose.
# shellcheck disable=SC2206
options=(${MODEL_OPTIONS:-})
mount_store "$store" "$mount" "${options[@]}"

# Ends with granary-fsd killed at a random moment.
run_killed() {
	local pid
	rm -f "$scratch/model.log"
	"$model" --state="$1" --seed="$RANDOM" --seconds=60 --may-die run "$2" >"$scratch/model.log" &
	pid=$!
	wait_for 20 grep -q '^model: seed' "$scratch/model.log" || fail "the model did not start"
	sleep "$((1 + RANDOM % 4)).$((RANDOM % 10))"
	kill_store
	status=0
	wait "$pid" || status=$?
	cat "$scratch/model.log"
	check_equal "$status" 3 "the model's end after kill -9"
	mount_store "$store" "$mount" "${options[@]}"
	"$model" --state="$1" verify-crash "$2" || fail "no state of the folder survived kill -9 (seed $seed)"
}

# Ends with a clean unmount.
run_remounted() {
	"$model" --state="$1" --seed="$RANDOM" --seconds=$((1 + RANDOM % 5)) run "$2"
	remount_store "$mount" "${options[@]}"
	"$model" --state="$1" verify "$2" || fail "the folder changed over a remount (seed $seed)"
}

for ((turn = 0; SECONDS < deadline; turn++)); do
	rm -rf "${mount:?}/folder" "$scratch/state"
	mkdir "$mount/folder"
	for ((round = 0; round < 6 && SECONDS < deadline; round++)); do
		if ((RANDOM % 2)); then
			run_killed "$scratch/state" "$mount/folder"
		else
			run_remounted "$scratch/state" "$mount/folder"
		fi
	done
done
umount_store
fsck_store
