/* SPDX-License-Identifier: MIT */
/*
 * The image of a disk whose power went: durable names and bytes, plus what the
 * dice let through of that which was on its way. cutfs.h says by which rules.
 * Nothing of the live filesystem changes.
 */
#include "tests/fs/cutfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

static uint64_t dice;

static uint64_t dice_below(uint64_t limit)
{
	uint64_t z = (dice += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % limit;
}

/* ---- names ---- */

static void change_show(const struct cutfs_change *change)
{
	for (unsigned i = 0; i < change->count; i++)
		cutfs_names_set(&change->set[i].folder->image_names, change->set[i].name,
				change->set[i].node);
}

/* How much of a list of `count` changes is on the disk: often the ends, where mistakes are. */
static uint64_t dice_prefix(uint64_t count)
{
	switch (dice_below(4)) {
	case 0:
		return 0;
	case 1:
		return count;
	default:
		return dice_below(count + 1);
	}
}

static void names_show_journal(void)
{
	struct cutfs_change *change;
	uint64_t count = 0;
	STAILQ_FOREACH(change, &cutfs.changes, next)
		count++;
	count = dice_prefix(count);
	STAILQ_FOREACH(change, &cutfs.changes, next) {
		if (count-- == 0)
			break;
		change_show(change);
	}
}

/* A directory that has met a change which is not on the disk shows none after it. */
static void names_show_strict(void)
{
	struct cutfs_change *change;
	struct cutfs_node *node;
	LIST_FOREACH(node, &cutfs.nodes, all)
		node->marked = false;
	uint64_t chance = 1 + dice_below(9);
	STAILQ_FOREACH(change, &cutfs.changes, next) {
		bool lost = dice_below(10) >= chance;
		for (unsigned i = 0; i < change->count; i++)
			lost |= change->set[i].folder->marked;
		for (unsigned i = 0; lost && i < change->count; i++)
			change->set[i].folder->marked = true;
		if (!lost)
			change_show(change);
	}
}

static void names_show(void)
{
	struct cutfs_node *node;
	LIST_FOREACH(node, &cutfs.nodes, all) {
		if (S_ISDIR(node->attr.st_mode))
			cutfs_names_copy(&node->image_names, &node->durable_names);
	}
	if (cutfs.model == CUTFS_JOURNAL)
		names_show_journal();
	else
		names_show_strict();
}

/* ---- contents ---- */

/* What happens to the writes under way of one file. */
enum fate { FATE_NONE, FATE_ALL, FATE_FIRST, FATE_SCATTERED };

static enum fate dice_fate(void)
{
	static const enum fate fates[] = {FATE_NONE,	  FATE_ALL,	  FATE_FIRST,
					  FATE_FIRST,	  FATE_SCATTERED, FATE_SCATTERED,
					  FATE_SCATTERED, FATE_SCATTERED};
	return fates[dice_below(sizeof(fates) / sizeof(fates[0]))];
}

static void show_bytes(struct cutfs_buffer *image, const struct cutfs_write *write, uint64_t from,
		       uint64_t to)
{
	if (write->offset + to > image->size)
		cutfs_buffer_resize(image, write->offset + to);
	memcpy(image->data + write->offset + from, write->data + from, to - from);
}

/* Sector by sector: each one is written with a chance of `chance` in 8, in runs. */
static void show_scattered(struct cutfs_buffer *image, const struct cutfs_write *write,
			   uint64_t chance)
{
	uint64_t from = 0, run = 0;
	bool here = false;
	while (from < write->length) {
		uint64_t to = ((write->offset + from) / CUTFS_SECTOR + 1) * CUTFS_SECTOR;
		to = to - write->offset < write->length ? to - write->offset : write->length;
		if (run-- == 0) {
			here = dice_below(8) < chance;
			run = dice_below(16);
		}
		if (here)
			show_bytes(image, write, from, to);
		from = to;
	}
	/* The new size may be on the disk where the bytes are not. */
	if (dice_below(2) == 0 && write->offset + write->length > image->size)
		cutfs_buffer_resize(image, write->offset + write->length);
}

/* The first part of a write, up to a sector. */
static void show_torn(struct cutfs_buffer *image, const struct cutfs_write *write)
{
	uint64_t end = (write->offset + dice_below(write->length)) / CUTFS_SECTOR * CUTFS_SECTOR;
	if (end > write->offset)
		show_bytes(image, write, 0, end - write->offset);
}

static void show_write(struct cutfs_buffer *image, const struct cutfs_write *write,
		       enum fate fate, uint64_t chance)
{
	if (write->kind == CUTFS_RESIZE)
		cutfs_buffer_resize(image, write->length);
	else if (write->kind == CUTFS_HOLE)
		cutfs_buffer_punch(image, write->offset, write->length);
	else if (fate == FATE_SCATTERED)
		show_scattered(image, write, chance);
	else
		show_bytes(image, write, 0, write->length);
}

static void contents_show(const struct cutfs_node *node, struct cutfs_buffer *image)
{
	const struct cutfs_write *write;
	uint64_t count = 0, barriers = 0, chance = 1 + dice_below(7);
	enum fate fate = dice_fate();
	cutfs_buffer_resize(image, node->durable.size);
	if (image->size > 0)
		memcpy(image->data, node->durable.data, image->size);
	STAILQ_FOREACH(write, &node->pending, next) {
		count++;
		barriers += write->kind != CUTFS_DATA;
	}
	if (fate == FATE_NONE)
		return;
	count = fate == FATE_FIRST ? dice_prefix(count) : count;
	barriers = fate == FATE_SCATTERED ? dice_prefix(barriers) : barriers;
	STAILQ_FOREACH(write, &node->pending, next) {
		bool barrier = write->kind != CUTFS_DATA;
		if (count == 0 && fate == FATE_FIRST && !barrier)
			show_torn(image, write);
		if (count-- == 0 || (barrier && barriers-- == 0))
			break;
		show_write(image, write, fate, chance);
	}
}

/* ---- writing it down ---- */

static int write_file(const struct cutfs_node *node, const char *path)
{
	struct cutfs_buffer image = {NULL, 0, 0};
	contents_show(node, &image);
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int error = fd < 0 ? -errno : 0;
	static const uint8_t zeros[1 << 16];
	for (uint64_t at = 0; error == 0 && at < image.size; at += sizeof(zeros)) {
		uint64_t n = image.size - at < sizeof(zeros) ? image.size - at : sizeof(zeros);
		if (memcmp(image.data + at, zeros, n) != 0)
			error = file_pwrite(fd, image.data + at, n, at);
	}
	if (error == 0 && (ftruncate(fd, (off_t)image.size) < 0 ||
			   fchmod(fd, node->attr.st_mode & 07777) < 0))
		error = -errno;
	cutfs_buffer_free(&image);
	return error;
}

static int write_folder(const struct cutfs_node *folder, const char *path)
{
	if (mkdir(path, (folder->attr.st_mode & 07777) | 0700) < 0)
		return -errno;
	int error = 0;
	for (size_t i = 0; error == 0 && i < folder->image_names.count; i++) {
		const struct cutfs_name *entry = &folder->image_names.list[i];
		CLEANUP_FREE char *child = mem_printf("%s/%s", path, entry->name);
		if (S_ISDIR(entry->node->attr.st_mode))
			error = write_folder(entry->node, child);
		else if (S_ISREG(entry->node->attr.st_mode))
			error = write_file(entry->node, child);
		else if (S_ISLNK(entry->node->attr.st_mode))
			error = symlink(entry->node->target, child) < 0 ? -errno : 0;
		/* Sockets and the like are nobody's after a cut. */
	}
	return error;
}

int cutfs_image_write(const char *folder, uint64_t seed)
{
	struct cutfs_node *node;
	dice = seed;
	cutfs.images++;
	names_show();
	int error = write_folder(cutfs.root, folder);
	LIST_FOREACH(node, &cutfs.nodes, all)
		cutfs_names_free(&node->image_names);
	return error;
}
