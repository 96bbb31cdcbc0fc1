#!/bin/bash
# SPDX-License-Identifier: MIT
# --restore-catalogue brings a lost or damaged catalogue back as it was at the last clean unmount,
# and the data of later packs is not lost to dedup.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need sqlite3

mount_store
cp -r "$top_srcdir/lib" "$mount/lib"
umount_store
mount_store
cp -r "$top_srcdir/fs" "$mount/fs"
umount_store
fsck_store

for damage in removed damaged; do
	case $damage in
	removed) rm "$store/catalogue.sqlite" ;;
	damaged) dd if=/dev/urandom of="$store/catalogue.sqlite" bs=4096 count=3 conv=notrunc status=none ;;
	esac
	expect_status 4 fsck.granary "$store" || true
	expect_status 1 fsck.granary --restore-catalogue "$store"
	expect_output 'is complete'
	[ $damage = removed ] || [ -e "$store/catalogue.sqlite.damaged" ] || fail "the old one is not kept"
	fsck_store
	mount_store
	diff -r "$top_srcdir/lib" "$mount/lib" || fail "lib differs"
	diff -r "$top_srcdir/fs" "$mount/fs" || fail "fs differs"
	echo new >"$mount/new-$damage"
	umount_store
	fsck_store
	expect_status 0 fsck.granary --verify-data "$store"
done
# A place of the disk that does not read costs what is there, not the whole.
for place in 3 9 20; do
	rm "$store/catalogue.sqlite"
	GRANARY_FAULT=pread:$place expect_status 1 fsck.granary --restore-catalogue "$store"
done

# What a restoring that was cut off has left is not taken for the new catalogue's log.
"$top_builddir/tests/fs/catalogue-sql" "$store/catalogue.sqlite" 'PRAGMA wal_checkpoint(TRUNCATE)'
cp "$store/catalogue.sqlite" "$scratch/other"
sqlite3 "$scratch/other" >/dev/null <<-EOF
	PRAGMA wal_autocheckpoint=0;
	CREATE TABLE stranger(a);
	.shell cp '$scratch/other-wal' '$scratch/left.wal'
EOF
[ -s "$scratch/left.wal" ] || fail "no log was made"
cp "$scratch/left.wal" "$store/catalogue.sqlite.restored-wal"
expect_status 1 fsck.granary --restore-catalogue "$store"
check_equal "$(sqlite3 "$store/catalogue.sqlite" "SELECT count(*) FROM sqlite_schema WHERE name='stranger'")" 0 \
	"what another log says"
fsck_store
mount_store
check_equal "$(cat "$mount/new-removed" "$mount/new-damaged")" $'new\nnew' "what came after"
umount_store
