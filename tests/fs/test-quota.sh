#!/bin/bash
# SPDX-License-Identifier: MIT
# A quota stops the writer that goes beyond it with EDQUOT and nobody else, lets go as soon as
# something is deleted, counts what is moved in, and is there after a remount.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3

# put FILE BYTES: writes them, and says how that ended.
put() {
	python3 - "$1" "$2" <<-'END'
		import errno, os, sys
		try:
		    fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o644)
		    left = int(sys.argv[2])
		    while left:
		        left -= os.write(fd, os.urandom(min(left, 100000)))
		    os.fsync(fd)
		    os.close(fd)
		    print("done")
		except OSError as error:
		    print(errno.errorcode[error.errno])
	END
}

used() {
	granary fs quota --json "$1" | python3 -c 'import json, sys; print(sum(d["logical"] for d in json.load(sys.stdin)))'
}

# settles_at BYTES: of small; the kernel lets go of a deleted file a moment after rm.
settles_at() {
	wait_for 20 used_is "$1" || fail "$(used "$mount/small") bytes are used, $1 were expected"
}
used_is() {
	[ "$(used "$mount/small")" = "$1" ]
}

mount_store
mkdir "$mount/small" "$mount/large"
granary fs quota "$mount/small" 4M
check_equal "$(granary fs quota --json "$mount/small" | grep -o '"quota": [0-9]*')" '"quota": 4194304' "the quota"
check_equal "$(put "$mount/small/one" 3000000)" "done" "a write below the quota"
check_equal "$(put "$mount/small/two" 3000000)" EDQUOT "a write beyond the quota"
check_equal "$(put "$mount/large/one" 9000000)" "done" "a write beside the quota"
[ "$(used "$mount/small")" -le 4194304 ] || fail "$(used "$mount/small") bytes are used of 4 MiB"
check_equal "$(cp "$mount/large/one" "$mount/small/copy" 2>&1 | grep -c 'quota exceeded')" 1 "a copy of data that is there already"
rm -f "$mount/small/copy"

# Below the limit again at once.
rm "$mount/small/two"
settles_at 3000000
check_equal "$(put "$mount/small/three" 1000000)" "done" "a write after a delete"
# What is there may be written over, not added to.
check_equal "$(put "$mount/small/one" 3000000)" "done" "an overwrite"
check_equal "$(dd if=/dev/urandom of="$mount/small/one" bs=1M count=1 seek=4 conv=notrunc 2>&1 | grep -c 'quota exceeded')" 1 "an append"
truncate -s 3000000 "$mount/small/one"

# Moving in counts, moving out gives back; links and clones too.
status=0
mv "$mount/large/one" "$mount/small/moved" 2>"$scratch/output" || status=$?
[ "$status" != 0 ] || fail "9 MB were moved below a quota of 4 MiB"
grep -q 'quota exceeded' "$scratch/output" || fail "mv says: $(cat "$scratch/output")"
[ ! -e "$mount/small/moved" ] && [ -e "$mount/large/one" ] || fail "the file is not where it was"
expect_status 1 granary fs clone "$mount/large/one" "$mount/small/clone"
mv "$mount/small/three" "$mount/large/three"
check_equal "$(used "$mount/small")" 3000000 "bytes used after moving out"
check_equal "$(put "$mount/small/four" 1000000)" "done" "a write after moving out"
head -c 150000 /dev/urandom >"$mount/large/little"
mv "$mount/large/little" "$mount/small/little"
check_equal "$(used "$mount/small")" 4150000 "bytes used after moving in"

# A hole takes nothing, filling it does, and writing again over what is there does not. (4150000
# of 4194304 bytes are used.)
truncate -s 2000000 "$mount/small/hole"
check_equal "$(used "$mount/small")" 4150000 "bytes used after making a hole"
# fill FILE KIB SEEK: what became of it.
fill() {
	if dd if=/dev/urandom of="$1" bs="${2}K" count=1 seek="$3K" oflag=seek_bytes \
		conv=notrunc,fsync 2>"$scratch/output"; then
		echo "done"
	else
		grep -o 'quota exceeded' "$scratch/output"
	fi
}
check_equal "$(fill "$mount/small/hole" 100 1000)" 'quota exceeded' "filling a hole beyond the quota"
check_equal "$(used "$mount/small")" 4150000 "bytes used after the refusal"
check_equal "$(fill "$mount/small/hole" 40 1000)" "done" "filling a hole below the quota"
check_equal "$(fill "$mount/small/hole" 40 1000)" "done" "writing over it"
check_equal "$(used "$mount/small")" $((4150000 + 40960)) "bytes used after filling"
check_equal "$(fill "$mount/small/hole" 40 1020)" 'quota exceeded' "filling half of a range"
expect_status 1 fallocate -l 100000 "$mount/small/hole"
expect_output 'quota exceeded'
expect_status 0 fallocate -o 1024000 -l 40960 "$mount/small/hole"
expect_status 1 fallocate -o 1999000 -l 10000 "$mount/small/hole"
# copy_range FROM FROM-OFFSET TO TO-OFFSET LENGTH
copy_range() {
	python3 - "$@" <<-'END'
		import errno, os, sys
		source, target = os.open(sys.argv[1], os.O_RDONLY), os.open(sys.argv[3], os.O_RDWR)
		try:
		    print(os.copy_file_range(source, target, int(sys.argv[5]), int(sys.argv[2]), int(sys.argv[4])))
		except OSError as error:
		    print(errno.errorcode[error.errno])
	END
}
check_equal "$(copy_range "$mount/large/one" 0 "$mount/small/hole" 100000 100000)" EDQUOT \
	"copying data into a hole"
check_equal "$(copy_range "$mount/small/hole" 0 "$mount/small/one" 0 100000)" 100000 \
	"copying a hole over data"
check_equal "$(used "$mount/small")" $((4150000 + 40960 - 100000)) "bytes used after copying a hole"
check_equal "$(copy_range "$mount/large/one" 0 "$mount/small/hole" 100000 100000)" 100000 \
	"copying data into a hole where there is room"
fallocate --punch-hole -o 100000 -l 50000 "$mount/small/hole"
check_equal "$(used "$mount/small")" $((4150000 + 40960 - 50000)) "bytes used after punching"
truncate -s 100000 "$mount/small/hole"
check_equal "$(used "$mount/small")" $((4150000 - 100000)) "bytes used after truncating"
rm "$mount/small/hole"
dd if="$mount/large/one" of="$mount/small/one" bs=100000 count=1 conv=notrunc status=none
granary fs sync "$mount"
settles_at 4150000

# Nested folders count to the top-level one.
mkdir -p "$mount/small/a/b/c"
check_equal "$(put "$mount/small/a/b/c/deep" 500000)" EDQUOT "a write deep below"
rm "$mount/small/a/b/c/deep"
settles_at 4150000

for round in umount kill; do
	granary fs sync "$mount" >/dev/null
	if [ $round = umount ]; then
		remount_store
	else
		kill_store
		mount_store
	fi
	check_equal "$(used "$mount/small")" 4150000 "bytes used after $round"
	check_equal "$(put "$mount/small/five" 500000)" EDQUOT "a write after $round"
	rm "$mount/small/five"
	settles_at 4150000
done
granary fs quota "$mount/small" none
check_equal "$(put "$mount/small/five" 5000000)" "done" "a write without a quota"
granary fs quota "$mount/small" 1M # below what is there: nothing is lost, nothing goes in
check_equal "$(put "$mount/small/six" 100000)" EDQUOT "a write far beyond the quota"
check_equal "$(fill "$mount/small/five" 100 0)" "done" "writing over what is there, beyond the quota"
rm -r "$mount/small"
check_equal "$(stat -c %s "$mount/large/one")" 9000000 "the size of the other file"
umount_store
fsck_store
