#!/bin/bash
# SPDX-License-Identifier: MIT
# The model itself is right: the machine's own filesystem does what it says.
# The disk, whatever the other tests use.
TMPDIR=${top_builddir:-$PWD}
[ "$(stat -f -c %T "$TMPDIR")" != tmpfs ] || TMPDIR=/var/tmp
export TMPDIR
. "${top_srcdir:-.}/tests/functions.sh" || exit 1

model=$top_builddir/tests/fs/model
folder=$(fresh_folder native)
case $(stat -f -c %T "$folder") in
ext2/ext3 | xfs | btrfs) ;;
*) skip "$(stat -f -c %T "$folder") has no FALLOC_FL_ZERO_RANGE" ;;
esac
for round in 1 2; do
	"$model" --state="$scratch/state" --seconds="${MODEL_NATIVE_SECONDS:-3}" run "$folder"
	"$model" --state="$scratch/state" verify "$folder" || fail "the folder is not as the model says ($round)"
done

# And it sees a single byte that is wrong.
file=$(find "$folder" -type f -size +4k | head -n 1)
[ -n "$file" ] || fail "no file is left to damage"
byte=$(od -An -tu1 -j 1000 -N 1 "$file")
printf '%b' "\\x$(printf %x $(((byte + 1) % 256)))" |
	dd of="$file" bs=1 seek=1000 conv=notrunc status=none
expect_status 1 "$model" --state="$scratch/state" verify "$folder"
