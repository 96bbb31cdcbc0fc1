# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# mount(8) on a store, sourced after functions.sh. It looks for helpers in /sbin only, so a test puts
# ours there: in a namespace of mounts of its own.
# shellcheck disable=SC2154 # $scratch, $store and $mount are from functions.sh

# own_mounts: runs the test once more where it may replace folders of the system.
own_mounts() {
	[ -z "${MOUNT8_OWN_MOUNTS:-}" ] || return 0
	need mount umount unshare
	unshare --mount true 2>/dev/null || skip "a namespace of mounts is not allowed here"
	MOUNT8_OWN_MOUNTS=1 unshare --mount "$0"
	exit
}

# check_mount8_writes NAME: what has been mounted takes a file of that name, and umount(8) ends it.
check_mount8_writes() {
	is_mounted "$mount" || fail "nothing is mounted there"
	echo "$1" >"$mount/$1"
	unmount "$mount"
}

# check_mount8: it mounts a store by its type and by a line of fstab, and umount(8) takes it away;
# what comes right after it, a mount or fsck.granary, waits for the last commit.
check_mount8() {
	local line=$scratch/fstab
	make_store
	mkdir "$mount"
	expect_status 0 mount -t granary -o memory=128M,compression=fast "$store" "$mount"
	check_mount8_writes type
	printf '%s %s granary defaults,nofail,noatime,memory=128M 0 0\n' "$store" "$mount" >"$line"
	expect_status 0 mount --fstab "$line" "$mount"
	check_mount8_writes fstab
	expect_status 0 mount --fstab "$line" -a -t granary
	check_mount8_writes all
	expect_status 0 mount -r -t granary "$store" "$mount"
	check_equal "$(cat "$mount"/{type,fstab,all})" $'type\nfstab\nall' "the files"
	! touch "$mount/type" 2>/dev/null || fail "a read-only mount takes writes"
	unmount "$mount"
	expect_status 32 mount -t granary "$scratch/none" "$mount"
	fsck_store
}
