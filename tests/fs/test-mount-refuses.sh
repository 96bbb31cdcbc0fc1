#!/bin/bash
# SPDX-License-Identifier: MIT
# A store that cannot be mounted, or a folder that cannot be mounted on, gets one clear sentence
# and status 1, and nothing changes.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse

listing() {
	find "$store" -type f -printf '%P %s\n' | sort
	find "$store" -type f ! -name '*-shm' -exec sha256sum {} + | sort
}

# refused SENTENCE STORE DIR [OPTION...]
refused() {
	local sentence=$1 where=$2 dir=$3
	shift 3
	listing >"$scratch/before"
	expect_status 1 granary-fsd "$@" "$where" "$dir"
	expect_output "$sentence"
	check_equal "$(wc -l <"$scratch/output")" 1 "sentences"
	! is_mounted "$dir" || fail "it is mounted"
	listing >"$scratch/after"
	diff "$scratch/before" "$scratch/after" || fail "the store has changed"
}

mount_store
head -c 100000 /dev/urandom >"$mount/file"
mkdir "$scratch/other" "$scratch/foreign"
touch "$scratch/foreign/file" "$scratch/plain"

expect_status 1 granary-fsd "$store" "$scratch/other"
expect_output 'in use'
umount_store

refused 'No such file' "$scratch/none" "$scratch/other"
refused 'not a Granary store' "$scratch/foreign" "$scratch/other"
refused 'cannot mount there: No such file' "$store" "$scratch/none"
refused 'not a folder' "$store" "$scratch/plain"
refused 'must not contain' "$store" "$store/segments"
refused 'must not contain' "$store" "$scratch"

cp "$store/store.conf" "$scratch/store.conf"
sed -i 's/^format = 2/format = 1/' "$store/store.conf"
refused 'store.conf' "$store" "$scratch/other"
sed 's/chunk_average/chunk_overage/' "$scratch/store.conf" >"$store/store.conf"
refused 'store.conf' "$store" "$scratch/other"
head -c 100 "$scratch/store.conf" >"$store/store.conf"
refused 'store.conf' "$store" "$scratch/other"
cp "$scratch/store.conf" "$store/store.conf"

segment=$(find "$store/segments" -name '*.seg' | head -n 1)
mv "$segment" "$scratch/segment"
refused 'segment is missing' "$store" "$scratch/other"
head -c 5000 "$scratch/segment" >"$segment"
refused 'shorter than its packs' "$store" "$scratch/other"
mv "$scratch/segment" "$segment"

mv "$store/catalogue.sqlite" "$scratch/catalogue"
refused 'catalogue' "$store" "$scratch/other"
head -c 20000 /dev/urandom >"$store/catalogue.sqlite"
refused 'catalogue' "$store" "$scratch/other"
mv "$scratch/catalogue" "$store/catalogue.sqlite"

mount_store
check_equal "$(stat -c %s "$mount/file")" 100000 "the file's size"
umount_store
fsck_store
