#!/bin/bash
# SPDX-License-Identifier: MIT
# Data that is there already costs less than two percent of its size, shifted, cut or in a tar, and
# what granary says of it is what du finds.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3

taken() {
	granary fs sync "$mount" >/dev/null
	du -s --block-size=1 "$store/segments" | cut -f 1
}

# number DIRECTORY KEY: of granary fs df.
number() {
	granary fs df --json "$mount" | python3 -c '
import json, sys
rows = json.load(sys.stdin)
print(sum(r[sys.argv[2]] for r in rows if r["name"] == sys.argv[1] or not sys.argv[1]))' "$1" "$2"
}

# near A B PERCENT WHAT
near() {
	local difference=$(($1 > $2 ? $1 - $2 : $2 - $1))
	[ $((difference * 100)) -le $(($2 * $3)) ] || fail "$4: $1, and $2 was expected, within $3 %"
}

mount_store
mkdir "$mount"/{first,second}
python3 - "$scratch/data" <<-'END'
	import random, sys
	random.seed(7)
	words = [bytes(random.choices(b"abcdefghijklmnopqrstuvwxyz", k=random.randint(2, 12))) for _ in range(20000)]
	with open(sys.argv[1], "wb") as file:
	    for _ in range(60):
	        file.write(b" ".join(random.choices(words, k=40000)))
END
size=$(stat -c %s "$scratch/data")
cp "$scratch/data" "$mount/first/data"
first=$(taken)
near "$(number "" stored)" "$first" 2 "stored bytes of one file against du"
near "$(number first logical)" "$size" 0 "logical bytes"

check_cost() {
	local after
	after=$(taken)
	[ $(((after - before) * 50)) -lt "$size" ] || fail "$1 took $((after - before)) bytes of $size"
	before=$after
}
before=$first
cp "$scratch/data" "$mount/second/copy"
check_cost "a copy"
{
	printf 'some bytes in front'
	cat "$scratch/data"
} >"$mount/second/shifted"
check_cost "a shifted copy"
head -c 11000000 "$scratch/data" | tail -c 10000000 >"$mount/second/part"
check_cost "a part"
tar -C "$mount/first" -cf "$mount/second/tar" data
check_cost "a tar"
dd if="$scratch/data" of="$mount/second/blocks" bs=10007 status=none
check_cost "a copy in odd blocks"

logical=$(number "" logical)
near "$logical" "$(find "$mount" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%d\n", sum }')" 1 "logical bytes of everything"
near "$(number "" stored)" "$before" 2 "stored bytes against du"
near "$(granary fs explain --json "$mount/first/data" | grep -o '"stored_bytes": [0-9]*' | cut -d ' ' -f 2)" "$first" 2 \
	"stored bytes that explain says"
remount_store
near "$(number "" logical)" "$logical" 0 "logical bytes after a remount"
near "$(number "" stored)" "$before" 2 "stored bytes after a remount"

# The copies stay when the first one goes.
rm "$mount/first/data"
granary fs clean "$mount" >/dev/null
cmp "$scratch/data" "$mount/second/copy"
tail -c +20 "$mount/second/shifted" | cmp "$scratch/data" -
cmp "$scratch/data" "$mount/second/blocks"
umount_store
fsck_store
