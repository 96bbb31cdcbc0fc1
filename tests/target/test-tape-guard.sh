#!/bin/bash
# SPDX-License-Identifier: MIT
# Blocks with protection information are checked, kept without it and given with it, over iSCSI, by every
# drive that can; those that cannot say so.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
count=0
while read -r drive; do
	generation=${drive: -1}
	count=$((count + 1))
	targetd vtl create "$drive" --drive "$drive" --drives 1 --slots 2 --ie-slots 0 --tapes 0 \
		--tape-size 64M >/dev/null
	targetd tape create "$drive" --prefix "A$((count + 10))" --medium "LTO-$generation" >/dev/null
	tape=$(targetd tape list "$drive" | sed -n "s/^\(A$((count + 10))[^ ]*\) .*/\1/p")
	targetd vtl load "$drive" "$tape" 1 >/dev/null
	"$top_builddir/tests/target/guard-walk" "$portal" "$prefix:$drive" "$generation" 2>"$scratch/said" ||
		fail "$drive: $(cat "$scratch/said")"
done < <(targetd vtl personalities | awk 'NF == 0 { on = 0 } on { print $1 } $1 == "DRIVE" { on = 1 }')
[ "$count" -ge 10 ] || fail "only $count drives"
stop_targetd
