#!/bin/bash
# SPDX-License-Identifier: MIT
# Files and directories that are whole but cannot be reached any more, their names being lost or in
# a circle, are in lost+found after fsck.granary -y, with all that is below them.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need sqlite3

sql() {
	"$top_builddir/tests/fs/catalogue-sql" "$store/catalogue.sqlite" "$1"
}

# What is in a folder: each file's path and its sum.
sums() {
	(cd "$1" && find . -type f -exec sha256sum {} + | sort -k 2)
}

mount_store
mkdir -p "$mount/top/a/b/c" "$mount/top/other"
for file in file top/a/f top/a/b/g top/a/b/c/h; do
	seq "$((RANDOM % 9999))" 20000 >"$mount/$file"
done
ln "$mount/file" "$mount/top/other/link"
sums "$mount/top/a" >"$scratch/sums"
content=$(sha256sum <"$mount/file")
declare -A number
for name in top top/a top/a/f top/a/b top/a/b/c file; do
	number[$name]=$(stat -c %i "$mount/$name")
done
umount_store
cp "$store/catalogue.sqlite" "$scratch/catalogue"

# lost FINDING SQL: is found, left alone by -n, repaired by -y; mounts.
lost() {
	cp "$scratch/catalogue" "$store/catalogue.sqlite"
	sql "$2"
	expect_status 4 fsck.granary -n "$store"
	expect_output "$1"
	expect_status 1 fsck.granary -y "$store"
	expect_status 0 fsck.granary -n "$store"
	mount_store
}

lost 'has lost its name' "DELETE FROM entry WHERE inode = ${number[file]}"
check_equal "$(sha256sum <"$mount/lost+found/#${number[file]}")" "$content" "the file that was lost"
check_equal "$(stat -c %h "$mount/lost+found/#${number[file]}")" 1 "its links"
mv "$mount/lost+found/#${number[file]}" "$mount/file"
rmdir "$mount/lost+found"
umount_store
fsck_store

lost 'cannot be reached from the root' "DELETE FROM entry WHERE inode = ${number[top/a]}"
sums "$mount/lost+found/#${number[top/a]}" | cmp - "$scratch/sums" || fail "files differ below a directory without a name"
check_equal "$(ls "$mount/lost+found")" "#${number[top/a]}" "what is in lost+found"
mv "$mount/lost+found/#${number[top/a]}" "$mount/top/a"
sums "$mount/top/a" | cmp - "$scratch/sums" || fail "files differ after moving them back"
umount_store
fsck_store

# a is below its own grandchild c: a circle, which is cut somewhere.
lost 'cannot be reached from the root' \
	"UPDATE entry SET parent = ${number[top/a/b/c]} WHERE inode = ${number[top/a]}; UPDATE inode SET parent = ${number[top/a/b/c]} WHERE inode = ${number[top/a]}"
check_equal "$(find "$mount/lost+found" -type f | wc -l)" 3 "files from the circle"
check_equal "$(sums "$mount/lost+found" | cut -d ' ' -f 1 | sort)" "$(cut -d ' ' -f 1 "$scratch/sums" | sort)" "their contents"
umount_store
fsck_store

# The row of a directory is gone: what was in it is all there.
lost 'has a name in what is no directory' "DELETE FROM inode WHERE inode = ${number[top/a]}; DELETE FROM entry WHERE inode = ${number[top/a]}"
check_equal "$(find "$mount/lost+found" -mindepth 1 -maxdepth 1 | wc -l)" 2 "what was in the directory"
check_equal "$(sums "$mount/lost+found" | cut -d ' ' -f 1 | sort)" "$(cut -d ' ' -f 1 "$scratch/sums" | sort)" "its contents"
umount_store
fsck_store

# The directory is called an orphan, which would go at the next mount: what is in it is no orphan's.
orphan="DELETE FROM entry WHERE inode = ${number[top/a]}; UPDATE inode SET links = 0 WHERE inode = ${number[top/a]}"
for sql in "$orphan; INSERT INTO orphan VALUES(${number[top/a]})" "$orphan" \
	"$orphan; INSERT INTO orphan VALUES(${number[top/a]}); DELETE FROM entry WHERE inode = ${number[top/a/b]}"; do
	lost 'is a removed directory with something in it' "$sql"
	check_equal "$(sums "$mount/lost+found" | cut -d ' ' -f 1 | sort)" "$(cut -d ' ' -f 1 "$scratch/sums" | sort)" \
		"what is below a directory that was called an orphan"
	[ -e "$mount/lost+found/#${number[top/a]}/f" ] || fail "the directory is not in lost+found"
	umount_store
	fsck_store
done

# Names that stand where nobody looks for them, a directory's among them: they are found again.
for name in file top/a top/a/f; do
	for place in '1' 'hash + 8' 'hash - 1' '-5' '9223372036854775807'; do
		lost 'stands where nobody looks for it' \
			"UPDATE entry SET hash = $place WHERE inode = ${number[$name]} AND name = CAST('${name##*/}' AS BLOB)"
		check_equal "$(stat -c %i "$mount/$name")" "${number[$name]}" "the inode of $name"
		check_equal "$(sha256sum <"$mount/file")" "$content" "the file whose name was elsewhere"
		sums "$mount/top/a" | cmp - "$scratch/sums" || fail "files differ where a name was elsewhere"
		[ ! -e "$mount/lost+found" ] || fail "there is a lost+found without need"
		umount_store
	done
done

# Another has its name by now: it is lost, unless it has more of them.
misplaced="INSERT INTO entry SELECT parent, hash + 99, name, ${number[top/a/f]}, 8 FROM entry WHERE inode = ${number[file]} AND parent = 1"
lost 'stands where nobody looks for it' "DELETE FROM entry WHERE inode = ${number[top/a/f]}; $misplaced"
check_equal "$(sha256sum <"$mount/file")" "$content" "the file that has the name"
check_equal "$(sha256sum <"$mount/lost+found/#${number[top/a/f]}" | cut -d ' ' -f 1)" \
	"$(grep ' ./f$' "$scratch/sums" | cut -d ' ' -f 1)" "the file that had the name, too"
umount_store
lost 'stands where nobody looks for it' "$misplaced"
sums "$mount/top/a" | cmp - "$scratch/sums" || fail "files differ where a name stood twice"
[ ! -e "$mount/lost+found" ] || fail "there is a lost+found without need"
umount_store
fsck_store

# What another repair brings back is where it was.
lost 'cannot be reached from the root' "UPDATE entry SET type = 8 WHERE inode = ${number[top/a]}"
sums "$mount/top/a" | cmp - "$scratch/sums" || fail "files differ in a directory whose entry was wrong"
[ ! -e "$mount/lost+found" ] || fail "there is a lost+found without need"
umount_store
fsck_store

# Another file has the name that it would get.
lost 'has lost its name' "DELETE FROM entry WHERE inode = ${number[file]}"
mv "$mount/lost+found/#${number[file]}" "$mount/file"
echo other >"$mount/lost+found/#${number[file]}"
umount_store
cp "$scratch/catalogue" "$scratch/whole"
cp "$store/catalogue.sqlite" "$scratch/catalogue"
lost 'has lost its name' "DELETE FROM entry WHERE inode = ${number[file]}"
check_equal "$(sha256sum <"$mount/lost+found/#${number[file]}.1")" "$content" "the file whose name was taken"
check_equal "$(cat "$mount/lost+found/#${number[file]}")" other "the file that had the name"
umount_store

cp "$scratch/whole" "$store/catalogue.sqlite"

# A file of that name is left alone, and so is what is lost.
mount_store
rm -rf "$mount/lost+found"
echo mine >"$mount/lost+found"
umount_store
sql "DELETE FROM entry WHERE inode = ${number[file]}"
expect_status 5 fsck.granary -y "$store" # counts are corrected
expect_output 'is no directory'
