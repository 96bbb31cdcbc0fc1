# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the tests of the CLI: tests/functions.sh, and a sample daemon that runs until the
# test ends. Its socket is $sample_socket, its root $sample_root.
. "${top_srcdir:-.}/tests/functions.sh"

sample_root=$scratch/root
# shellcheck disable=SC2034 # the tests use it
sample_socket=$sample_root/run/sample.sock
sample_pid=

start_sample() {
	"$top_builddir/tests/svc/sample-daemon" --root "$sample_root" "$@" 2>"$scratch/sample.log" &
	sample_pid=$!
	wait_for 20 granary daemon status sample --root "$sample_root" || fail "the sample daemon is not there"
}

end_sample() {
	local status=$?
	trap - EXIT
	if [ -n "$sample_pid" ]; then
		kill "$sample_pid" 2>/dev/null || true
		wait "$sample_pid" || true
	fi
	cleanup_scratch "$status"
}
trap end_sample EXIT
