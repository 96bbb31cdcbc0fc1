/* SPDX-License-Identifier: MIT */
/* Remote: the tape in a drive of an iSCSI library, in blocks of any size. */
#ifndef TARGET_TOOL_REMOTE_H
#define TARGET_TOOL_REMOTE_H

#include "target/tool/initiator.h"
#include "target/tool/reserve.h"
#include "target/tool/source.h"

struct remote {
	struct initiator *initiator;
	struct reserve reserve;
	uint8_t *data;
	uint32_t capacity;
	char trouble[256];
};

/* Logs in, reserves the drive for this session, waits until the drive is ready, and has it take blocks of any size. -errno, with a complaint. */
int remote_open(struct remote *r, const struct tool_call *call, const char *url);
void remote_close(struct remote *r);
#define CLEANUP_REMOTE __attribute__((cleanup(remote_close)))

/* Each returns 0 or -EIO, and says in trouble why. */
int remote_rewind(struct remote *r);
/* To the beginning of a partition. */
int remote_partition(struct remote *r, unsigned partition);
/* All attributes of the medium, as READ ATTRIBUTE lists them from the first on, as one to begin with has to
 * exist; none where the drive does
 * not know them. The caller's, by free(). */
int remote_attributes(struct remote *r, unsigned partition, uint8_t **list, size_t *size);
int remote_end_of_data(struct remote *r);
/* -ENXIO: the tape has fewer. */
int remote_skip_files(struct remote *r, uint32_t count);
/* The next block, filemark or end; grows its buffer for a block that is larger than any before. */
int remote_read(struct remote *r, struct source_item *item);
/* *full: it was written, and there is room for little more. -ENOSPC: it was not. */
int remote_write(struct remote *r, const void *data, uint32_t size, bool *full);
int remote_filemark(struct remote *r);

#endif
