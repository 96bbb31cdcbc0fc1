#!/bin/sh
# SPDX-License-Identifier: MIT
# The man pages are good mdoc, and each is installed.
. "$(dirname "$0")/sources.sh"

lint_need mandoc
pages=$(lint_files '*.[1-9]' | grep '^man/')
[ -n "$pages" ] || lint_fail "no pages were found"
for page in $pages; do
	# References to pages of other packages, and dates, are not judged.
	found=$(mandoc -T lint -W warning "$page" | grep -v 'referenced manual not found' || true)
	[ -z "$found" ] || lint_fail "$found"
	grep -qwF "$page" man/local.mk || lint_fail "$page: is not in man/local.mk"
done
lint_end
