#!/bin/sh
# SPDX-License-Identifier: MIT
# Each program's page has every option of its --help, and no other.
top_builddir=$(cd "${top_builddir:-.}" && pwd)
. "$(dirname "$0")/sources.sh"

# The long options in a text, one a line, without the dashes.
options() {
	grep -oE -e '(^|[^[:alnum:]_-])--[a-z][a-z0-9-]*' | sed 's/.*--//' | sort -u
}

# Of a page: "Fl -name" in a macro line, where the page shows "--name".
page_options() {
	grep -E '^\.' "$1" | grep -oE '(^\.| )Fl -[a-z][a-z0-9-]*' | sed 's/.*Fl -//' | sort -u
}

# compare NAME PAGE HELP: words that the help has and the page does not, and the other way round.
# So a page names an option of another program as a literal, not after "Fl".
compare() {
	wanted=$(echo "$3" | options)
	present=$(page_options "$2")
	[ -n "$wanted" ] || lint_fail "$1: --help shows no options"
	for option in $wanted; do
		echo "$present" | grep -qx -e "$option" || lint_fail "$2: has no --$option, $1 does"
	done
	for option in $present; do
		echo "$wanted" | grep -qx -e "$option" || lint_fail "$2: has --$option, $1 does not"
	done
}

# program PATH PAGE
program() {
	[ -x "$top_builddir/$1" ] || return 0
	checked=$((checked + 1))
	[ -f "$2" ] || {
		lint_fail "$2: is missing, $1 is there"
		return 0
	}
	compare "${1##*/}" "$2" "$("$top_builddir/$1" --help)"
}

# noun NOUN PAGE: all verbs of granary.
noun() {
	help=$("$granary" "$1" --help)
	for verb in $(echo "$help" | sed -nE "s/^  $1 ([a-z-]+).*/\1/p"); do
		text=$("$granary" "$1" "$verb" --help)
		help="$help $text"
		grep -qE "(Cm|daemon) $verb( |\$)" "$2" || lint_fail "$2: has no verb $verb"
	done
	echo "$help"
}

checked=0

granary=$top_builddir/svc/cli/granary
for name in target/granary-targetd fs/granary-fsd fs/tool/mkfs.granary fs/tool/mount.granary fs/tool/fsck.granary; do
	program "$name" "man/${name##*/}.8"
done
if [ -x "$granary" ]; then
	checked=$((checked + 1))
	compare "granary fs" man/granary-fs.1 "$(noun fs man/granary-fs.1)"
	compare "granary vtl" man/granary-vtl.1 "$(noun vtl man/granary-vtl.1)"
	compare "granary tape" man/granary-tape.1 \
		"$(noun tape man/granary-tape.1) $("$top_builddir/target/tool/granary-tape" --help)"
	compare granary man/granary.1 "$("$granary" --help) $(noun daemon man/granary.1) --version"
fi
[ "$checked" -gt 0 ] || {
	echo "SKIP: no program has been built"
	exit 77
}
lint_end
