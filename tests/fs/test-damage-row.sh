#!/bin/bash
# SPDX-License-Identifier: MIT
# An inode whose row is damaged gives EIO, be it that the row makes no sense or that its page does not
# read; all others stay as they were, the store goes on, and fsck finds it.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3

# expect_eio COMMAND...
expect_eio() {
	! "$@" >"$scratch/output" 2>&1 || fail "'$*' succeeded"
	grep -q 'Input/output error' "$scratch/output" || fail "'$*' says: $(cat "$scratch/output")"
}

# check FINDING STATUS: of fsck.granary, and of granary-fsd at its end.
check() {
	local status=0 pid
	mount_store "$damaged"
	expect_eio stat "$mount/folder/needle"
	expect_eio readlink -v "$mount/folder/needle"
	expect_eio cat "$mount/folder/needle"
	expect_eio chown -h 0:0 "$mount/folder/needle"
	expect_eio rm "$mount/folder/needle"
	expect_eio mv "$mount/folder/needle" "$mount/folder/other"
	expect_eio ln "$mount/folder/needle" "$mount/folder/link"
	# shellcheck disable=SC2010
	check_equal "$(ls "$mount/folder" 2>/dev/null | grep -c .)" 301 "names in the folder"
	check_equal "$(cat "$mount/far/file")" far "a file with a row elsewhere"
	echo new >"$mount/far/new"
	granary fs sync "$mount" || fail "nothing can be committed"
	granary fs status --json "$mount" | finds '"read_only": false' || fail "the store is read-only"
	pid=$(store_pid)
	unmount "$mount"
	unset "mount_pid[$mount]"
	wait "$pid" || status=$?
	check_equal "$status" "$2" "the end of granary-fsd"
	expect_status 4 fsck.granary -f -n "$damaged"
	expect_output "$1"
}

mount_store
mkdir "$mount/folder" "$mount/between" "$mount/far"
for n in $(seq 150); do echo "$n" >"$mount/folder/a$n"; done
ln -s the-needle-in-the-catalogue "$mount/folder/needle"
number=$(stat -c %i "$mount/folder/needle")
for n in $(seq 150); do echo "$n" >"$mount/folder/b$n"; done
for n in $(seq 300); do echo "$n" >"$mount/between/$n"; done
echo far >"$mount/far/file"
umount_store

damaged=$scratch/damaged
cp -a "$store" "$damaged"
"$top_builddir/tests/fs/catalogue-sql" "$damaged/catalogue.sqlite" \
	"UPDATE inode SET size = -1 WHERE inode = $number"
check "$number" 0

rm -r "$damaged"
cp -a "$store" "$damaged"
python3 - "$damaged/catalogue.sqlite" <<'END'
import sys
with open(sys.argv[1], "r+b") as f:
    data = f.read()
    at = data.find(b"the-needle-in-the-catalogue")
    if at < 0 or data.find(b"the-needle-in-the-catalogue", at + 1) >= 0:
        sys.exit("the row is not in one place")
    f.seek(at)
    f.write(bytes([data[at] ^ 1]))
END
# A catalogue with a damaged page is not copied into the segments, which is said.
check catalogue 1
