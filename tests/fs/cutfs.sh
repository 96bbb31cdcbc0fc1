# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For tests that put a store on cutfs, the filesystem that forgets (cutfs.h).
# Sourced after tests/functions.sh.

disk=${scratch:?}/disk
cutfs_pid=

# mount_cutfs [OPTION...]: an empty disk on $disk.
mount_cutfs() {
	need setfattr getfattr
	mkdir -p "$disk"
	"${top_builddir:?}/tests/fs/cutfs" "$@" "$disk" 2>"$scratch/cutfs.log" &
	cutfs_pid=$!
	wait_for 10 is_mounted "$disk" || fail "cutfs did not start: $(cat "$scratch/cutfs.log")"
}

umount_cutfs() {
	local status=0
	unmount "$disk"
	wait "$cutfs_pid" || status=$?
	check_equal "$status" 0 "the end of cutfs"
}

# take_cut IMAGE SEED: what the disk would hold if the power went now.
take_cut() {
	setfattr -n user.cutfs.cut -v "$1 $2" "$disk" || fail "no image of the disk"
}

# order_fault write:N|write:N+|fsync:N|fsync:N+|off
order_fault() {
	setfattr -n user.cutfs.fault -v "$1" "$disk"
}

set_disk_quota() {
	setfattr -n user.cutfs.quota -v "$1" "$disk"
}

disk_used() {
	getfattr --only-values -n user.cutfs.stats "$disk" 2>/dev/null | cut -d ' ' -f 2
}
