#!/bin/sh
# SPDX-License-Identifier: MIT
# Includes go one way: svc, target and fs never include each other; fuse -> tree -> store ->
# chunk; iscsi -> scsi <- tape, changer; lib/daemon -> lib/base; lib never includes what stands on it.
. "$(dirname "$0")/sources.sh"

# Folder, and the folders that its files may include, longest first as they are matched.
layers='
lib/base lib/base
lib/daemon lib/daemon lib/base
fs/chunk fs/chunk lib/base
fs/store fs/store fs/chunk fs/format.h lib/base
fs/tree fs/tree fs/store fs/chunk fs/format.h lib/base
fs/fuse fs/fuse fs/tree fs/store fs/chunk fs/format.h lib/daemon lib/base
fs/tool fs/tool fs/tree fs/store fs/chunk fs/format.h lib/daemon lib/base
fs fs lib/daemon lib/base
target/iscsi target/iscsi target/scsi lib/daemon lib/base
target/scsi target/scsi lib/daemon lib/base
target/tape target/tape target/scsi lib/daemon lib/base
target/changer target/changer target/scsi lib/daemon lib/base
target target lib/daemon lib/base
svc svc lib/daemon lib/base
'

# allowed FILE: the row of the longest folder that holds it.
allowed() {
	echo "$layers" | awk -v file="$1" '
		NF && index(file, $1 "/") == 1 && length($1) > best {
			best = length($1); $1 = ""; row = $0
		}
		END { print row }'
}

checked=0
for file in $(lint_files '*.[ch]' | grep -v '^tests/'); do
	row=$(allowed "$file")
	[ -n "$row" ] || lint_fail "$file: is in no layer"
	for included in $(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file"); do
		checked=$((checked + 1))
		[ "$included" = config.h ] && continue
		good=no
		for folder in $row; do
			case $included in "$folder" | "$folder"/*) good=yes ;; esac
		done
		[ "$good" = yes ] || lint_fail "$file: must not include $included"
		[ -f "$included" ] || lint_fail "$file: $included is no path from the top"
	done
done
[ "$checked" -gt 0 ] || lint_fail "no includes were found"

# The rule can fail: a wrong arrow is seen.
case " $(allowed fs/chunk/x.c) " in *" fs/store "*) lint_fail "the table of layers is upside down" ;; esac
lint_end
