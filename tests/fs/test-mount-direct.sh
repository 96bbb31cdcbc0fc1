#!/bin/bash
# SPDX-License-Identifier: MIT
# What is written through a handle that can only write, and so past the kernel's page cache, is
# seen at once by whoever has read or mapped the file before; and takes its set-user-ID bit away.
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3

mount_store
timeout 1200 python3 - "$mount" <<'END'
import mmap, os, signal, sys

PAGE = 4096
path = sys.argv[1] + "/file"

# Pages that a reader who has gone has left behind.
with open(path, "wb") as f:
    f.write(b"a" * 4 * PAGE)
with open(path, "rb") as f:
    f.read()
writer = os.open(path, os.O_WRONLY)
os.pwrite(writer, b"b" * PAGE, PAGE)
with open(path, "rb") as f:
    assert f.read() == b"a" * PAGE + b"b" * PAGE + b"a" * 2 * PAGE, "pages of a reader who has gone"

# Readers and a shared mapping from while the file is written; others fetch pages all the time.
reader = os.open(path, os.O_RDONLY)
shared = mmap.mmap(reader, 4 * PAGE, mmap.MAP_SHARED, mmap.PROT_READ)
def fetch():
    fd = os.open(path, os.O_RDONLY)
    while True:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.pread(fd, 4 * PAGE, 0)
fetchers = []
for _ in range(3):
    fetchers.append(os.fork())
    if fetchers[-1] == 0:
        fetch()
try:
    for i in range(2000):
        data = bytes([i % 251]) * 3000
        at = 2000 + i % 1000
        os.pwrite(writer, data, at)
        assert os.pread(reader, 3000, at) == data, "read after write %d" % i
        assert shared[at:at + 3000] == data, "mapping after write %d" % i
    # An end that moves within a page.
    for i in range(400):
        end = os.fstat(writer).st_size
        os.pwrite(writer, b"line %06d\n" % i, end)
        assert os.pread(reader, 100, end) == b"line %06d\n" % i, "line %d" % i
finally:
    for pid in fetchers:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
os.close(writer)

# Another that is opened before is not passed by, and both kinds end well.
writer = os.open(path, os.O_WRONLY | os.O_DSYNC)
os.pwrite(writer, b"end", 0)
assert os.pread(reader, 3, 0) == b"end" and shared[:3] == b"end"
os.close(writer)

if os.getuid() == 0:
    os.chmod(path, 0o6777)
    os.chmod(sys.argv[1], 0o755)
    if os.fork() == 0:
        os.setgid(65534)
        os.setuid(65534)
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, b"x")
        os._exit(0)
    assert os.wait()[1] == 0
    mode = os.stat(path).st_mode & 0o7777
    assert mode == 0o777, "mode %o after a write by another user" % mode
END
umount_store
