# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the tests of granary-targetd: tests/functions.sh, and a targetd of the test's own below
# $target_root, at a port that the kernel chooses.
#
#   start_targetd [OPTION...]   stop_targetd   kill_targetd   restart_targetd
#   targetd CMD...              granary with that daemon: targetd vtl list
#   $portal                     127.0.0.1:PORT     $prefix   what iSCSI names begin with
. "${top_srcdir:-.}/tests/functions.sh"

target_root=$scratch/root
# shellcheck disable=SC2034 # the tests use them
target_state=$target_root/lib/targetd prefix=iqn.2026-11.local.granary portal=
targetd_pid=
targetd_log=
targetd_count=0

targetd() {
	granary "$@" --root "$target_root"
}

# A test with a trap of its own ends it with this and the status.
end_targetd() {
	local status=${1:-$?}
	trap - EXIT
	rm -f "$scratch"/gate-* # a daemon with somebody at a gate does not end
	if [ -n "$targetd_pid" ]; then
		kill "$targetd_pid" 2>/dev/null || true
		wait "$targetd_pid" 2>/dev/null || true
	fi
	if [ "$status" != 0 ] && [ "$status" != 77 ] && [ -n "$targetd_log" ]; then
		echo "--- the last lines of granary-targetd" >&2
		tail -n 20 "$targetd_log" >&2
	fi
	cleanup_scratch "$status"
}
trap end_targetd EXIT

start_targetd() {
	targetd_count=$((targetd_count + 1))
	targetd_log=$scratch/targetd-$targetd_count.log
	granary-targetd --root "$target_root" --portal 127.0.0.1:0 --buffer 8M "$@" 2>"$targetd_log" &
	targetd_pid=$!
	wait_for 30 targetd daemon status targetd || fail "granary-targetd is not there"
	# shellcheck disable=SC2034 # the tests use it
	portal=$(sed -n 's/.*listening on //p' "$targetd_log" | head -n 1)
}

stop_targetd() {
	local status=0
	targetd daemon stop targetd || fail "granary-targetd cannot be stopped"
	wait "$targetd_pid" || status=$?
	targetd_pid=
	check_equal "$status" 0 "exit status of granary-targetd"
	sanitizer_silent "$targetd_log" || fail "a sanitizer in granary-targetd"
}

kill_targetd() {
	kill -KILL "$targetd_pid"
	wait "$targetd_pid" 2>/dev/null || true
	targetd_pid=
}

restart_targetd() {
	stop_targetd
	start_targetd "$@"
}

# place_of LIBRARY BARCODE: the address of the place that the tape is in.
place_of() {
	targetd vtl elements "$1" | awk -v tape="$2" '{ for (i = 2; i <= NF; i++) if ($i == tape) print $1 }' |
		head -n 1
}

# tape_word BARCODE WORD: what "tape show" says about it.
tape_word() {
	targetd tape show "$1" | sed -n "s/^$2 *//p"
}

# close_gate POINT: whoever passes that fault point of the daemon that is started next stands there
# until open_gate; await_gate waits for the first.
close_gate() {
	gate=$scratch/gate-$1
	: >"$gate"
	rm -f "$gate.reached"
	export GRANARY_FAULT=$1@$gate
}
await_gate() {
	wait_for 60 test -e "$gate.reached" || fail "nobody has come to $gate"
}
open_gate() {
	rm -f "$gate"
}
