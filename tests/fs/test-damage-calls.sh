#!/bin/bash
# SPDX-License-Identifier: MIT
# Whatever is asked of a file whose map does not read answers with EIO or does what it can do; the
# file can be removed, and written anew.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3 sqlite3

# calls FILE OTHER: NAME=RESULT of each call.
calls() {
	python3 - "$@" <<-'END'
		import errno, os, sys, ctypes
		path, other = sys.argv[1:]
		half = os.stat(path).st_size // 2
		libc = ctypes.CDLL(None, use_errno=True)
		off = ctypes.c_longlong

		def fallocate(mode, length):
		    with open(path, "r+b") as f:
		        if libc.fallocate64(f.fileno(), mode, off(half), off(length)):
		            raise OSError(ctypes.get_errno(), "fallocate")

		def copy(source, target, source_at, target_at):
		    with open(source, "rb") as s, open(target, "r+b") as t:
		        os.copy_file_range(s.fileno(), t.fileno(), 100000, source_at, target_at)

		def write():
		    fd = os.open(path, os.O_RDWR)
		    try:
		        os.pwrite(fd, b"more", half)
		        os.fsync(fd)
		    finally:
		        os.close(fd)

		# Of a file that may be mapped and changed lseek(2) takes all for data without looking; so it is asked
		# first: the kernel tells the server of a close only some time after it.
		def with_file(call, flags=os.O_RDWR):
		    fd = os.open(path, flags)
		    try:
		        call(fd)
		    finally:
		        os.close(fd)

		def ioctl(fd):
		    import fcntl
		    fcntl.ioctl(fd, 0x40049409, os.open(other, os.O_RDONLY)) # FICLONE

		for name, call in {
		    "stat": lambda: os.stat(path),
		    "data": lambda: with_file(lambda fd: os.lseek(fd, half, os.SEEK_DATA), os.O_RDONLY),
		    "hole": lambda: with_file(lambda fd: os.lseek(fd, half, os.SEEK_HOLE), os.O_RDONLY),
		    "open": lambda: with_file(lambda fd: None),
		    "read": lambda: with_file(lambda fd: os.pread(fd, 1000, half)),
		    "punch": lambda: fallocate(3, 100000),
		    "zero": lambda: fallocate(16, 100000),
		    "allocate": lambda: fallocate(0, 100000),
		    "copy-from": lambda: copy(path, other, half, 0),
		    "copy-to": lambda: copy(other, path, 0, half),
		    "reflink": lambda: with_file(ioctl),
		    "write": write,
		    "truncate": lambda: os.truncate(path, half + 1),
		    "chmod": lambda: os.chmod(path, 0o600),
		    "utime": lambda: os.utime(path),
		}.items():
		    try:
		        call()
		        print(name + "=done", end=" ")
		    except OSError as error:
		        print(name + "=" + errno.errorcode[error.errno], end=" ")
	END
}

all_eio="stat=done data=EIO hole=EIO open=done read=EIO punch=EIO zero=EIO allocate=EIO copy-from=EIO"
all_eio+=" copy-to=EIO reflink=ENOTSUP write=EIO truncate=EIO chmod=done utime=done "

make_store "$store" --chunk-average=4K
mount_store
mkdir "$mount/d"
for kind in pack node blob; do
	head -c 8000000 /dev/urandom >"$mount/d/$kind"
	# Where only the leaf can tell what is data.
	fallocate -p -o 3900000 -l 150000 "$mount/d/$kind"
	granary fs sync "$mount" # each map in a pack of its own
done
echo other >"$mount/d/other"
declare -A number
for kind in pack node blob; do
	number[$kind]=$(stat -c %i "$mount/d/$kind")
done
# So that writes and allocations have to look at the map.
granary fs quota "$mount/d" 1G
umount_store

ask() {
	sqlite3 -separator ' ' "$store/catalogue.sqlite" "$1"
}
# With the pages' checksums.
change() {
	"$top_builddir/tests/fs/catalogue-sql" "$store/catalogue.sqlite" "$1"
}
# root_pack INODE: where its map has its root; after the bytes of the blob's kind and the level.
root_pack() {
	python3 - "$(ask "SELECT hex(map) FROM inode WHERE inode = $1")" <<-'END'
		import sys
		blob = bytes.fromhex(sys.argv[1])
		value = shift = 0
		for byte in blob[2:]:
		    value |= (byte & 127) << shift
		    shift += 7
		    if byte < 128:
		        break
		print(value)
	END
}
pack=$(root_pack "${number[pack]}")
node=$(root_pack "${number[node]}")
[ "$pack" != "$node" ] || fail "two files have their maps in one pack"
change "UPDATE inode SET map = x'0bad' WHERE inode = ${number[blob]}"
read -r segment offset length < <(ask "SELECT segment, offset, length FROM pack WHERE pack = $node")
python3 - "$(printf '%s/segments/%02d/%010d.seg' "$store" $((segment % 100)) "$segment")" "$offset" "$length" <<-'END'
	import os, sys
	offset, length = int(sys.argv[2]), int(sys.argv[3])
	fd = os.open(sys.argv[1], os.O_WRONLY)
	os.pwrite(fd, b"\xff" * (length * 3 // 4), offset + length // 8)
END
change "DELETE FROM pack WHERE pack = $pack"

mount_store
for kind in pack node blob; do
	check_equal "$(calls "$mount/d/$kind" "$mount/d/other")" "$all_eio" "the calls, with a damaged $kind"
	expect_status 1 granary fs explain "$mount/d/$kind"
	expect_output 'Input/output error'
	head -c 3000000 /dev/urandom >"$scratch/data"
	cp "$scratch/data" "$mount/d/$kind" || fail "a file with a damaged $kind cannot be written anew"
	granary fs sync "$mount" >"$scratch/sync" 2>&1 || true # tells of what was lost above
	cmp "$scratch/data" "$mount/d/$kind"
done
check_equal "$(cat "$mount/d/other")" other "the other file"
umount_store
