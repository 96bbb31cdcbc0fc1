#!/bin/bash
# SPDX-License-Identifier: MIT
# The command line tells done (0), failed (1), usage (2) and not reachable (3) apart, and helps.
. "${top_srcdir:-.}/tests/functions.sh"

expect_status 0 granary --version
expect_output '^granary (Granary) [0-9]'
expect_status 0 granary help
expect_output 'fs clean \[NAME\]'
expect_status 0 granary --help
expect_status 0 granary help fs
expect_status 0 granary fs --help
expect_output 'fs clone SRC DST'
expect_status 0 granary help fs clean
expect_output '--pause'
expect_status 0 granary fs clean --help

expect_status 2 granary
expect_status 2 granary nonsense
expect_output 'there is no command "nonsense"'
expect_status 2 granary fs nonsense
expect_status 2 granary fs
expect_output 'fs clone SRC DST'
expect_status 2 granary help nonsense
expect_status 2 granary help fs nonsense
expect_status 2 granary fs status --nonsense
expect_output 'unknown option --nonsense'
expect_status 2 granary fs status --control
expect_output 'a value is missing after --control'
expect_status 2 granary fs status a b
expect_output 'one argument too many: b'
expect_status 2 granary fs clone a
expect_output 'too few arguments: wanted SRC DST'
expect_status 2 granary fs clean --control=x --pause --stop
expect_status 2 granary fs quota x 12Q --control=x
expect_status 2 granary daemon status
expect_status 2 granary daemon status ../x

expect_status 3 granary fs status --control "$scratch/none.sock"
expect_output 'no daemon answers'
expect_status 3 granary daemon stop fsd --root "$scratch"
expect_status 1 granary fs status "$scratch"
expect_output 'neither a store nor in the mount of one'
expect_status 1 granary fs explain "$scratch/none/none"
expect_status 1 granary fs dump "$scratch"

# A store that nobody serves.
mkdir -p "$store/segments"
: >"$store/store.conf"
expect_status 3 granary fs status "$store"
expect_output "no daemon answers at $store/control.sock"

# Output that cannot be written is a failure.
status=0
granary help >/dev/full 2>"$scratch/output" || status=$?
check_equal "$status" 1 "status with a full disk"
