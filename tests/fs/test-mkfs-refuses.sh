#!/bin/bash
# SPDX-License-Identifier: MIT
# mkfs.granary refuses what is no empty folder, and values that cannot be, and changes nothing.
. "${top_srcdir:-.}/tests/functions.sh"

# refused STATUS SENTENCE OPTION...
refused() {
	local status=$1 sentence=$2
	shift 2
	find "$scratch" -path "$scratch/output" -prune -o -printf '%p %s %T@\n' | sort >"$scratch/output.before"
	expect_status "$status" mkfs.granary "$@"
	expect_output "$sentence"
	check_equal "$(wc -l <"$scratch/output")" 1 "sentences"
	find "$scratch" -path "$scratch/output" -prune -o -printf '%p %s %T@\n' | sort >"$scratch/output.after"
	diff <(grep -v output "$scratch/output.before") <(grep -v output "$scratch/output.after") ||
		fail "something changed"
}

mkdir "$scratch/foreign"
echo precious >"$scratch/foreign/file"
mkfs.granary -q -r 1M "$scratch/store"
touch "$scratch/plain" "$scratch/output" "$scratch/output.before" "$scratch/output.after"

refused 1 'is not empty' "$scratch/foreign"
refused 1 'is a Granary store already' "$scratch/store"
refused 1 'is not a folder' "$scratch/plain"
refused 1 'No such file' "$scratch/missing/store"
refused 2 'power of two' -a 12K "$scratch/new"
refused 2 'power of two' -a 2M "$scratch/new"
refused 2 'not off, fast' -c gzip "$scratch/new"
refused 2 'from 16M to 2G' -s 1M "$scratch/new"
refused 2 'at least 1M' -r 1x "$scratch/new"
refused 2 'not a UUID' -u 0123 "$scratch/new"
refused 2 'one folder is needed'
