# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by the lints: the files of the project, and how a lint ends.
set -eu
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-.}
cd "$top_srcdir" || exit 99
LC_ALL=C
export LC_ALL

# lint_files PATTERN...: the project's files whose names match. A tarball has no git, so the
# folders are looked at; a build folder inside the tree is no source.
lint_files() {
	for lint_pattern in "$@"; do
		find lib fs svc target man tests examples m4 .ci -type f -name "$lint_pattern" 2>/dev/null
	done | grep -v -e '/\.' -e '/corpus/' | sort
}

lint_failures=0
lint_fail() {
	echo "$*"
	lint_failures=$((lint_failures + 1))
}

lint_need() {
	command -v "$1" >/dev/null || {
		echo "SKIP: $1 is not installed"
		exit 77
	}
}

# The last line of a lint.
lint_end() {
	[ "$lint_failures" = 0 ] || {
		echo "$lint_failures found"
		exit 1
	}
}
