#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dumped.py PID TEXT...: how often each text is in that process' memory: in what a core dump would
have, and in what is left out of it (the flag "dd" of proc(5)). Exit status 77 where nobody may look, and
for a program with sanitizers, whose heap and shadow are terabytes of addresses."""
import re
import sys

SANITIZER = 1 << 40


def regions(pid):
    """Each writable mapping: first and last address, and whether a core dump would have it."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as smaps:
        for line in smaps:
            mapping = re.match(r"([0-9a-f]+)-([0-9a-f]+) (....) ", line)
            if mapping:
                begin, end, mode = int(mapping[1], 16), int(mapping[2], 16), mapping[3]
            elif line.startswith("VmFlags:") and mode.startswith("rw"):
                yield begin, end, "dd" not in line.split()


def main():
    pid, texts = sys.argv[1], [text.encode() for text in sys.argv[2:]]
    counts = {text: [0, 0] for text in texts}
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            mappings = list(regions(pid))
            if any(end - begin >= SANITIZER for begin, end, dumped in mappings):
                print("there is a sanitizer's heap")
                sys.exit(77)
            for begin, end, dumped in mappings:
                memory.seek(begin)
                data = b""
                while len(data) < end - begin:
                    piece = memory.read(end - begin - len(data))
                    if not piece:
                        break
                    data += piece
                for text in texts:
                    counts[text][not dumped] += data.count(text)
    except PermissionError as error:
        print(error)
        sys.exit(77)
    for text in texts:
        print(text.decode(), *counts[text])


main()
