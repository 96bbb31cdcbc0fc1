# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests with servers share, sourced after functions.sh: a server runs in the foreground in a
# network of the test's own, where every port is free and nobody from outside comes in, and goes away
# with the test, before the mount that it serves.
# shellcheck disable=SC2154 # $scratch is from functions.sh

# One entry a server: NAME -> process.
declare -A server_pid=()
server_port=

# own_network: runs the test once more in a network that has nothing but loopback.
own_network() {
	[ -z "${SERVERS_OWN_NETWORK:-}" ] || return 0
	need unshare ip
	unshare --net true 2>/dev/null || skip "a network of its own is not allowed here"
	# shellcheck disable=SC2016 # the inner shell expands it
	SERVERS_OWN_NETWORK=1 unshare --net bash -c 'ip link set lo up && exec "$0"' "$0"
	exit
}

cleanup_servers() {
	local status=$? name
	set +e
	for name in "${!server_pid[@]}"; do
		kill -TERM "${server_pid[$name]}" 2>/dev/null
		wait_for 5 is_gone "${server_pid[$name]}" || kill -KILL "${server_pid[$name]}" 2>/dev/null
		wait "${server_pid[$name]}" 2>/dev/null
		if [ "$status" != 0 ] && [ "$status" != 77 ]; then
			echo "--- the last lines of $name" >&2
			tail -n 30 "$scratch/$name.log" >&2
		fi
	done
	(exit "$status")
	cleanup_scratch
}
trap cleanup_servers EXIT

port_answers() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# start_server NAME COMMAND...: until it answers at server_port; its output goes to NAME.log.
start_server() {
	local name=$1 tries=0
	shift
	env -u MALLOC_PERTURB_ "$@" >>"$scratch/$name.log" 2>&1 &
	server_pid[$name]=$!
	until port_answers "$server_port"; do
		! is_gone "${server_pid[$name]}" || fail "$name has ended"
		tries=$((tries + 1))
		[ "$tries" -lt 3600 ] || fail "$name does not answer"
		sleep 0.05
	done
}

# stop_server NAME: asks it to end, which is to succeed.
stop_server() {
	local status=0
	kill -TERM "${server_pid[$1]}"
	wait_for 20 is_gone "${server_pid[$1]}" || fail "$1 does not end"
	wait "${server_pid[$1]}" || status=$?
	unset "server_pid[$1]"
	[ "$status" = 0 ] || [ "$status" = 143 ] || fail "$1 ended with status $status"
}
