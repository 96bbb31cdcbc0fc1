#!/bin/bash
# SPDX-License-Identifier: MIT
# What has been changed in a shared mapping, and the kernel has not written yet, is no hole to those
# who copy the file meanwhile; holes are told of again when nobody can change it in this way.
# Nor is what was just written into a hole.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3

mount_store
timeout 1200 python3 - "$mount" "$scratch" <<'END'
import atexit, errno, mmap, os, signal, subprocess, sys, time

SIZE = 8 << 20
changers = set()
atexit.register(lambda: [stop(pid) for pid in list(changers)])
path, copy = sys.argv[1] + "/file", sys.argv[2] + "/copy"

# Changes the mapping at `places` and waits; with `end` it lets go of it before.
def changer(places, end=None):
    ready, tell = os.pipe()
    pid = os.fork()
    if pid:
        os.close(tell)
        assert os.read(ready, 1) == b"r", "the one who maps has failed"
        os.close(ready)
        changers.add(pid)
        return pid
    atexit._clear()
    fd = os.open(path, os.O_RDWR)
    shared = mmap.mmap(fd, SIZE)
    if end == "close":
        os.close(fd)
    for place in places:
        shared[place:place + 5000] = bytes([1 + place % 251]) * 5000
    if end:
        shared.close()
    os.write(tell, b"r")
    signal.pause()

def stop(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    changers.discard(pid)

def wanted(places):
    data = bytearray(SIZE)
    for place in places:
        data[place:place + 5000] = bytes([1 + place % 251]) * 5000
    return bytes(data)

def same_copies(places, when):
    data = wanted(places)
    for command in (["cp", "--sparse=auto", path, copy], ["cp", "--sparse=never", path, copy],
                    ["cp", "--sparse=auto", path, path + ".copy"],
                    ["tar", "-C", os.path.dirname(path), "-Scf", copy, "file"]):
        subprocess.run(command, check=True)
        if command[0] == "tar":
            got = subprocess.run(["tar", "-xOf", copy], check=True, stdout=subprocess.PIPE).stdout
        else:
            with open(command[-1], "rb") as f:
                got = f.read()
            os.unlink(command[-1])
        assert got == data, f"{' '.join(command)}: bytes are missing while the file is {when}"
    with open(path, "rb") as f:
        assert f.read() == data, f"read(2) while the file is {when}"

def seek(whence, at=0):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.lseek(fd, at, whence)
    except OSError as e:
        return -e.errno
    finally:
        os.close(fd)

# The kernel tells of a handle's end a moment after it.
def in_time(holds, what):
    for _ in range(2400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(what)

def fresh():
    with open(path, "wb") as f:
        f.truncate(SIZE)

places = [0, 3 << 20, (5 << 20) + 777, SIZE - 5000]
fresh()
assert seek(os.SEEK_DATA) == -errno.ENXIO and seek(os.SEEK_HOLE) == 0, "an empty file is a hole"
pid = changer(places)
same_copies(places, "mapped")
assert seek(os.SEEK_HOLE) == SIZE, "a hole where there is one only at the end"
assert seek(os.SEEK_DATA, 12345) == 12345
assert seek(os.SEEK_DATA, SIZE) == -errno.ENXIO
stop(pid)
same_copies(places, "no longer mapped, its owner having been killed")
in_time(lambda: 0 < seek(os.SEEK_HOLE) <= 65536, "holes are not told of again")

# What is written into a hole counts at once: tar(1) takes a file without a block for zeros.
fresh()
os.stat(path)
with open(path, "r+b", buffering=0) as f:
    for place in places:
        f.seek(place)
        f.write(bytes([1 + place % 251]) * 5000)
same_copies(places, "just written")

for end in "close", "unmap":
    fresh()
    pid = changer(places, end)
    same_copies(places, f"unmapped after {end}")
    stop(pid)
    in_time(lambda: seek(os.SEEK_DATA, 65536) > 65536, f"holes are not told of again after {end}")

# Two of them, of which one goes.
fresh()
first, second = changer(places[:2]), changer(places[2:])
stop(first)
same_copies(places, "mapped by one who is left")
stop(second)
same_copies(places, "not mapped any more")
END
umount_store
fsck_store
