#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a cartridge as granary-cartridge(5) describes it, with nothing but Python's library.

  read-cartridge.py FOLDER            a line for each object and each attribute
  read-cartridge.py FOLDER P N        the bytes of block N of partition P
"""
import os
import re
import struct
import sys

PAGE = 4096
STRETCH = 1 << 20


def make_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = make_table()


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Damaged(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Damaged(what)


def read_file(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        check(self.at + size <= len(self.data), "a record goes over the end")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value


def read_conf(folder):
    text = read_file(folder, "cartridge.conf").decode()
    check(text.startswith("# Granary cartridge"), "no cartridge.conf")
    body, last = text[: text.rindex("checksum")], text[text.rindex("checksum") :]
    check(last == 'checksum = "crc32c:%08x";\n' % crc32c(body.encode()), "cartridge.conf")
    conf = {}
    for name, value in re.findall(r"^(\w+) = (.*?);", body, re.M):
        numbers = [int(number) for number in re.findall(r"\b(\d+)L?\b", value)]
        if value.startswith('"'):
            conf[name] = value.strip('"')
        else:
            conf[name] = numbers if value.startswith("[") else numbers[0] if numbers else value
    check(conf["format"] == 1, "the format is another one")
    return conf


class Partition:
    """Objects as [size, flags, description] in order, 0 as the size of a filemark."""

    def __init__(self, folder, number, conf):
        self.number, self.conf = number, conf
        self.objects, self.checksums, self.descriptions = [], [], {}
        self.tail, self.size, self.stale = 0, 0, False
        self.data = read_file(folder, "p%d.data" % number)
        self.read_index(read_file(folder, "p%d.idx" % number))
        self.place()

    def read_index(self, index):
        pages, good, chain = [], 0, 0
        for number in range(len(index) // PAGE):
            page = index[number * PAGE : (number + 1) * PAGE]
            magic, checksum, own, _, used, flags, _ = struct.unpack("<IIQQHHI", page[:32])
            if magic != 0x58445047 or own != number or crc32c(page[8:], chain) != checksum:
                break
            chain = checksum
            pages.append(page[32 : 32 + used])
            if flags & 1:
                good = number + 1
        check(good > 0, "the index has no commit")
        for page in pages[:good]:
            cursor = Cursor(page)
            while cursor.at < len(page):
                self.record(cursor)
        if self.stale:
            self.objects, self.checksums, self.tail, self.size = [], [], 0, 0

    def record(self, c):
        kinds = {1: self.file, 2: self.blocks, 3: self.blocks_with, 4: self.filemarks,
                 5: self.truncate, 6: self.description, 7: self.stretches, 8: self.commit}
        kind = c.number(1)
        check(kind in kinds, "an unknown record")
        kinds[kind](c)

    def file(self, c):
        check(c.number(2) == 1, "the index has another format")
        check(c.number(1) == self.number, "the index is of another partition")
        check(c.take(16).hex() == self.conf["uuid"].replace("-", ""), "of another cartridge")
        epoch = c.number(8)
        check(epoch <= self.conf["epoch"], "the epoch is of the future")
        self.stale = epoch < self.conf["epoch"]

    def blocks(self, c):
        size, count = c.varint(), c.varint()
        self.objects += [(size, 0, 0)] * count

    def blocks_with(self, c):
        size, count, flags, extra = c.varint(), c.varint(), c.varint(), c.varint()
        check(extra == 0 or extra in self.descriptions, "an unknown description")
        self.objects += [(size, flags, extra)] * count

    def filemarks(self, c):
        self.objects += [(0, 0, 0)] * c.varint()

    def truncate(self, c):
        del self.objects[c.varint() :]
        del self.checksums[sum(size for size, _, _ in self.objects) // STRETCH :]

    def description(self, c):
        number, size = c.varint(), c.varint()
        self.descriptions[number] = c.take(size)

    def stretches(self, c):
        for _ in range(c.varint()):
            self.checksums.append(c.number(4))

    def commit(self, c):
        objects, filemarks, self.size, self.tail = struct.unpack("<QQQI", c.take(28))
        check(objects == len(self.objects), "objects of a commit")
        check(filemarks == sum(size == 0 for size, _, _ in self.objects), "its filemarks")
        check(self.size == sum(size for size, _, _ in self.objects), "its bytes")
        check(len(self.checksums) == self.size // STRETCH, "its checksums")

    def place(self):
        """Where each object begins; the partition ends before a block that is not wholly there."""
        offset, self.offsets = 0, []
        for number, (size, _, _) in enumerate(self.objects):
            if size and offset + size > len(self.data):
                print("partition %d ends at object %d" % (self.number, number), file=sys.stderr)
                del self.objects[number:]
                return
            self.offsets.append(offset)
            offset += size
        for number, wanted in enumerate(self.checksums + [self.tail]):
            stretch = self.data[number * STRETCH : min((number + 1) * STRETCH, self.size)]
            check(crc32c(stretch) == wanted, "stretch %d of p%d.data" % (number, self.number))

    def block(self, number):
        return self.data[self.offsets[number] : self.offsets[number] + self.objects[number][0]]


def read_memory(folder):
    best = (-1, [])
    for slot in (0, 1):
        data = read_file(folder, "mam.%d" % slot)
        if len(data) < 32:
            continue
        magic, version, generation, size, checksum, _ = struct.unpack("<IIQIIQ", data[:32])
        data = data[: 32 + size]
        zeroed = data[:20] + bytes(4) + data[24:]
        if magic != 0x4D414D47 or size != len(data) - 32 or crc32c(zeroed) != checksum:
            continue
        check(version == 1 and generation % 2 == slot, "the memory's version")
        attributes, cursor = [], Cursor(data[32:])
        while cursor.at < size:
            partition, form, identifier = cursor.number(1), cursor.number(1), cursor.number(2)
            attributes.append((partition, form, identifier, cursor.take(cursor.number(2))))
        best = max(best, (generation, attributes))
    return best[1]


def of_partition(identifier):
    return identifier <= 1 or 0x800 <= identifier <= 0x80C


def print_partition(partition, memory):
    for number, (size, flags, extra) in enumerate(partition.objects):
        if size == 0:
            print(partition.number, number, "filemark")
        else:
            print(partition.number, number, "block", size, "%08x" % crc32c(partition.block(number)),
                  flags, extra)
    sys.stdout.flush()
    for owner, form, identifier, value in sorted(memory, key=lambda entry: entry[2]):
        if owner == (partition.number if of_partition(identifier) else 0):
            line = "%d attribute %04x %d " % (partition.number, identifier, form)
            sys.stdout.buffer.write(line.encode() + value.split(b"\0")[0] + b"\n")
            sys.stdout.buffer.flush()


def main():
    folder = sys.argv[1]
    conf = read_conf(folder)
    partitions = [Partition(folder, n, conf) for n in range(len(conf["partitions"]))]
    if len(sys.argv) == 4:
        sys.stdout.buffer.write(partitions[int(sys.argv[2])].block(int(sys.argv[3])))
        return 0
    memory = read_memory(folder)
    for partition in partitions:
        print_partition(partition, memory)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Damaged as damage:
        sys.exit("read-cartridge.py: " + str(damage))
