#!/bin/sh
# SPDX-License-Identifier: MIT
# The completion for bash that is installed is the one that the program prints.
top_builddir=$(cd "${top_builddir:-.}" && pwd)
. "$(dirname "$0")/sources.sh"

granary=$top_builddir/svc/cli/granary
[ -x "$granary" ] || {
	echo "SKIP: granary has not been built"
	exit 77
}
lint_need diff
"$granary" completion bash | diff - svc/cli/completions/granary ||
	lint_fail "svc/cli/completions/granary: write it anew with \"granary completion bash\""
lint_end
