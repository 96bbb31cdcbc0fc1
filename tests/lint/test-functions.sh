#!/bin/sh
# SPDX-License-Identifier: MIT
# No function is longer than 80 lines.
. "$(dirname "$0")/sources.sh"

limit=80
lengths=$(lint_files '*.[ch]' | xargs awk -f tests/lint/functions.awk)

# What finds nothing proves nothing.
[ "$(echo "$lengths" | wc -l)" -gt 50 ] || lint_fail "the functions were not found"
long=$(echo "$lengths" | awk -v limit="$limit" '$3 > limit { print $1 ": " $2 "() has " $3 " lines" }')
[ -z "$long" ] || lint_fail "$long"
lint_end
