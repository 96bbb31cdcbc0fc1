#!/bin/bash
# SPDX-License-Identifier: MIT
# `granary daemon` shows and steers any daemon, by its name or its socket.
. "${top_srcdir:-.}/tests/svc/sample.sh"
start_sample --memory=1G

expect_status 0 granary daemon status sample --root "$sample_root"
expect_output '^name  *granary-sample$'
expect_output '^memory  *1.0 GiB$'
expect_status 0 granary daemon status --control "$sample_socket" --json
expect_output '"memory": 1073741824'
expect_status 0 granary daemon metrics --control "$sample_socket"
expect_output '^sample threads  *2$'

expect_status 0 granary daemon log-level --control "$sample_socket"
expect_output 'info'
expect_status 0 granary daemon log-level --control "$sample_socket" --level debug
expect_output 'debug'
expect_status 1 granary daemon log-level --control "$sample_socket" --level loud
expect_output 'error, warning, info or debug'

# A reload takes what granary.conf says now; a wrong one changes nothing.
mkdir -p "$sample_root/etc"
echo 'sample: { threads = 5; memory = "2G"; };' >"$sample_root/etc/granary.conf"
expect_status 0 granary daemon reload --control "$sample_socket"
expect_status 0 granary daemon status --control "$sample_socket" --json
expect_output '"threads": 5'
expect_output '"memory": 1073741824' # the command line wins
echo 'sample: { threads = 6; mispelt = 1; };' >"$sample_root/etc/granary.conf"
expect_status 1 granary daemon reload --control "$sample_socket"
grep -q 'sample.mispelt is no setting' "$scratch/sample.log" || fail "the log does not say what is wrong"
expect_status 0 granary daemon status --control "$sample_socket" --json
expect_output '"threads": 5'

# Stopping returns when the daemon has ended.
expect_status 0 granary daemon stop --control "$sample_socket"
[ ! -e "$sample_socket" ] || fail "the socket is still there"
wait "$sample_pid" || fail "the daemon ended with $?"
sample_pid=
expect_status 3 granary daemon status --control "$sample_socket"
