#!/bin/bash
# SPDX-License-Identifier: MIT
# An I/O error under the store: fsync reports it, the store turns read-only and says so,
# what was acknowledged can be read on, and after a mount on a healthy disk it is all there.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
. "$top_srcdir/tests/fs/cutfs.sh"
need_fuse

# put NAME: 150 kB of noise, synced, a copy beside.
put() {
	head -c 150000 /dev/urandom >"$scratch/copy/$1"
	dd if="$scratch/copy/$1" of="$mount/$1" bs=50000 conv=fsync 2>"$scratch/dd.log"
}

check_copies() {
	local file
	for file in "$scratch"/copy/*; do
		cmp "$file" "$mount/${file##*/}" || fail "$1: ${file##*/} was acknowledged and is not there"
	done
}

end_readonly() {
	local status=0 pid
	pid=$(store_pid)
	unmount "$mount"
	wait "$pid" || status=$?
	[ "$status" -lt 128 ] || fail "$1: granary-fsd crashed ($status)"
	unset "mount_pid[$mount]"
}

# check_readonly FAULT: the disk is well again, and the store must not believe it.
check_readonly() {
	order_fault off
	! put late || fail "$1: a write after the error was acknowledged"
	rm "$scratch/copy/late"
	! mkdir "$mount/late-folder" 2>"$scratch/mkdir.log" || fail "$1: a name after the error was taken"
	grep -q 'Read-only\|Input/output' "$scratch/mkdir.log" || fail "$1: mkdir says $(cat "$scratch/mkdir.log")"
	granary fs status "$mount" >"$scratch/status" 2>&1 || true
	grep -q -i 'read.only  *yes' "$scratch/status" || fail "$1: granary fs status does not say read-only: $(cat "$scratch/status")"
	check_copies "$1, read-only"
}

# failing FAULT: files are put until one fails.
failing() {
	local n
	fresh_folder copy >/dev/null
	mount_cutfs
	mount_store "$disk/store" "$mount"
	put first
	put second
	order_fault "$1"
	for ((n = 0; n < 30; n++)); do
		put "file$n" || break
	done
	if [ "$n" -lt 30 ]; then
		rm "$scratch/copy/file$n"
		grep -q 'Input/output\|Read-only' "$scratch/dd.log" || fail "$1: fsync says $(cat "$scratch/dd.log")"
		check_readonly "$1"
	else
		# One request of several may fail and write() say that it was short: then the rest
		# was written again. An error that stays, or one of fsync, cannot be missed.
		[[ $1 == write:* && $1 != *+ ]] ||
			fail "$1: no fsync has reported the error: $(cat "$scratch/cutfs.log")"
		order_fault off
	fi
	end_readonly "$1"
	fsck_store "$disk/store"
	mount_store "$disk/store" "$mount"
	check_copies "$1, mounted again"
	put after || fail "$1: nothing can be written after a mount on a healthy disk"
	umount_store "$mount"
	umount_cutfs
}

for n in ${FAULT_NUMBERS:-1 2 3 5 8 13}; do
	time_left || break
	failing "write:$n+"
	failing "write:$n"
	failing "fsync:$n"
done
