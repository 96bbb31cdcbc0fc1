#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a file out of a store without any of Granary's code.

usage: read-store.py [--tails] STORE PATH > FILE
                                            a regular file or a symbolic link's target
       read-store.py [--tails] STORE --list every path with type, size and SHA-256

Written from granary-format(5) alone, with Python's standard library and the zstd
program: where it and the page disagree, the page is wrong. The store must not be
mounted. Every chunk is checked against its fingerprint, unless its pack's beginning is
damaged or --tails asks to read all packs from their ends alone.
"""

import hashlib
import os
import re
import sqlite3
import stat
import struct
import subprocess
import sys

PACK_MAGIC = 0x4B4341504E415247
SEGMENT_MAGIC = 0x4745534E41524721
HOLE_PART = 1 << 20


class Damaged(Exception):
    pass


class Bytes:
    """A cursor over a node: little-endian integers and LEB128 varints."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def signed(self):
        raw = self.varint()
        return raw >> 1 if raw & 1 == 0 else -(raw >> 1) - 1


def lz4_block(data, size):
    out, at = bytearray(), 0

    def length(start):
        nonlocal at
        total = start
        if start == 15:
            while True:
                at += 1
                total += data[at - 1]
                if data[at - 1] != 255:
                    break
        return total

    while True:
        token = data[at]
        at += 1
        literals = length(token >> 4)
        out += data[at : at + literals]
        at += literals
        if at >= len(data):
            break
        distance = data[at] | data[at + 1] << 8
        at += 2
        match = length(token & 15) + 4
        for _ in range(match):
            out.append(out[-distance])
    if len(out) != size:
        raise Damaged("an LZ4 region has %d bytes instead of %d" % (len(out), size))
    return bytes(out)


def zstd_frame(data, size):
    done = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True)
    if len(done.stdout) != size:
        raise Damaged("a zstd region has %d bytes instead of %d" % (len(done.stdout), size))
    return done.stdout


def raw(data, size):
    if len(data) != size:
        raise Damaged("a raw region has the wrong size")
    return data


CODECS = {0: raw, 1: lz4_block, 2: zstd_frame}


class Pack:
    def __init__(self, number, segment, offset, length, tails):
        self.number, self.segment, self.base, self.cache = number, segment, offset, {}
        header = None if tails else self.header(offset)
        directory = self.read_directory(*header) if header else None
        again = header or self.header(offset + length - 128)
        if not again:
            raise Damaged("pack %d: neither header is that of this pack" % number)
        self.regions, self.slots = self.read_tail(offset + length - 128, *again)
        self.fingerprints = None
        if directory and directory[:2] == (self.regions, self.slots):
            self.fingerprints = directory[2]

    def header(self, at):
        head = os.pread(self.segment, 128, at)
        magic, fmt, _kind, fingerprint, cipher = struct.unpack_from("<QHBBB", head, 0)
        pack, _version, regions, slots, directory, _length, _raw = struct.unpack_from("<QIIIIQQ", head, 16)
        (tail,) = struct.unpack_from("<I", head, 96)
        if magic != PACK_MAGIC or fmt != 2 or pack != self.number or fingerprint != 1 or cipher != 0:
            return None
        return regions, slots, directory, tail

    def read_directory(self, regions, slots, directory, _tail):
        table = os.pread(self.segment, directory, self.base + 128)
        layout, fingerprints, region = [], [], -1
        for s in range(slots):
            at = 24 * regions + 40 * s
            start, packed = struct.unpack_from("<II", table, at)
            if packed >> 24 & 1:
                region += 1
            layout.append((region, start, packed & 0xFFFFFF))
            fingerprints.append(table[at + 8 : at + 40])
        return [struct.unpack_from("<IIIB", table, 24 * r) for r in range(regions)], layout, fingerprints

    def read_tail(self, end, regions, slots, _directory, size):
        table = os.pread(self.segment, size, end - size)
        varints, layout, region, start = Bytes(table[24 * regions :]), [], -1, 0
        for _ in range(slots):
            packed = varints.varint()
            if packed & 1:
                region, start = region + 1, 0
            if packed & 2:
                start = varints.varint()
            layout.append((region, start if packed >> 2 else 0, packed >> 2))
            start += packed >> 2
        return [struct.unpack_from("<IIIB", table, 24 * r) for r in range(regions)], layout

    def region(self, number):
        if number not in self.cache:
            offset, stored, size, codec = self.regions[number]
            data = os.pread(self.segment, stored, self.base + offset)
            self.cache = {number: CODECS[codec](data, size)}
        return self.cache[number]

    def chunk(self, slot):
        region, start, size = self.slots[slot]
        data = self.region(region)[start : start + size]
        if self.fingerprints and hashlib.sha256(data).digest() != self.fingerprints[slot]:
            raise Damaged("a chunk does not have its fingerprint")
        return data


class Store:
    def __init__(self, folder, tails):
        self.folder, self.tails = folder, tails
        with open(os.path.join(folder, "store.conf"), encoding="ascii") as conf:
            self.conf = dict(re.findall(r'^(\w+)\s*=\s*"?([^";]*)"?;?\s*$', conf.read(), re.M))
        if self.conf["format"] != "2":
            raise Damaged("store format %s is not known" % self.conf["format"])
        uri = "file:%s?mode=ro" % os.path.abspath(os.path.join(folder, "catalogue.sqlite"))
        self.catalogue = sqlite3.connect(uri, uri=True)
        self.segments, self.packs = {}, {}

    def one(self, query, *values):
        return self.catalogue.execute(query, values).fetchone()

    def segment(self, number):
        if number not in self.segments:
            path = os.path.join(self.folder, "segments", "%02d" % (number % 100), "%010d.seg" % number)
            self.segments[number] = os.open(path, os.O_RDONLY)
            magic, fmt, _, written = struct.unpack("<QIIQ", os.pread(self.segments[number], 24, 0))
            if magic != SEGMENT_MAGIC or fmt != 2 or written != number:
                raise Damaged("segment %d: the header is not that of this segment" % number)
        return self.segments[number]

    def chunk(self, pack, slot):
        damaged = self.one("SELECT heal_pack, heal_slot FROM damage WHERE pack=? AND slot=?", pack, slot)
        if damaged and damaged[0]:
            pack, slot = damaged
        if pack not in self.packs:
            row = self.one("SELECT segment, offset, length FROM pack WHERE pack=?", pack)
            if not row:
                raise Damaged("there is no pack %d" % pack)
            if len(self.packs) > 64:
                self.packs.clear()
            self.packs[pack] = Pack(pack, self.segment(row[0]), row[1], row[2], self.tails)
        return self.packs[pack].chunk(slot)

    def extents(self, data):
        """The bytes that a node and those below it stand for."""
        node = Bytes(data)
        magic, version, level, count = node.byte(), node.byte(), node.byte(), node.varint()
        if magic != 0xA7 or version != 1:
            raise Damaged("a file-map node has the wrong magic")
        pack = slot = 0
        for _ in range(count):
            length = node.varint()
            kind, skip = length & 3, 0
            if level > 0:
                node.varint()
            else:
                length >>= 2
            if level > 0 or kind >= 2:
                pack += node.signed()
                slot += node.signed()
            if level == 0 and kind == 3:
                skip = node.varint()
            if level > 0:
                yield from self.extents(self.chunk(pack, slot))
            elif kind == 0:
                for at in range(0, length, HOLE_PART):
                    yield bytes(min(HOLE_PART, length - at))
                continue
            else:
                yield self.chunk(pack, slot)[skip : skip + length]
            slot += 1

    def contents(self, inode):
        size, blob = self.one("SELECT size, map FROM inode WHERE inode=?", inode)
        left = size
        for part in self.mapped(blob):
            yield part[:left]
            left -= len(part[:left])
        while left > 0:  # a file may end in a hole that its map leaves out
            yield bytes(min(HOLE_PART, left))
            left -= min(HOLE_PART, left)

    def mapped(self, blob):
        if not blob or blob[0] == 0:
            return iter(())
        if blob[0] == 1:
            return self.extents(blob[1:])
        root = Bytes(blob[1:])
        _level, pack, slot = root.varint(), root.varint(), root.varint()
        return self.extents(self.chunk(pack, slot))

    def find(self, path):
        inode = 1
        for name in path.strip("/").split("/"):
            row = self.one("SELECT inode FROM entry WHERE parent=? AND name=?", inode, os.fsencode(name))
            if not row:
                raise FileNotFoundError(path)
            inode = row[0]
        return inode

    def list(self, inode, path):
        query = "SELECT name, inode FROM entry WHERE parent=? ORDER BY name"
        for name, child in self.catalogue.execute(query, (inode,)).fetchall():
            here = path + b"/" + name
            mode, size = self.one("SELECT mode, size FROM inode WHERE inode=?", child)
            digest = "-"
            if stat.S_ISREG(mode):
                sha = hashlib.sha256()
                for part in self.contents(child):
                    sha.update(part)
                digest = sha.hexdigest()
            sys.stdout.buffer.write(b"%s %d %s %s\n" % (stat.filemode(mode)[:1].encode(), size, digest.encode(), here))
            if stat.S_ISDIR(mode):
                self.list(child, here)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--tails"]
    if len(arguments) != 2:
        sys.exit(__doc__)
    store = Store(arguments[0], "--tails" in sys.argv)
    if arguments[1] == "--list":
        store.list(1, b"")
        return
    inode = store.find(arguments[1])
    mode, target = store.one("SELECT mode, map FROM inode WHERE inode=?", inode)
    if stat.S_ISLNK(mode):
        sys.stdout.buffer.write(target + b"\n")
        return
    for part in store.contents(inode):
        sys.stdout.buffer.write(part)


if __name__ == "__main__":
    try:
        main()
    except (Damaged, FileNotFoundError, IndexError, struct.error) as error:
        sys.exit("read-store: %s: %s" % (sys.argv[-2], error))
