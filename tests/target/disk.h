/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory (SBC), for tests alone: the protocol suites of other people want
 * one, and what they test is the transport. It also has two vendor's opcodes that
 * a test of the transport can use.
 */
#ifndef TESTS_TARGET_DISK_H
#define TESTS_TARGET_DISK_H

#include "target/scsi/scsi.h"
#include "tests/target/disk-opcodes.h"

/* 0 or -errno. The disk's bytes go with disk_free(). */
int disk_new(uint32_t blocks, struct scsi_lu **lu);
void disk_free(struct scsi_lu **lu);
/* The disk's bytes, and how often DISK_SLEEP has begun. */
uint8_t *disk_data(struct scsi_lu *lu);
unsigned disk_sleeps(struct scsi_lu *lu);
/* Ends the sleep that runs, or the next one. */
void disk_wake(struct scsi_lu *lu);

#endif
