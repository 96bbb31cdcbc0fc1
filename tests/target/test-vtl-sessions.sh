#!/bin/bash
# SPDX-License-Identifier: MIT
# Sessions are listed and can be ended; a change of secrets ends none; what would end them is refused
# without --force; and the daemon's end is the end of all of them.
. "${top_srcdir:-.}/tests/target/targetd.sh"
hold=$top_builddir/tests/target/hold-session
[ -x "$hold" ] || skip "libiscsi is missing"

# open_session [USER%SECRET@]: one at a time, as a coprocess.
open_session() {
	coproc session { exec "$hold" "iscsi://${1:-}$portal/$prefix:main/1" 2>&1; }
	# shellcheck disable=SC2154 # coproc sets it
	session_process=$session_PID
	exec 5<&"${session[0]}" 6>&"${session[1]}"
	read -r -t 3000 answer <&5
	check_equal "$answer" in "answer to the login"
}
ask_session() {
	echo >&6
	read -r -t 300 answer <&5 || answer=gone
	echo "$answer"
}
close_session() {
	exec 5<&- 6>&-
	kill "$session_process" 2>/dev/null || true
	wait "$session_process" 2>/dev/null || true
}
no_sessions() {
	[ "$(count)" = 0 ]
}
count() {
	targetd vtl sessions main | tail -n +2 | wc -l
}

# Started by a shell that gives few files, it takes as many as it may.
ulimit -Sn 200
start_targetd
ulimit -Sn "$(ulimit -Hn)"
read -r soft hard < <(awk '/^Max open files/ { print $4, $5 }' "/proc/$targetd_pid/limits")
[ "$soft" = "$hard" ] || [ "$soft" -ge 65536 ] || fail "it has $soft open files of $hard"
targetd vtl create main --tapes 2 --drives 1 >/dev/null
open_session
check_equal "$(ask_session)" there "an open session"
check_equal "$(count)" 1 "sessions"
targetd vtl sessions | finds "$prefix:tests *127.0.0.1" || fail "the session does not say who"

# Closed to everybody, secrets set and changed: this session stays.
echo Winter-Quarters-17 >"$scratch/secret"
expect_status 0 targetd vtl access main --allow '*' --user joe --secret-file "$scratch/secret"
check_equal "$(ask_session)" there "a session after the access list has changed"
echo Summer-Quarters-18 >"$scratch/secret"
expect_status 0 targetd vtl access main --allow '*' --user joe --secret-file "$scratch/secret"
check_equal "$(ask_session)" there "a session after the secret has changed"
expect_status 0 targetd vtl move main G00001L8 1010
check_equal "$(ask_session)" there "a session after a move"

expect_status 1 targetd vtl update main --slots 30
expect_output '1 sessions are logged in'
expect_status 1 targetd vtl delete main
expect_output '1 sessions are logged in'
check_equal "$(ask_session)" there "a session after what was refused"
expect_status 0 targetd vtl update main --slots 30 --force
check_equal "$(ask_session)" gone "a session after --force"
close_session
wait_for 20 no_sessions || fail "a session is listed after --force"

open_session joe%Summer-Quarters-18@
targetd vtl sessions main | finds ' joe ' || fail "the list does not say which user"
number=$(targetd vtl sessions main | awk 'NR == 2 { print $1 }')
expect_status 1 targetd vtl sessions --end 65535
expect_status 0 targetd vtl sessions --end "$number"
wait_for 20 no_sessions || fail "a session that was ended is listed"
check_equal "$(ask_session)" gone "a session that was ended"
close_session

# The daemon's end.
open_session joe%Summer-Quarters-18@
stop_targetd
check_equal "$(ask_session)" gone "a session after the daemon's end"
close_session

start_targetd
open_session joe%Summer-Quarters-18@
expect_status 0 targetd vtl delete main --force --purge
check_equal "$(ask_session)" gone "a session after the library's end"
close_session
check_equal "$(targetd vtl list | wc -l)" 1 "libraries"
stop_targetd
