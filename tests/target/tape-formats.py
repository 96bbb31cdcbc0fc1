#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tapes in the formats of others, written and read independently of granary-tape.

  tape-formats.py make FORMAT PATH [WHAT]   simh, simh-odd (odd records not filled up), aws, tgt,
                                            mhvtl, mhvtl-parted, mhvtl-zlib
  tape-formats.py list FILE.tap             each block and filemark of a SIMH file: kind, size, CRC
  tape-formats.py list-tape [WHAT]          the same of what "make" writes

WHAT is the tape: "mixed" (default), "empty", "marks", or a file whose bytes become blocks of 10240.
"""
import os
import random
import struct
import sys
import zlib

FILEMARK = None


def tape(what):
    rng = random.Random(7)
    if what == "empty":
        return []
    if what == "marks":
        return [FILEMARK] * 5
    if what != "mixed":
        with open(what, "rb") as f:
            data = f.read()
        return [data[i:i + 10240] for i in range(0, len(data), 10240)] + [FILEMARK]
    items = []
    for size, count in ((512, 40), (1, 3), (65536, 5), (10240, 1), (333, 7), (70001, 2), (262144, 1)):
        items += [rng.randbytes(size) for _ in range(count)]
        items.append(FILEMARK)
    return items + [FILEMARK, b"behind two filemarks"]


def simh(items, odd_filled):
    out = b""
    for item in items:
        if item is FILEMARK:
            out += struct.pack("<I", 0)
            continue
        fill = b"\0" if odd_filled and len(item) % 2 else b""
        out += struct.pack("<I", len(item)) + item + fill + struct.pack("<I", len(item))
    return out + struct.pack("<I", 0xffffffff)


def aws(items):
    out, previous = b"", 0
    for item in items:
        if item is FILEMARK:
            out += struct.pack("<HHBB", 0, previous, 0x40, 0)
            previous = 0
            continue
        chunks = [item[i:i + 65535] for i in range(0, len(item), 65535)]
        for n, chunk in enumerate(chunks):
            flags = (0x80 if n == 0 else 0) | (0x20 if n == len(chunks) - 1 else 0)
            out += struct.pack("<HHBB", len(chunk), previous, flags, 0) + chunk
            previous = len(chunk)
    return out


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def tgt(items):
    def head(stored, size, kind, number, previous, current, following):
        rest = struct.pack(">IIIQQQQ", stored, size, kind, number, previous, current, following)
        return struct.pack("<I", crc32c(rest)) + rest

    at = 48 + 1104
    out = head(0, 64, 0x10, 0, 0, 0, at) + bytes(1104)
    previous = 0
    for number, item in enumerate(items, 1):
        size = 0 if item is FILEMARK else len(item)
        kind = 0x40 if item is FILEMARK else 0x02
        out += head(size, size, kind, number, previous, at, at + 48 + size) + (item or b"")
        previous, at = at, at + 48 + size
    return out + head(0, 0, 0x20, len(items) + 1, previous, at, at)


def mhvtl(path, items, parted, packed):
    os.mkdir(path)
    index, data, marks = b"", b"", []
    for number, item in enumerate(items):
        if item is FILEMARK:
            fields, stored = (3, 0, 0, 0, 0), b""
            marks.append(number)
        else:
            stored = zlib.compress(item) if packed else item
            fields = (11, 8 | (1 if packed else 0), len(item), len(stored), zlib.crc32(item))
        kind, flags, size, stored_size, crc = fields
        words = [kind, flags, number] + ([1] if parted else []) + [size, stored_size, crc]
        record = struct.pack("<q%dI" % len(words), len(data), *words)
        index += record + bytes(512 - len(record))
        data += stored
    meta = struct.pack("<I", len(marks)) + bytes(508) + struct.pack("<%dI" % len(marks), *marks)
    for name, content in (("indx", index), ("data", data), ("meta", meta)):
        with open(os.path.join(path, name), "wb") as f:
            f.write(content)


def read_simh(path):
    with open(path, "rb") as f:
        data = f.read()
    at, items = 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        if length == 0xffffffff:
            break
        if length == 0:
            items.append(FILEMARK)
            continue
        items.append(data[at:at + length])
        at += length + length % 2
        assert struct.unpack_from("<I", data, at) == (length,), "lengths differ at %d" % at
        at += 4
    return items


def show(items):
    for item in items:
        if item is FILEMARK:
            print("filemark")
        else:
            print("block %d %08x" % (len(item), zlib.crc32(item)))


def main(argv):
    what = argv[4] if len(argv) > 4 else "mixed"
    if argv[1] == "list":
        show(read_simh(argv[2]))
    elif argv[1] == "list-tape":
        show(tape(argv[2] if len(argv) > 2 else "mixed"))
    elif argv[2].startswith("mhvtl"):
        mhvtl(argv[3], tape(what), argv[2] == "mhvtl-parted", argv[2] == "mhvtl-zlib")
    else:
        make = {"simh": lambda t: simh(t, True), "simh-odd": lambda t: simh(t, False),
                "aws": aws, "tgt": tgt}[argv[2]]
        with open(argv[3], "wb") as f:
            f.write(make(tape(what)))


main(sys.argv)
