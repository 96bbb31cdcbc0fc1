#!/bin/sh
# SPDX-License-Identifier: MIT
# Part of bench.sh: a store of 10 GB, the daemon killed (-9) while it takes data, and how long the
# next mount takes until a file can be read.
# shellcheck disable=SC2154

crash_fill() {
	granary_new
	n=1
	# Incompressible and all different, so that 10 GB in are 10 GB stored.
	while [ "$n" -le 10 ]; do
		openssl enc -aes-128-ctr -pass "pass:$n" -nosalt -pbkdf2 -in /dev/zero 2> /dev/null |
			head -c 1000000000 > "$work/mount/data-$n"
		n=$((n + 1))
	done
	granary fs sync "$work/mount" > /dev/null
}

crash_mount() {
	mount.granary "$work/store" "$work/mount"
	head -c 65536 "$work/mount/data-5" > "$work/head"
}

bench_crash() {
	if [ "$run" = 1 ]; then crash_fill; elif ! mountpoint -q "$work/mount"; then crash_mount; fi
	dd if=/dev/urandom of="$work/mount/under-way" bs=1M count=2000 status=none 2> /dev/null &
	writer=$!
	sleep 2
	kill -9 "$(granary_pid)"
	wait $writer || true
	umount "$work/mount"
	drop_caches
	measure crash granary mount-after-kill "$(folder_bytes "$work/store/segments")" crash_mount
	[ "$run" != "$runs" ] || granary_stop
}
