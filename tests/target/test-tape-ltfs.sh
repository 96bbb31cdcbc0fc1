#!/bin/bash
# SPDX-License-Identifier: MIT
# What LTFS does with a tape works on every drive that makes partitions: open, format, labels and
# indexes in both partitions, their coherency in the tape's memory, append, read back, unformat.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd
count=10
while read -r drive; do
	[ "${drive: -1}" -ge 5 ] || continue
	count=$((count + 1))
	targetd vtl create "$drive" --drive "$drive" --drives 1 --slots 2 --ie-slots 0 --tapes 0 \
		--tape-size 4G >/dev/null
	targetd tape create "$drive" --prefix "A$count" --medium "LTO-${drive: -1}" >/dev/null
	tape=$(targetd tape list "$drive" | sed -n "s/^\(A${count}[^ ]*\) .*/\1/p")
	targetd vtl load "$drive" "$tape" 1 >/dev/null
	"$top_builddir/tests/target/ltfs-walk" "$portal" "$prefix:$drive" 2>"$scratch/said" ||
		fail "$drive: $(cat "$scratch/said")"
done < <(targetd vtl personalities | awk 'NF == 0 { on = 0 } on { print $1 } $1 == "DRIVE" { on = 1 }')
[ "$count" = 20 ] || fail "only $((count - 10)) drives"
stop_targetd
