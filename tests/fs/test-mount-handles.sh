#!/bin/bash
# SPDX-License-Identifier: MIT
# File handles, as an NFS server gives them out, mean the same file after a remount; those of a
# deleted file are stale, also when something new has come since.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need_root
need python3

cat >"$scratch/handle.py" <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)

class Handle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("type", ctypes.c_int), ("bytes", ctypes.c_ubyte * 128)]

def take(path, file):
    h, mount = Handle(size=128), ctypes.c_int()
    if libc.name_to_handle_at(-100, path.encode(), ctypes.byref(h), ctypes.byref(mount), 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    open(file, "wb").write(bytes(h))

def give(folder, file):
    h = Handle.from_buffer_copy(open(file, "rb").read())
    top = os.open(folder, os.O_RDONLY)
    fd = libc.open_by_handle_at(top, ctypes.byref(h), os.O_RDONLY)
    if fd < 0:
        print(os.strerror(ctypes.get_errno()))
    elif os.path.isdir("/proc/self/fd/%d" % fd):
        print(" ".join(sorted(os.listdir(fd))), os.readlink("/proc/self/fd/%d" % fd))
    else:
        print(os.read(fd, 100).decode())

{"take": take, "give": give}[sys.argv[1]](*sys.argv[2:])
END
handle() {
	python3 "$scratch/handle.py" "$@"
}

mount_store
mkdir -p "$mount/a/b"
printf text >"$mount/a/b/file"
printf gone >"$mount/a/gone"
handle take "$mount/a/b/file" "$scratch/file" || skip "no file handles here"
handle take "$mount/a/b" "$scratch/folder"
handle take "$mount/a/gone" "$scratch/gone"
remount_store
check_equal "$(handle give "$mount" "$scratch/file")" text "the file by its handle"
remount_store
check_equal "$(handle give "$mount" "$scratch/folder")" "file $mount/a/b" "the folder by its handle"
rm "$mount/a/gone"
for i in $(seq 50); do echo new >"$mount/a/new$i"; done
check_equal "$(handle give "$mount" "$scratch/gone")" 'Stale file handle' "a deleted file by its handle"
remount_store
check_equal "$(handle give "$mount" "$scratch/gone")" 'Stale file handle' "the same after a remount"
umount_store
