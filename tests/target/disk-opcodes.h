/* SPDX-License-Identifier: MIT */
/* What the disk of disk.h has besides SBC; apart, as libiscsi has names of its own for the rest. */
#ifndef TESTS_TARGET_DISK_OPCODES_H
#define TESTS_TARGET_DISK_OPCODES_H

#define DISK_BLOCK 512u
/* Waits on the worker: byte 2 and 3 are milliseconds. */
#define DISK_SLEEP 0xc0
/* Data-in of bytes 2 to 5 (what lies in the disk from 0 on, without a copy), then, when byte 6 is
 * set, a CHECK CONDITION; data-out of any size is taken and dropped. */
#define DISK_RAW_READ  0xc1
#define DISK_RAW_WRITE 0xc2

#endif
