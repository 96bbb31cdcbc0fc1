#!/bin/sh
# SPDX-License-Identifier: MIT
# Shell scripts pass shellcheck.
. "$(dirname "$0")/sources.sh"

lint_need shellcheck
scripts=$(lint_files '*.sh')
for file in .ci/run svc/cli/completions/granary; do
	[ ! -f "$file" ] || scripts="$scripts $file"
done
[ -n "$scripts" ] || lint_fail "no scripts were found"
# shellcheck disable=SC2086
found=$(shellcheck -x -S warning $scripts) || lint_fail "$found"
lint_end
