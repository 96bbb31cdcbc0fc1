#!/bin/bash
# SPDX-License-Identifier: MIT
# libiscsi's protocol suites pass against a disk in memory, with and without digests: no failure,
# and nothing of the iSCSI family is skipped.
. "${top_srcdir:-.}/tests/functions.sh"

need iscsi-test-cu iscsi-ls

# serve ARGUMENT...: starts the target; $port is where it listens. It ends when fd 7 is closed.
serve() {
	rm -f "$scratch/stdin" "$scratch/port"
	mkfifo "$scratch/stdin"
	"$top_builddir/tests/target/disk-targetd" "$@" <"$scratch/stdin" >"$scratch/port" 2>"$scratch/target.log" 7>&- &
	server=$!
	exec 7>"$scratch/stdin"
	wait_for 10 test -s "$scratch/port" || fail "the target does not listen: $(cat "$scratch/target.log")"
	port=$(cat "$scratch/port")
}

unserve() {
	exec 7>&-
	wait "$server" || fail "the target ended with $?: $(cat "$scratch/target.log")"
}

suite() {
	timeout 900 iscsi-test-cu --dataloss --normal --test='iSCSI*' \
		"iscsi://127.0.0.1:$port/iqn.2026-11.test:disk/0" >"$scratch/suite" 2>&1 || true
	# What it asks for before the tests is about the unit, not about the transport.
	sed -n '/CUnit/,$p' "$scratch/suite" >"$scratch/result"
	grep -q '^ *tests .* 0 *0$' "$scratch/result" || fail "$(cat "$scratch/suite")"
	tests=$(sed -n 's/^ *tests *\([0-9]*\) .*/\1/p' "$scratch/result")
	[ "$tests" -ge 15 ] || fail "only $tests tests ran"
	skipped=$(grep SKIPPED "$scratch/result" | grep -v 'PERSISTENT RESERVE IN' || true)
	[ -z "$skipped" ] || fail "skipped: $skipped"
}

serve
suite
iscsi-ls -s "iscsi://127.0.0.1:$port" >"$scratch/list" || fail "discovery: $(cat "$scratch/list")"
grep -q "^Target:iqn.2026-11.test:disk Portal:127.0.0.1:$port,1" "$scratch/list" || fail "$(cat "$scratch/list")"
unserve

serve --digests
suite
unserve
