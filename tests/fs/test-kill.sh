#!/bin/bash
# SPDX-License-Identifier: MIT
# After kill -9 of granary-fsd at any moment the store mounts again within two
# seconds, and what fsync had acknowledged is there.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse

model=$top_builddir/tests/fs/model
seed=${KILL_SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
echo "KILL_SEED=$seed"
mount_store
slowest=0 cleaners=()
for ((round = 0; round < ${KILL_ROUNDS:-15}; round++)); do
	time_left || break
	if ((round % 5 == 0)); then
		rm -rf "${mount:?}"/one "${mount:?}"/two "$scratch"/state-*
		mkdir "$mount/one" "$mount/two"
	fi
	pids=()
	rm -f "$scratch"/model-*.log
	for folder in one two; do
		"$model" --state="$scratch/state-$folder" --seed="$RANDOM" --seconds=60 --may-die \
			run "$mount/$folder" >"$scratch/model-$folder.log" 2>&1 &
		pids+=($!)
	done
	if ((round % 3 == 0)); then
		timeout 20 granary fs clean "$mount" >/dev/null 2>&1 &
		cleaners+=($!)
	fi
	for folder in one two; do
		wait_for 20 grep -q '^model: seed' "$scratch/model-$folder.log" ||
			fail "the model did not start: $(cat "$scratch/model-$folder.log")"
	done
	sleep "$((RANDOM % 2)).$((RANDOM % 10))5"
	kill_store
	for pid in "${pids[@]}"; do
		status=0
		wait "$pid" || status=$?
		[ "$status" = 3 ] || cat "$scratch"/model-*.log >&2
		check_equal "$status" 3 "the model's end after kill -9"
	done
	start=$(date +%s%N)
	mount_store
	took=$((($(date +%s%N) - start) / 1000000))
	((took <= slowest)) || slowest=$took
	for folder in one two; do
		"$model" --state="$scratch/state-$folder" verify-crash "$mount/$folder" ||
			fail "a state of $folder before the last fsync, or none, survived (seed $seed)"
	done
done
wait "${cleaners[@]}" || true
umount_store
fsck_store
echo "$round kills, slowest mount afterwards: $slowest ms"
# A bound against hanging; how fast a mount is, make bench measures.
[ "$slowest" -le "${KILL_MOUNT_MS:-20000}" ] || fail "mounting took $slowest ms"
