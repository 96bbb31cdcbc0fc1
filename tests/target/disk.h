/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory (SBC), for tests alone: the protocol suites of other people want
 * one, and what they test is the transport. It also has two vendor's opcodes that
 * a test of the transport can use.
 */
#ifndef TESTS_TARGET_DISK_H
#define TESTS_TARGET_DISK_H

#include "target/scsi/scsi.h"

#define DISK_BLOCK 512u
/* Waits on the worker: byte 2 and 3 are milliseconds. */
#define DISK_SLEEP 0xc0
/* Data-in of bytes 2 to 5 (what lies in the disk from 0 on, without a copy), then, when byte 6 is
 * set, a CHECK CONDITION; data-out of any size is taken and dropped. */
#define DISK_RAW_READ  0xc1
#define DISK_RAW_WRITE 0xc2

/* 0 or -errno. The disk's bytes go with disk_free(). */
int disk_new(uint32_t blocks, struct scsi_lu **lu);
void disk_free(struct scsi_lu **lu);
/* The disk's bytes, and how often DISK_SLEEP has begun. */
uint8_t *disk_data(struct scsi_lu *lu);
unsigned disk_sleeps(struct scsi_lu *lu);

#endif
