#!/bin/bash
# SPDX-License-Identifier: MIT
# After kill -9 of granary-targetd at any moment a tape has all that a filemark, or a command that moved the
# tape, was answered after, and nothing that was not written; so it has when the power is cut besides, on a disk
# that forgets whatever was not synced, and when it is the filesystem under the tape that is killed.
#
# KILL_SEED repeats a run.
. "${top_srcdir:-.}/tests/target/targetd.sh" || exit 1
. "$top_srcdir/tests/fs/cutfs.sh"
need_fuse

seed=${KILL_SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
echo "KILL_SEED=$seed"
kills=0 acknowledged=0 host_pid=
umount_all() {
	[ -z "$targetd_pid" ] || kill_targetd || true
	[ -z "$host_pid" ] || kill "$host_pid" 2>/dev/null || true
	if is_mounted "$disk"; then # which is busy until the target is gone
		wait_for 5 umount_disk || true
	fi
}
trap 'status=$?; umount_all; end_targetd $status' EXIT

# host_says WORD: the initiator's next line; $number is what it tells.
host_says() {
	local word=
	read -r -t 600 -u 9 word number && [ "$word" = "$1" ] ||
		fail "not \"$1\" after $kills kills (KILL_SEED=$seed): $(cat "$scratch/host.log")"
}

# What happens between two targets, for each kind of trouble.
killed() {
	kill_targetd
	host_says lost
}
killed_power() {
	killed
	rm -rf "$scratch/image"
	take_cut "$scratch/image" "$((seed + kills))"
	umount_cutfs
	mount_cutfs "--model=$1"
	cp -a "$scratch/image/." "$disk"
	find "$disk" -print0 | xargs -0 sync
}
killed_store() {
	kill -KILL "${mount_pid[$mount]}"
	host_says lost
	kill_targetd
	wait "${mount_pid[$mount]}" 2>/dev/null || true
	unset "mount_pid[$mount]"
	detach "$mount"
	mount_store
}

# rounds NUMBER FOLDER MAY_FAIL TROUBLE...: a library in the folder, whose target is killed so often.
rounds() {
	local left=$1 folder=$2 may_fail=$3
	shift 3
	start_targetd --state "$folder/targetd"
	targetd vtl create main --tapes 1 --drives 1 --slots 1 --ie-slots 0 --tape-size 1G >/dev/null
	targetd vtl load main G00001L8 1 >/dev/null
	rm -f "$scratch/in" "$scratch/out"
	mkfifo "$scratch/in" "$scratch/out"
	# shellcheck disable=SC2086 # none, or one
	"$top_builddir/tests/target/tape-killed" "$prefix:main" "$seed" $may_fail \
		<"$scratch/in" >"$scratch/out" 2>"$scratch/host.log" &
	host_pid=$!
	exec 8>"$scratch/in" 9<"$scratch/out"
	for ((; left > 0; left--)); do
		time_left || break
		echo "$portal" >&8
		host_says checked
		sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
		"$@"
		kills=$((kills + 1)) acknowledged=$((acknowledged + number))
		start_targetd --state "$folder/targetd"
	done
	echo "$portal" >&8
	host_says checked
	killed
	echo >&8
	wait "$host_pid" || fail "the initiator has failed: $(cat "$scratch/host.log")"
	host_pid=
	exec 8>&- 9<&-
	seed=$((seed + 1))
}

each=$((${KILL_ROUNDS:-12} / 4))
rounds $each "$scratch" '' killed
for model in strict journal; do
	mount_cutfs --model=$model
	rounds $each "$disk" '' killed_power $model
	umount_cutfs
done
make_store
mount_store
rounds $each "$mount" may-fail killed_store
umount_store
fsck_store
[ "$acknowledged" -gt 0 ] || fail "nothing was durable before it was lost: nothing is tested"
echo "$kills kills, $acknowledged commands that made the tape durable before them"
