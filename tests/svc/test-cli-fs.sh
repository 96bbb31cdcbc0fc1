#!/bin/bash
# SPDX-License-Identifier: MIT
# `granary fs` asks the right methods and shows their answers, as tables and as JSON.
. "${top_srcdir:-.}/tests/svc/sample.sh"
start_sample
fs() {
	local verb=$1
	shift
	granary fs "$verb" --control "$sample_socket" "$@"
}

expect_status 0 fs status
expect_output '^uuid  *00-11$'
expect_output '^space .* 5.0 MiB available of 8.0 MiB$'
expect_output '^clean  *idle, last finished never$'
expect_status 0 fs stats
expect_output '^  bytes new  *4.0 MiB$'
expect_status 0 fs sync
check_equal "$(cat "$scratch/output")" "" "output of sync"
expect_status 0 fs sync --json
expect_output '{}'

# df adds up.
expect_status 0 fs df
expect_output '^DIRECTORY  FILES   LOGICAL  DEDUPLICATED   STORED  RATIO$'
expect_output '^(root)         1   1.0 MiB       1.0 MiB  1.0 MiB  1.00x$'
expect_output '^web           41   9.0 MiB       4.0 MiB  1.0 MiB  9.00x$'
expect_output '^total         42  10.0 MiB       5.0 MiB  2.0 MiB  5.00x$'
expect_status 0 fs df --json
expect_output '"files": 41'

# Quotas: shown, set, lifted.
expect_status 0 fs quota /web
expect_output '^web .* none$'
expect_status 0 fs quota web 2G
expect_status 0 fs quota web
expect_output '^web .* 2.0 GiB$'
expect_status 0 fs quota web --json
expect_output '"quota": 2147483648'
expect_status 0 fs quota web none
expect_status 0 fs quota web
expect_output '^web .* none$'
expect_status 0 fs quota /
expect_output '^(root)'
expect_status 1 fs quota other 1G
expect_output 'no such directory'
expect_status 1 fs quota other
expect_status 1 fs quota web/below 1G
expect_output 'top-level'

expect_status 0 fs clone /web/a /web/b
expect_status 0 fs status --json
expect_output '"clone": "web/a>web/b"'
expect_status 0 fs explain web/a
expect_output '^ratio  *3.00x$'
expect_output '^shared with  *3 files$'
expect_output '^ *5.0 MiB  *web/large$'
expect_output '^and 1 more$'
expect_status 0 fs explain web/a --json
expect_output '"shared_files": 3'
expect_status 0 fs explain web/a --brief
! grep -q shared "$scratch/output" || fail "--brief looks for what is shared"
expect_status 1 fs explain $'web/\xff'
expect_output 'not UTF-8'
