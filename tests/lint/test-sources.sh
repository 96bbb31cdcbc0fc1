#!/bin/sh
# SPDX-License-Identifier: MIT
# Every source names its licence in the first lines, has at most 600 lines, holds no marks of
# unfinished work and no paths of somebody's machine.
. "$(dirname "$0")/sources.sh"

limit=600
unfinished="TO""DO|FIX""ME|XX""X"
machine="(^|[^[:alnum:]_.\$}])/(wo""rk|tmp/w""t)([/-]|\$)|/ho""me/[a-z]+/"

check_text() {
	grep -nE "(^|[^[:alnum:]_])($unfinished)([^[:alnum:]_]|\$)" "$1" && lint_fail "$1: unfinished work"
	grep -nE "$machine" "$1" && lint_fail "$1: a path of one machine"
	return 0
}

count=0
for file in $(lint_files '*.[ch]' '*.sh' '*.mk' '*.m4' '*.py' '*.awk' '*.[1-9]' '*.gp') configure.ac Makefile.am; do
	[ -f "$file" ] || continue
	count=$((count + 1))
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || lint_fail "$file: no SPDX line"
	lines=$(wc -l <"$file")
	case $file in
	man/*) ;;
	*) [ "$lines" -le "$limit" ] || lint_fail "$file: $lines lines, more than $limit" ;;
	esac
	check_text "$file"
done
for file in README.md HACKING.md $(lint_files '*.conf' '*.service'); do
	[ ! -f "$file" ] || check_text "$file"
done
[ "$count" -gt 0 ] || lint_fail "no sources were found"
lint_end
