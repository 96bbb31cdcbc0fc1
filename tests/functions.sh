# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the system tests share. A test sources this file first:
#
#   . "${top_srcdir:-.}/tests/functions.sh"
#
# It then has a folder of its own, $scratch, which goes away at the end together
# with every mount and process that the functions below have started, however
# the test ends. Nothing is shared between tests: they run side by side.
#
#   store=$scratch/store  mount=$scratch/mount     what the functions use unless told otherwise

set -euo pipefail

top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
top_builddir=${top_builddir:-$PWD}
export top_srcdir top_builddir
PATH=$top_builddir/fs:$top_builddir/fs/tool:$top_builddir/target:$top_builddir/target/tool:$top_builddir/svc/cli:$PATH
export PATH LC_ALL=C

scratch=$(mktemp -d "${TMPDIR:-/tmp}/granary-test.XXXXXX")
# Where another user may look for the mount.
chmod 755 "$scratch"
store=$scratch/store
# Read by the scripts that source this file.
# shellcheck disable=SC2034
mount=$scratch/mount

# One entry a mount: DIR -> process, STORE, log.
declare -A mount_pid=() mount_of_store=() mount_log=()
mount_count=0

# A test with a trap of its own ends it with this and the status: a trap set in a trap never runs.
cleanup_scratch() {
	local status=${1:-$?} dir
	trap - EXIT
	set +e
	cd /
	for dir in "${!mount_pid[@]}"; do
		detach "$dir"
		kill -KILL "${mount_pid[$dir]}" 2>/dev/null
		wait "${mount_pid[$dir]}" 2>/dev/null
		detach "$dir"
		if [ "$status" != 0 ] && [ "$status" != 77 ]; then
			echo "--- the last lines of granary-fsd on $dir" >&2
			tail -n 20 "${mount_log[$dir]}" >&2
		fi
	done
	# Also of those that were killed or mounted without mount_store.
	for dir in "$scratch"/*.log; do
		[ ! -e "$dir" ] || sanitizer_silent "$dir" || [ "$status" != 0 ] || status=1
	done
	# What the test itself mounted below $scratch, disks included.
	while read -r _ dir _; do
		dir=$(printf '%b' "$dir") # blanks stand as \040 there
		case $dir in
		"$scratch"/*) umount -l "$dir" 2>/dev/null || fusermount3 -u -z "$dir" 2>/dev/null ;;
		esac
	done </proc/self/mounts
	rm -rf --one-file-system "$scratch"
	exit "$status"
}
trap cleanup_scratch EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- saying how it went ----

# sanitizer_silent LOG: no sanitizer has found anything in the program that wrote it.
sanitizer_silent() {
	! grep -Eq '(Thread|Address|Leak|Memory)Sanitizer|runtime error:' "$1" || {
		echo "--- a sanitizer in $1" >&2
		grep -E -m 1 -A 40 '(Thread|Address|Leak|Memory)Sanitizer|runtime error:' "$1" >&2
		return 1
	}
}

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

skip() {
	echo "SKIP: $*" >&2
	exit 77
}

# need PROGRAM...: skips the test where one of them is not installed.
need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# The mount needs /dev/fuse, and fusermount3 for whoever is not root.
need_fuse() {
	[ -c /dev/fuse ] || skip "/dev/fuse is missing"
	if [ "$(id -u)" = 0 ]; then
		# A container may have the device node and still refuse it.
		(exec 3<>/dev/fuse) 2>/dev/null || skip "/dev/fuse cannot be opened"
	else
		command -v fusermount3 >/dev/null || skip "fusermount3 is not installed"
	fi
}

# check_equal GOT WANTED WHAT
check_equal() {
	[ "$1" = "$2" ] || fail "$3: got '$1', expected '$2'"
}

# expect_status STATUS COMMAND...: runs the command, output to $scratch/output.
expect_status() {
	local wanted=$1 status=0
	shift
	"$@" >"$scratch/output" 2>&1 || status=$?
	if [ "$status" != "$wanted" ]; then
		cat "$scratch/output" >&2
		fail "'$*' ended with status $status, expected $wanted"
	fi
}

# expect_output PATTERN: the output of the last expect_status has it, and is one sentence or so.
expect_output() {
	grep -q -e "$1" "$scratch/output" || {
		cat "$scratch/output" >&2
		fail "the output has no '$1'"
	}
}

# wait_for SECONDS COMMAND...: until it succeeds. The seconds are those of an idle machine: it waits for six
# times as many.
wait_for() {
	local tries=$(($1 * 120))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# finds PATTERN: grep for the end of a pipe. With -q it would go at the first line that fits, whoever writes on
# be ended by a signal, and pipefail take that for a failure.
finds() {
	[ "$(grep -c "$@")" -gt 0 ]
}

# time_left: whether a test that repeats itself may do so once more; it always may once.
# `make torture` gives it TEST_SECONDS, `make check` sets no limit.
rounds_begun=0
time_left() {
	rounds_begun=$((rounds_begun + 1))
	if [ "$rounds_begun" = 1 ] || [ -z "${TEST_SECONDS:-}" ] || [ "$SECONDS" -lt "$TEST_SECONDS" ]; then
		return 0
	fi
	echo "the time is over after $((rounds_begun - 1)) rounds"
	return 1
}

# ---- folders, stores, mounts ----

# fresh_folder NAME: an empty $scratch/NAME; prints its path.
fresh_folder() {
	rm -rf "${scratch:?}/$1"
	mkdir -p "$scratch/$1"
	printf '%s\n' "$scratch/$1"
}

# make_store [STORE [OPTION...]]: small segments and a small reserve, so that tests stay small.
make_store() {
	local where=${1:-$store}
	[ $# -gt 0 ] && shift
	mkfs.granary --reserve=16M "$@" "$where" >"$scratch/mkfs.log" 2>&1 || {
		cat "$scratch/mkfs.log" >&2
		fail "mkfs.granary $* $where failed"
	}
}

is_mounted() {
	grep -Eq " $1 fuse\.(granary|cutfs) " /proc/self/mounts
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

detach() {
	is_mounted "$1" || return 0
	if [ "$(id -u)" = 0 ]; then
		umount -l "$1" 2>/dev/null
	else
		fusermount3 -u -z "$1" 2>/dev/null
	fi
}

# mount_store [STORE [DIR [OPTION...]]]: makes the store when there is none, and runs
# granary-fsd in the background until the mount answers.
mount_store() {
	local where=${1:-$store} dir=${2:-$mount} log pid tries=0
	[ $# -gt 0 ] && shift
	[ $# -gt 0 ] && shift
	[ -e "$where/store.conf" ] || make_store "$where"
	mkdir -p "$dir"
	mount_count=$((mount_count + 1))
	log=$scratch/fsd-$mount_count.log
	granary-fsd --memory=128M "$@" "$where" "$dir" >"$log" 2>&1 &
	pid=$!
	mount_pid[$dir]=$pid
	mount_of_store[$dir]=$where
	mount_log[$dir]=$log
	# The control socket is made last: then it is ready.
	until is_mounted "$dir" && [ -S "$where/control.sock" ]; do
		if is_gone "$pid"; then
			cat "$log" >&2
			unset "mount_pid[$dir]"
			fail "granary-fsd did not mount $where"
		fi
		tries=$((tries + 1))
		[ "$tries" -lt 3600 ] || fail "granary-fsd was not ready after 180 seconds"
		sleep 0.05
	done
}

# The process that serves DIR.
store_pid() {
	printf '%s\n' "${mount_pid[${1:-$mount}]}"
}

# What it has logged.
store_log() {
	printf '%s\n' "${mount_log[${1:-$mount}]}"
}

# unmount DIR: something that looks at every mount may hold it for a moment.
unmount() {
	wait_for 10 unmount_once "$1" || fail "umount: $(cat "$scratch/umount.log")"
}
unmount_once() {
	if [ "$(id -u)" = 0 ]; then umount "$1"; else fusermount3 -u "$1"; fi 2>"$scratch/umount.log"
}

# umount_store [DIR]: unmounts; granary-fsd must end with status 0.
umount_store() {
	local dir=${1:-$mount} status=0
	unmount "$dir"
	wait "${mount_pid[$dir]}" || status=$?
	unset "mount_pid[$dir]"
	sanitizer_silent "${mount_log[$dir]}" || fail "granary-fsd on $dir was caught by a sanitizer"
	if [ "$status" != 0 ]; then
		cat "${mount_log[$dir]}" >&2
		fail "granary-fsd ended with status $status"
	fi
}

# remount_store [DIR [OPTION...]]: unmounts and mounts the same store there again.
remount_store() {
	local dir=${1:-$mount}
	[ $# -gt 0 ] && shift
	umount_store "$dir"
	mount_store "${mount_of_store[$dir]}" "$dir" "$@"
}

# kill_store [DIR]: kill -9, as a crash would, and takes the dead mount away.
kill_store() {
	local dir=${1:-$mount}
	kill -KILL "${mount_pid[$dir]}"
	wait "${mount_pid[$dir]}" 2>/dev/null || true
	unset "mount_pid[$dir]"
	detach "$dir"
}

# fsck_store [STORE]: the store is whole.
fsck_store() {
	local where=${1:-$store}
	fsck.granary -f -n "$where" >"$scratch/fsck.log" 2>&1 || {
		cat "$scratch/fsck.log" >&2
		fail "fsck.granary found something in $where"
	}
}

# same_tree A B: names, contents, modes, owners, times and links of two folders are the same.
same_tree() {
	local a b
	a=$(cd "$1" && find . -printf '%P|%y|%m|%U|%G|%s|%T@|%l\n' | sort)
	b=$(cd "$2" && find . -printf '%P|%y|%m|%U|%G|%s|%T@|%l\n' | sort)
	# A directory's size is the filesystem's own affair.
	a=$(sed -E 's/\|d\|([^|]*\|[^|]*\|[^|]*)\|[0-9]+/|d|\1|-/' <<<"$a")
	b=$(sed -E 's/\|d\|([^|]*\|[^|]*\|[^|]*)\|[0-9]+/|d|\1|-/' <<<"$b")
	diff <(echo "$a") <(echo "$b") >"$scratch/diff" || {
		head -n 20 "$scratch/diff" >&2
		fail "$1 and $2 differ"
	}
	diff -r --no-dereference "$1" "$2" >"$scratch/diff" || {
		head -n 20 "$scratch/diff" >&2
		fail "contents of $1 and $2 differ"
	}
}
