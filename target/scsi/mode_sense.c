/* SPDX-License-Identifier: MIT */
/*
 * MODE SENSE(6) and (10) (SPC-5 6.14): header, block descriptor, pages in ascending
 * order. Subpage FFh stands for all of a page, page 3Fh for all pages.
 *
 * MODE SENSE(6) has one byte for the length of it all: pages that do not fit any more are left out,
 * and whoever wants them asks with (10), or for the page.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/mode.h"

#define PAGE_ALL     0x3f
#define SUBPAGE_ALL  0xff
#define DESCRIPTOR_SIZE 8u
#define SIX_MAX	     256u /* bytes that the length of MODE SENSE(6) can tell of */

enum page_control { CONTROL_CURRENT, CONTROL_CHANGEABLE, CONTROL_DEFAULT, CONTROL_SAVED };

static bool page_is_wanted(const struct scsi_mode_page *page, uint8_t code, uint8_t subpage)
{
	return (code == PAGE_ALL || page->code == code) &&
	       (subpage == SUBPAGE_ALL || page->subpage == subpage);
}

static bool has_code(const struct scsi_unit *unit, uint8_t code)
{
	for (size_t i = 0; i < unit->mode_count; i++)
		if (unit->modes[i].page->code == code)
			return true;
	return code == PAGE_ALL;
}

void mode_refresh(struct scsi_lu *lu, const struct scsi_nexus *nexus, struct scsi_mode_value *value)
{
	uint8_t page[MODE_PAGE_MAX];
	if (!value->page->refresh && !value->page->nexus_refresh)
		return;
	memcpy(page, value->current, value->page->length);
	if (value->page->nexus_refresh)
		value->page->nexus_refresh(lu, nexus, page);
	else
		value->page->refresh(lu, page);
	LOCK_SCOPE(&lu->lock);
	memcpy(value->current, page, value->page->length);
}

/* The header is the table's, whatever the values have there. */
static void put_page_header(const struct scsi_mode_page *page, uint8_t *data)
{
	data[0] = page->code;
	data[1] = (uint8_t)(page->length - 2);
	if (!page->subpage)
		return;
	data[0] |= 0x40;
	data[1] = page->subpage;
	be_put16(data + 2, (uint16_t)(page->length - 4));
}

static size_t put_page(struct scsi_lu *lu, const struct scsi_nexus *nexus,
		       struct scsi_mode_value *value, unsigned control, uint8_t *data)
{
	const struct scsi_mode_page *page = value->page;
	const uint8_t *bytes = value->current;
	if (control == CONTROL_CHANGEABLE)
		bytes = page->changeable;
	else if (control == CONTROL_DEFAULT)
		bytes = page->defaults;
	else
		mode_refresh(lu, nexus, value);
	memcpy(data, bytes, page->length);
	put_page_header(page, data);
	return page->length;
}

static size_t put_mode_header(struct scsi_lu *lu, bool ten, bool descriptors, uint8_t *data)
{
	uint8_t descriptor[DESCRIPTOR_SIZE] = {0}, medium_type = 0, device_specific = 0;
	size_t size = ten ? 8 : 4, descriptor_size = 0;
	if (lu->class->mode_header)
		lu->class->mode_header(lu, &medium_type, &device_specific, descriptor,
				       &descriptor_size);
	if (!descriptors || descriptor_size != DESCRIPTOR_SIZE)
		descriptor_size = 0;
	memset(data, 0, size);
	data[ten ? 2 : 1] = medium_type;
	data[ten ? 3 : 2] = device_specific;
	data[ten ? 7 : 3] = (uint8_t)descriptor_size;
	memcpy(data + size, descriptor, descriptor_size);
	return size + descriptor_size;
}

/* False: there is no such page, and the task says so. Page 00h is allowed to be missing: st asks
 * for it to get the header. */
static bool pages_exist(const struct scsi_unit *unit, struct scsi_task *task)
{
	uint8_t code = task->cdb[2] & 0x3f, subpage = task->cdb[3];
	if (!code && !subpage)
		return true;
	if (!has_code(unit, code)) {
		scsi_invalid_cdb(task, 2, 5);
		return false;
	}
	for (size_t i = 0; i < unit->mode_count; i++)
		if (page_is_wanted(unit->modes[i].page, code, subpage) &&
		    (code != PAGE_ALL || !subpage || subpage == SUBPAGE_ALL))
			return true;
	scsi_invalid_cdb(task, 3, 7);
	return false;
}

static size_t pages_size(const struct scsi_unit *unit)
{
	size_t size = 8 + DESCRIPTOR_SIZE;
	for (size_t i = 0; i < unit->mode_count; i++)
		size += unit->modes[i].page->length;
	return size;
}

void mode_sense_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct scsi_unit *unit = lu->unit;
	bool ten = task->cdb[0] == 0x5a;
	unsigned control = task->cdb[2] >> 6;
	if (control == CONTROL_SAVED) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
		return;
	}
	if (!pages_exist(unit, task))
		return;
	CLEANUP_FREE uint8_t *data = mem_try_alloc(1, pages_size(unit));
	if (!data) {
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
		return;
	}
	size_t size = put_mode_header(lu, ten, !(task->cdb[1] & 0x08), data);
	for (size_t i = 0; i < unit->mode_count; i++) {
		const struct scsi_mode_page *page = unit->modes[i].page;
		if (!page_is_wanted(page, task->cdb[2] & 0x3f, task->cdb[3]))
			continue;
		if (!ten && size + page->length > SIX_MAX)
			break;
		size += put_page(lu, task->nexus, &unit->modes[i], control, data + size);
	}
	if (ten)
		be_put16(data, (uint16_t)(size - 2));
	else
		data[0] = (uint8_t)(size - 1);
	(void)scsi_reply(task, data, size, ten ? be_get16(task->cdb + 7) : task->cdb[4]);
}
