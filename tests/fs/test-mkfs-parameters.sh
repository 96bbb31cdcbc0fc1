#!/bin/bash
# SPDX-License-Identifier: MIT
# Every size of chunks from 4K to 1M and every compression keeps its word: data comes back,
# a second copy costs next to nothing, chunks are as large as was asked for, and text is
# compressed unless compression is off. A mount may choose another compression for new data.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

# 10 MB that compress well and repeat nowhere, 10 MB that do not compress.
seq 1 1400000 >"$scratch/text"
head -c 10000000 /dev/urandom >"$scratch/noise"
text_size=$(stat -c %s "$scratch/text")

stored() {
	granary fs stats "$mount" --json | sed -n 's/^ *"bytes_stored": \([0-9]*\).*/\1/p'
}

chunks() {
	granary fs explain "$mount/$1" --json | sed -n 's/^ *"chunks": \([0-9]*\).*/\1/p'
}

# between NUMBER LOW HIGH WHAT
between() {
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || fail "$4: $1, not from $2 to $3"
}

# try AVERAGE COMPRESSION MOST: bytes that the text may take.
try() {
	local average=$1 before after number
	make_store "$store" --chunk-average="$1" --compression="$2"
	mount_store
	cp "$scratch/noise" "$mount/noise"
	granary fs sync "$mount"
	before=$(stored)
	cp "$scratch/text" "$mount/text"
	granary fs sync "$mount"
	after=$(stored)
	[ $((after - before)) -le "$3" ] || fail "$1 $2: the text takes $((after - before)) bytes"
	[ "$2" != off ] || [ $((after - before)) -ge "$text_size" ] || fail "off has compressed"
	number=$(chunks noise)
	average=$((${1%?} * 1024))
	[ "$1" != 1M ] || average=1048576
	between $((10000000 / number)) $((average * 2 / 3)) $((average * 5 / 2)) "$1: average of the chunks"
	cp "$scratch/noise" "$mount/again"
	granary fs sync "$mount"
	between $(($(stored) - after)) 0 $((200000 + average)) "$1 $2: bytes for a second copy"
	remount_store
	for name in noise text; do
		cmp "$scratch/$name" "$mount/$name" || fail "$1 $2: $name came back different"
	done
	cmp "$scratch/noise" "$mount/again" || fail "$1 $2: the second copy is different"
	umount_store
	expect_status 0 fsck.granary --verify-data "$store"
	rm -rf "$store"
}

try 4K best $((text_size / 3))
try 8K balanced $((text_size / 3))
try 16K off $((text_size + 400000))
try 64K fast $((text_size * 2 / 3))
try 1M balanced $((text_size / 3))

# Another compression for one mount.
make_store "$store" --compression=off
mount_store "$store" "$mount" --compression=best
cp "$scratch/text" "$mount/text"
granary fs sync "$mount"
[ "$(stored)" -lt $((text_size / 3)) ] || fail "--compression=best has stored $(stored) bytes"
remount_store
before=$(stored)
tr 0-9 a-j <"$scratch/text" >"$mount/letters"
granary fs sync "$mount"
[ $(($(stored) - before)) -ge "$text_size" ] || fail "without the option it is not off as the store says"
cmp "$scratch/text" "$mount/text" || fail "the text came back different"
umount_store
