#!/bin/bash
# SPDX-License-Identifier: MIT
# mkfs.granary makes a store that checks clean, in a missing or empty folder, with what was asked for.
. "${top_srcdir:-.}/tests/functions.sh"

expect_status 0 mkfs.granary --reserve=1M "$scratch/new"
expect_output 'a store of format 2'
expect_status 0 fsck.granary "$scratch/new"

mkdir -p "$scratch/empty/lost+found"
uuid=01234567-89ab-cdef-0123-456789abcdef
expect_status 0 mkfs.granary -q -r 1M -u $uuid -a 32K -c best -s 64M "$scratch/empty"
[ ! -s "$scratch/output" ] || fail "--quiet says something"
expect_status 0 fsck.granary --dump "$scratch/empty"
expect_output "uuid $uuid"
expect_output 'chunks 32768 bytes'
expect_output 'segments 67108864 bytes, compression best, reserve 1048576'
