# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Power cuts: a store on cutfs, threads that change files on its mount, images of the
# disk at random moments, and for each image: fsck finds nothing, the store
# mounts, and every folder is as it was at one moment at or after its last
# acknowledged sync. Sourced by the tests that choose how many and how.
#
# CUT_SEED repeats a run, KEEP_IMAGES=FOLDER keeps the first bad image.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
. "$top_srcdir/tests/fs/cutfs.sh"
need_fuse

powercut=$top_builddir/tests/fs/powercut
images=$scratch/images
cut_seed=${CUT_SEED:-$((RANDOM * 32768 + RANDOM))}
cuts_done=0
echo "CUT_SEED=$cut_seed"
RANDOM=$cut_seed

bad_image() {
	if [ -n "${KEEP_IMAGES:-}" ]; then
		mkdir -p "$KEEP_IMAGES"
		cp -a "$1" "$1.state" "$KEEP_IMAGES" || true
	fi
	fail "image $1 of run $2: $3 (CUT_SEED=$cut_seed)"
}

# check_image IMAGE STATE RUN [--all]
check_image() {
	local image=$1 state=$2 run=$3
	shift 3
	[ "$state" = "$image.state" ] || cp "$state" "$image.state"
	fsck.granary -f -n "$image/store" >"$scratch/fsck.log" 2>&1 || {
		cat "$scratch/fsck.log" >&2
		bad_image "$image" "$run" "fsck.granary is not content"
	}
	mount_store "$image/store" "$scratch/image-mount"
	"$powercut" --state="$state" "$@" verify "$scratch/image-mount" ||
		bad_image "$image" "$run" "what was synced is not there"
	umount_store "$scratch/image-mount"
	rm -rf "$image"
	cuts_done=$((cuts_done + 1))
}

# Cleaning, again and again, as long as the mount is there.
clean_forever() {
	while [ -e "$scratch/cleaning" ]; do
		timeout 20 granary fs clean "$mount" >/dev/null 2>&1 || true
		sleep 0.1
	done
}

# Cuts while the store is being unmounted (and its catalogue copied into the segments), and one after.
cut_unmount() {
	local run=$1 n pid
	(
		for n in u1 u2 u3 u4; do
			take_cut "$images/$n" "$cut_seed$run${n#u}"
			sleep 0.0$((RANDOM % 5))
		done
	) &
	pid=$!
	umount_store "$mount"
	wait "$pid" || fail "no cuts while unmounting"
	take_cut "$images/after" "$cut_seed"
	for n in u1 u2 u3 u4; do
		check_image "$images/$n" "$images/end.state" "$run"
	done
	check_image "$images/after" "$images/end.state" "$run" --all
}

# cut_run RUN MODEL CUTS: one store, one workload, CUTS images and five around the unmount.
#
# A sync of one thread makes durable what the others have done, and so do cleaning's commits;
# they hide what a sync has missed. So some runs have a single thread and nothing else. Some see
# a store's first moments only.
cut_run() {
	local run=$1 how=$2 cuts=$3 threads=$((1 + ($1 - 1) % 3)) pause=120 n cleaner
	((run % 2)) || pause=10
	rm -rf "$images"
	mkdir "$images"
	mount_cutfs --model="$how"
	mount_store "$disk/store" "$mount"
	((threads == 1)) || touch "$scratch/cleaning"
	clean_forever &
	cleaner=$!
	"$powercut" --disk="$disk" --images="$images" --cuts="$cuts" --seed=$((cut_seed + run)) \
		--threads="$threads" --pause="$pause" run "$mount" ||
		fail "the workload failed (CUT_SEED=$cut_seed, run $run)"
	rm -f "$scratch/cleaning"
	wait "$cleaner" || true
	cut_unmount "$run"
	umount_cutfs
	for ((n = 1; n <= cuts; n++)); do
		check_image "$images/$n" "$images/$n.state" "$run"
	done
}
