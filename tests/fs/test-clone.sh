#!/bin/bash
# SPDX-License-Identifier: MIT
# A clone of a file or of a whole tree costs names and nothing else, is independent of its source from
# then on, and outlives it: over a remount, after its source was deleted and the store cleaned.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3

taken() {
	granary fs sync "$mount" >/dev/null
	du -s --block-size=1 "$store/segments" | cut -f 1
}

# reflink SOURCE DESTINATION: copy_file_range of all of it, as cp does where it is told to.
reflink() {
	python3 - "$1" "$2" <<-'END'
		import os, sys
		a, b = os.open(sys.argv[1], os.O_RDONLY), os.open(sys.argv[2], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
		left = os.fstat(a).st_size
		while left:
		    n = os.copy_file_range(a, b, left)
		    assert n > 0
		    left -= n
		os.fsync(b)
	END
}

mount_store
mkdir "$mount/source"
# Without the letters that are written into it below: each of them is a change.
head -c 20000000 /dev/urandom | tr 'acdeghn' 0 >"$mount/source/file"
cp -r "$top_srcdir/fs" "$top_srcdir/tests" "$mount/source"
ln "$mount/source/file" "$mount/source/hard"
ln -s file "$mount/source/soft"
truncate -s 1T "$mount/huge"
echo end >>"$mount/huge"
setfattr -n user.name -v value "$mount/source/file" 2>/dev/null || true
chmod 640 "$mount/source/fs/main.c"
before=$(taken)

granary fs clone "$mount/source/file" "$mount/file"
granary fs clone "$mount/source" "$mount/tree"
granary fs clone "$mount/huge" "$mount/sparse"
reflink "$mount/source/file" "$mount/ranges"
after=$(taken)
[ $((after - before)) -le $((before / 100)) ] || fail "clones took $((after - before)) bytes beyond $before"
same_tree "$mount/source" "$mount/tree"
for copy in file ranges; do
	cmp "$mount/source/file" "$mount/$copy" || fail "$copy differs"
done
check_equal "$(stat -c %s "$mount/sparse")" 1099511627780 "the size of the sparse clone"
check_equal "$(stat -c %h "$mount/tree/file")" 1 "links of a file cloned with its tree"
[ "$(stat -c %i "$mount/tree/file")" != "$(stat -c %i "$mount/source/file")" ] || fail "the clone is the source"

# Whoever is written to, the others stay.
(cd "$mount" && sha256sum source/file tree/file file ranges >"$scratch/sums")
printf 'changed' | dd of="$mount/source/file" bs=1 seek=1000000 conv=notrunc status=none
printf 'changed' | dd of="$mount/tree/file" bs=1 seek=5000000 conv=notrunc status=none
truncate -s 15000000 "$mount/file"
rm -r "$mount/tree/fs"
(cd "$mount" && sha256sum -c --quiet --ignore-missing <(grep ranges "$scratch/sums")) || fail "a clone has changed"
cmp "$mount/file" <(head -c 15000000 "$mount/ranges") || fail "the shortened clone differs"
check_equal "$(cmp -l "$mount/source/file" "$mount/ranges" | wc -l)" 7 "bytes changed in the source"
check_equal "$(cmp -l "$mount/tree/file" "$mount/ranges" | wc -l)" 7 "bytes changed in the clone"
diff -r "$top_srcdir/fs" "$mount/source/fs" || fail "deleting in the clone has changed the source"

remount_store
rm -r "$mount/source" "$mount/file"
granary fs clean "$mount" >"$scratch/clean"
remount_store
(cd "$mount" && sha256sum -c --quiet <(grep ranges "$scratch/sums")) || fail "a clone is gone with its source"
check_equal "$(cmp -l "$mount/tree/file" "$mount/ranges" | wc -l)" 7 "bytes changed in the clone"
diff -r "$top_srcdir/tests" "$mount/tree/tests" || fail "the cloned tree is gone with its source"
check_equal "$(tail -c 4 "$mount/sparse")" end "the end of the sparse clone"

# A clone of a folder inside of itself does not go on for ever.
granary fs clone "$mount/tree" "$mount/tree/inside"
[ ! -e "$mount/tree/inside/inside" ] || fail "the clone is in itself"
diff -r "$mount/tree/tests" "$mount/tree/inside/tests" || fail "the clone inside differs"
expect_status 1 granary fs clone "$mount/none" "$mount/other"
[ ! -e "$mount/other" ] || fail "a clone of nothing is there"
umount_store
fsck_store
