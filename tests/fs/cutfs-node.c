/* SPDX-License-Identifier: MIT */
/*
 * Contents of cutfs files: the live bytes, the durable ones, and the list of
 * changes between them. Invariant: applying `pending` in order to `durable`
 * gives `live`.
 */
#include "tests/fs/cutfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

#define BUFFER_STEP (UINT64_C(1) << 20)
#define FILE_MAX    (UINT64_C(1) << 36)

struct cutfs_node *cutfs_node_new(mode_t mode, uid_t uid, gid_t gid)
{
	struct cutfs_node *node = mem_zalloc(sizeof(*node));
	node->number = ++cutfs.last_number;
	node->attr.st_ino = node->number;
	node->attr.st_mode = mode;
	node->attr.st_uid = uid;
	node->attr.st_gid = gid;
	node->attr.st_blksize = CUTFS_BLOCK;
	clock_gettime(CLOCK_REALTIME, &node->attr.st_mtim);
	node->attr.st_atim = node->attr.st_ctim = node->attr.st_mtim;
	STAILQ_INIT(&node->pending);
	LIST_INSERT_HEAD(&cutfs.nodes, node, all);
	return node;
}

void cutfs_buffer_free(struct cutfs_buffer *buffer)
{
	if (buffer->data != NULL)
		munmap(buffer->data, buffer->room);
	*buffer = (struct cutfs_buffer){NULL, 0, 0};
}

static void pending_free(struct cutfs_node *node)
{
	struct cutfs_write *write;
	while ((write = STAILQ_FIRST(&node->pending)) != NULL) {
		STAILQ_REMOVE_HEAD(&node->pending, next);
		free(write);
	}
}

void cutfs_node_settle(struct cutfs_node *node)
{
	if (node->users > 0)
		return;
	if (node->attr.st_nlink == 0) { /* its space is free, although the disk may know it */
		cutfs.used -= node->allocated;
		node->allocated = 0;
		free(node->blocks);
		node->blocks = NULL;
		node->block_room = 0;
	}
	if (node->attr.st_nlink > 0 || node->held > 0)
		return;
	LIST_REMOVE(node, all);
	pending_free(node);
	cutfs_buffer_free(&node->live);
	cutfs_buffer_free(&node->durable);
	cutfs_names_free(&node->names);
	cutfs_names_free(&node->durable_names);
	free(node->target);
	free(node->label);
	free(node);
}

/* ---- buffers ---- */

void cutfs_buffer_resize(struct cutfs_buffer *buffer, uint64_t size)
{
	if (size < buffer->size) {
		cutfs_buffer_punch(buffer, size, buffer->size - size);
	} else if (size > buffer->room) {
		uint64_t room = (size + size / 4 + BUFFER_STEP - 1) / BUFFER_STEP * BUFFER_STEP;
		void *data = buffer->data == NULL
				     ? mmap(NULL, room, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
				     : mremap(buffer->data, buffer->room, room, MREMAP_MAYMOVE);
		ASSERT(data != MAP_FAILED);
		buffer->data = data;
		buffer->room = room;
	}
	buffer->size = size;
}

/* Zeros, given back to the kernel where they fill pages. */
void cutfs_buffer_punch(struct cutfs_buffer *buffer, uint64_t offset, uint64_t length)
{
	if (offset >= buffer->size)
		return;
	if (length > buffer->size - offset)
		length = buffer->size - offset;
	uint64_t end = offset + length;
	uint64_t first = (offset + CUTFS_BLOCK - 1) / CUTFS_BLOCK * CUTFS_BLOCK;
	uint64_t last = end / CUTFS_BLOCK * CUTFS_BLOCK;
	if (first >= last) {
		memset(buffer->data + offset, 0, length);
		return;
	}
	memset(buffer->data + offset, 0, first - offset);
	memset(buffer->data + last, 0, end - last);
	ASSERT(madvise(buffer->data + first, last - first, MADV_DONTNEED) == 0);
}

static void buffer_apply(struct cutfs_buffer *buffer, const struct cutfs_write *write)
{
	switch (write->kind) {
	case CUTFS_DATA:
		if (write->offset + write->length > buffer->size)
			cutfs_buffer_resize(buffer, write->offset + write->length);
		memcpy(buffer->data + write->offset, write->data, write->length);
		break;
	case CUTFS_RESIZE:
		cutfs_buffer_resize(buffer, write->length);
		break;
	case CUTFS_HOLE:
		cutfs_buffer_punch(buffer, write->offset, write->length);
		break;
	}
}

/* ---- space ---- */

int cutfs_node_allocate(struct cutfs_node *node, uint64_t offset, uint64_t length)
{
	uint64_t first = offset / CUTFS_BLOCK;
	uint64_t last = (offset + length + CUTFS_BLOCK - 1) / CUTFS_BLOCK, need = 0;
	if (last > node->block_room) {
		uint64_t room = last + last / 4 + 16;
		node->blocks = realloc(node->blocks, room);
		ASSERT(node->blocks != NULL);
		memset(node->blocks + node->block_room, 0, room - node->block_room);
		node->block_room = room;
	}
	for (uint64_t i = first; i < last; i++)
		need += !node->blocks[i];
	if (cutfs.quota != 0 && need > 0 && cutfs.used + need * CUTFS_BLOCK > cutfs.quota)
		return -ENOSPC;
	if (last > first)
		memset(node->blocks + first, 1, last - first);
	node->allocated += need * CUTFS_BLOCK;
	cutfs.used += need * CUTFS_BLOCK;
	return 0;
}

static void node_release(struct cutfs_node *node, uint64_t offset, uint64_t end)
{
	uint64_t first = (offset + CUTFS_BLOCK - 1) / CUTFS_BLOCK, last = end / CUTFS_BLOCK;
	for (uint64_t i = first; i < last && i < node->block_room; i++) {
		if (!node->blocks[i])
			continue;
		node->blocks[i] = 0;
		node->allocated -= CUTFS_BLOCK;
		cutfs.used -= CUTFS_BLOCK;
	}
}

/* ---- changing ---- */

static int node_change(struct cutfs_node *node, enum cutfs_kind kind, uint64_t offset,
		       uint64_t length, const void *data)
{
	size_t payload = kind == CUTFS_DATA ? length : 0;
	struct cutfs_write *write = mem_try_alloc(1, sizeof(*write) + payload);
	if (write == NULL)
		return -ENOMEM;
	*write = (struct cutfs_write){.kind = kind, .offset = offset, .length = length};
	if (payload > 0)
		memcpy(write->data, data, payload);
	STAILQ_INSERT_TAIL(&node->pending, write, next);
	buffer_apply(&node->live, write);
	clock_gettime(CLOCK_REALTIME, &node->attr.st_mtim);
	node->attr.st_ctim = node->attr.st_mtim;
	return 0;
}

bool cutfs_fault_due(struct cutfs_fault *fault, const struct cutfs_node *node, const char *what)
{
	if (fault->countdown == 0)
		return false;
	if (fault->countdown > 1) {
		fault->countdown--;
		return false;
	}
	if (!fault->goes_on)
		fault->countdown = 0;
	fprintf(stderr, "cutfs: EIO for a %s of %s\n", what, node->label ? node->label : "/");
	return true;
}

int cutfs_node_write(struct cutfs_node *node, uint64_t offset, const void *data, size_t size)
{
	cutfs.writes++;
	if (offset > FILE_MAX - size)
		return -EFBIG;
	if (cutfs_fault_due(&cutfs.write_fault, node, "write"))
		return -EIO;
	int error = cutfs_node_allocate(node, offset, size);
	return error != 0 ? error : node_change(node, CUTFS_DATA, offset, size, data);
}

int cutfs_node_resize(struct cutfs_node *node, uint64_t size)
{
	if (size > FILE_MAX)
		return -EFBIG;
	node_release(node, size, node->block_room * CUTFS_BLOCK);
	return node_change(node, CUTFS_RESIZE, 0, size, NULL);
}

void cutfs_node_punch(struct cutfs_node *node, uint64_t offset, uint64_t length)
{
	node_release(node, offset, offset + length);
	(void)node_change(node, CUTFS_HOLE, offset, length, NULL);
}

int cutfs_node_sync(struct cutfs_node *node)
{
	cutfs.syncs++;
	bool failed = cutfs_fault_due(&cutfs.sync_fault, node, "sync");
	struct cutfs_write *write;
	while ((write = STAILQ_FIRST(&node->pending)) != NULL) {
		STAILQ_REMOVE_HEAD(&node->pending, next);
		if (!failed)
			buffer_apply(&node->durable, write);
		free(write);
	}
	return failed ? -EIO : 0;
}
