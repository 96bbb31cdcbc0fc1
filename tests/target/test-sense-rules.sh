#!/bin/bash
# SPDX-License-Identifier: MIT
# Every drive and every library tells an initiator exactly how a command has ended: each row of the
# sense rules over iSCSI, with data, residual and position.
. "${top_srcdir:-.}/tests/target/targetd.sh"

start_targetd

# columns HEADING: name and last column of that table of "vtl personalities".
columns() {
	targetd vtl personalities | awk -v heading="$1" 'NF == 0 { on = 0 } on { print $1, $NF } $1 == heading { on = 1 }'
}

# check_library NAME DRIVE OPTION...: with the tapes that sense_steps.h says. A drive's name ends in its
# generation.
count=10
check_library() {
	local name=$1 drive=$2 generation=${2: -1} far=LTO-9 tape slot
	shift 2
	[ "$generation" -lt 7 ] || far=LTO-4
	count=$((count + 1))
	targetd vtl create "$name" --drive "$drive" --drives 1 --slots 6 --ie-slots 1 --tapes 0 --tape-size 16M \
		"$@" >/dev/null
	targetd tape create "$name" --prefix "A$count" --count 3 >/dev/null
	targetd tape create "$name" --prefix "W$count" --medium "LTO-$generation-WORM" >/dev/null
	targetd tape create "$name" --prefix "F$count" --medium $far >/dev/null
	targetd tape list "$name" >"$scratch/tapes"
	tape=$(sed -n "s/^\(A${count}0*3L.\) .*/\1/p" "$scratch/tapes")
	targetd tape lock "$tape" --days 1 >/dev/null
	tape=$(sed -n "s/^\(F${count}[^ ]*\) .*/\1/p" "$scratch/tapes")
	slot=$(place_of "$name" "$tape")
	targetd vtl move "$name" "$tape" $((slot + 1)) >/dev/null
	rules "$name" "$drive"
}

# rules NAME DRIVE [WHICH]
rules() {
	"$top_builddir/tests/target/sense-rules" "$portal" "$prefix:$1" ${3:+"$3"} 2>"$scratch/differs" ||
		fail "$1, with $2: $(head -n 40 "$scratch/differs")"
}

while read -r personality drive; do
	check_library "$personality" "$drive" --personality "$personality"
done < <(columns PERSONALITY)
while read -r drive _; do
	check_library "$drive" "$drive"
done < <(columns DRIVE)
[ "$count" -ge 27 ] || fail "only $((count - 10)) libraries"
stop_targetd

# A cartridge that does not take what the drive has said to be written.
GRANARY_FAULT=drive-flush:1 start_targetd
targetd vtl create deferred --drives 1 --slots 6 --ie-slots 1 --tapes 1 --tape-size 16M >/dev/null
rules deferred ibm-td8 deferred
stop_targetd
