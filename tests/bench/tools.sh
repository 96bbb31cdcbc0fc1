#!/bin/sh
# SPDX-License-Identifier: MIT
# Sourced by bench.sh: timing, and how each tool is set up, fed and read.
# shellcheck disable=SC2154 # work, rows, run and folder are bench.sh's

export RESTIC_PASSWORD=bench RESTIC_REPOSITORY="$work/restic"
export BORG_REPO="$work/borg" BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_BASE_DIR="$work/borg-home"

bench_cleanup() {
	if [ -n "${tape_pids:-}" ]; then tape_end KILL; fi
	for mount in "$work/mount" "$work/pass"; do
		if mountpoint -q "$mount" 2> /dev/null; then umount "$mount" || true; fi
	done
}

# row PART TOOL WHAT BYTES SECONDS
row() {
	echo "$1,$2,$3,$run,$4,$5" >> "$rows"
	printf '  %-12s %-22s %10.1f MB %8.2f s\n' "$2" "$3" "$(echo "$4" | awk '{print $1 / 1e6}')" "$5"
}

# measure PART TOOL WHAT BYTES COMMAND...
measure() {
	part_=$1 tool_=$2 what_=$3 bytes_=$4
	shift 4
	begin=$(date +%s.%N)
	"$@" > "$work/out.log" 2>&1 || { cat "$work/out.log" >&2; return 1; }
	row "$part_" "$tool_" "$what_" "$bytes_" "$(echo "$(date +%s.%N) $begin" | awk '{printf "%.3f", $1 - $2}')"
}

drop_caches() {
	sync
	echo 3 > /proc/sys/vm/drop_caches
}

warm() {
	cat "$@" > /dev/null
}

folder_bytes() {
	du -s --block-size=1 "$1" | cut -f1
}

granary_new() {
	granary_stop
	rm -rf "$work/store"
	mkdir -p "$work/mount"
	mkfs.granary "$work/store" > /dev/null
	mount.granary "$work/store" "$work/mount"
}

granary_stop() {
	if mountpoint -q "$work/mount" 2> /dev/null; then
		umount "$work/mount"
		flock -w 120 "$work/store/lock" true
	fi
}

granary_pid() {
	pgrep -f "granary-fsd.*$work/store" | head -n 1
}

# Peak resident memory of a process in bytes.
peak_memory() {
	awk '/^VmHWM/ {print $2 * 1024}' "/proc/$1/status"
}

# libfuse's own passthrough, built from the example that its development package ships.
passthrough_start() {
	mkdir -p "$work/pass" "$work/pass.source"
	if [ ! -x "$work/passthrough_ll" ]; then
		# shellcheck disable=SC2046
		cc -O2 -o "$work/passthrough_ll" /usr/share/doc/libfuse3-dev/examples/passthrough_ll.c \
			$(pkg-config --cflags --libs fuse3)
	fi
	"$work/passthrough_ll" -o "source=$work/pass.source,allow_other,cache=always" "$work/pass"
}

passthrough_stop() {
	if mountpoint -q "$work/pass"; then umount "$work/pass"; fi
}
