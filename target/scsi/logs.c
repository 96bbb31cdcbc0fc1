/* SPDX-License-Identifier: MIT */
/*
 * LOG SENSE and LOG SELECT (SPC-5 6.6, 6.7): the lists of pages are made from the
 * class' table; values are live, there is nothing to save and no threshold.
 */
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/common.h"
#include "target/scsi/log_page.h"
#include "target/scsi/self_test.h"

#define LOG_ROOM    32768u
#define SUBPAGE_ALL 0xff

/* Of every unit, besides those of its class. */
static const struct scsi_log_page common_pages[] = {
	{0x10, 0, self_test_log, NULL},
	{0, 0, NULL, NULL},
};

/* The first page is log_next(lu, NULL); NULL after the last. */
static const struct scsi_log_page *log_next(const struct scsi_lu *lu, const struct scsi_log_page *page)
{
	page = page ? page + 1 : lu->class->log_pages ? lu->class->log_pages : common_pages;
	if (page->build)
		return page;
	bool common = page == common_pages + sizeof(common_pages) / sizeof(common_pages[0]) - 1;
	return common ? NULL : common_pages;
}

static const struct scsi_log_page *log_find(const struct scsi_lu *lu, uint8_t code, uint8_t subpage)
{
	const struct scsi_log_page *page = NULL;
	while ((page = log_next(lu, page)))
		if (page->code == code && page->subpage == subpage)
			return page;
	return NULL;
}

static bool log_has_code(const struct scsi_lu *lu, uint8_t code)
{
	const struct scsi_log_page *page = NULL;
	while ((page = log_next(lu, page)))
		if (page->code == code)
			return true;
	return !code;
}

static bool log_exists(const struct scsi_lu *lu, unsigned code, unsigned subpage)
{
	if (!code && (!subpage || subpage == SUBPAGE_ALL))
		return true;
	return log_find(lu, (uint8_t)code, (uint8_t)subpage);
}

/* Page 00h, without subpages. */
static size_t list_pages(const struct scsi_lu *lu, uint8_t *data)
{
	size_t size = 0;
	for (unsigned code = 0; code < 0x3f; code++)
		if (log_exists(lu, code, 0))
			data[size++] = (uint8_t)code;
	return size;
}

/* Page 00h with subpage FFh: all; another page with it: its own. */
static size_t list_subpages(const struct scsi_lu *lu, uint8_t wanted, uint8_t *data)
{
	size_t size = 0;
	for (unsigned code = 0; code < 0x3f; code++)
		for (unsigned subpage = 0; subpage <= SUBPAGE_ALL; subpage++) {
			if ((wanted && code != wanted) || !log_exists(lu, code, subpage))
				continue;
			data[size++] = (uint8_t)code;
			data[size++] = (uint8_t)subpage;
		}
	return size;
}

static const struct scsi_log_page *log_asked(const struct scsi_lu *lu, const struct scsi_task *task)
{
	return log_find(lu, task->cdb[2] & 0x3f, task->cdb[3]);
}

/* Bytes of the page after its header; -1: refused, and the task says so. */
static int log_build(struct scsi_lu *lu, struct scsi_task *task, uint8_t *data)
{
	uint8_t code = task->cdb[2] & 0x3f, subpage = task->cdb[3];
	if (subpage == SUBPAGE_ALL && log_has_code(lu, code))
		return (int)list_subpages(lu, code, data);
	if (!code && !subpage)
		return (int)list_pages(lu, data);
	const struct scsi_log_page *page = log_asked(lu, task);
	if (!page) {
		bool known = log_has_code(lu, code);
		scsi_invalid_cdb(task, known ? 3 : 2, known ? 7 : 5);
		return -1;
	}
	struct scsi_log log = {
		.nexus = task->nexus, .first = be_get16(task->cdb + 5), .data = data, .room = LOG_ROOM - 4};
	page->build(lu, &log);
	if (!log.size && log.first) {
		scsi_invalid_cdb(task, 5, 7); /* there is none so high */
		return -1;
	}
	return (int)log.size;
}

void log_sense_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint8_t subpage = task->cdb[3];
	CLEANUP_FREE uint8_t *data = mem_try_zalloc(1, LOG_ROOM);
	if (!data) {
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
		return;
	}
	int size = log_build(lu, task, data + 4);
	if (size < 0)
		return;
	data[0] = (uint8_t)(0x80 | (subpage ? 0x40 : 0) | (task->cdb[2] & 0x3f)); /* DS */
	data[1] = subpage;
	be_put16(data + 2, (uint16_t)size);
	if (scsi_reply(task, data, 4 + (size_t)size, be_get16(task->cdb + 7)))
		return;
	const struct scsi_log_page *page = log_asked(lu, task);
	if (page && page->told && task->in_size > 4)
		page->told(lu, task->nexus, data + 4, task->in_size - 4);
}

static void log_reset(struct scsi_lu *lu, struct scsi_task *task)
{
	uint8_t code = task->cdb[2] & 0x3f, subpage = task->cdb[3];
	bool all = !code && !subpage;
	if (!all && !log_find(lu, code, subpage)) {
		scsi_invalid_cdb(task, 2, 5);
		return;
	}
	const struct scsi_log_page *page = NULL;
	while ((page = log_next(lu, page)))
		if (page->reset && (all || (page->code == code && page->subpage == subpage)))
			page->reset(lu);
	scsi_attention(lu, task->nexus, ASC_LOG_PARAMETERS_CHANGED);
}

#define PCR		   0x02
#define DEFAULT_CUMULATIVE 3u /* PAGE CONTROL: as they were at the start */

/* Parameters are reset, by PCR or to their default values (SPC-5 6.6); never set, for they count what
 * happened. There are no thresholds that the other values of PAGE CONTROL could change. */
void log_select_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint16_t size = be_get16(task->cdb + 7);
	task->out_wanted = size;
	if (size)
		scsi_invalid_cdb(task, 7, 7);
	else if (task->cdb[1] & PCR || task->cdb[2] >> 6 == DEFAULT_CUMULATIVE)
		log_reset(lu, task);
}
