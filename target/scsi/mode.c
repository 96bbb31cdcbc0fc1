/* SPDX-License-Identifier: MIT */
/*
 * The mode pages that every unit has, and the table of a unit's pages. Current
 * values are the unit's, not a nexus' (SPC-5 6.13); they are never saved.
 */
#include "target/scsi/mode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

#define PAGE_CONTROL 0x0a

/* SPC-5 7.5.10: TST 0 (one task set), QUEUE ALGORITHM MODIFIER 0 (ordered), QERR 0. */
static const uint8_t control_defaults[12] = {PAGE_CONTROL, 0x0a};
/* D_SENSE; TAS. */
static const uint8_t control_changeable[12] = {PAGE_CONTROL, 0x0a, 0x04, 0, 0, 0x40};

/* SPC-5 7.5.11: TCMOS and SCSIP (the clock may be set), 252 bytes of sense at most. */
static const uint8_t control_extension_defaults[32] = {
	0x40 | PAGE_CONTROL, 0x01, 0, 0x1c, 0x06, 0, SENSE_SIZE_MAX};
static const uint8_t control_extension_changeable[32] = {0x40 | PAGE_CONTROL, 0x01, 0, 0x1c};

/* SPC-5 7.5.13: DEXCPT set, nothing is reported unasked. A drive has a page of its own. */
static const uint8_t exceptions_defaults[12] = {0x1c, 0x0a, 0x08};
static const uint8_t exceptions_changeable[12] = {0x1c, 0x0a};

static const struct scsi_mode_page common_pages[] = {
	{PAGE_CONTROL, 0, 12, control_defaults, control_changeable, NULL, NULL, NULL},
	{PAGE_CONTROL, 1, 32, control_extension_defaults, control_extension_changeable, NULL, NULL,
	 NULL},
	{0x1c, 0, 12, exceptions_defaults, exceptions_changeable, NULL, NULL, NULL},
	{0},
};

static int value_compare(const void *a, const void *b)
{
	const struct scsi_mode_page *left = ((const struct scsi_mode_value *)a)->page;
	const struct scsi_mode_page *right = ((const struct scsi_mode_value *)b)->page;
	/* Page 00h comes last (SPC-5 6.14.1). */
	int order = (left->code - 1) % 256 - (right->code - 1) % 256;
	if (!left->code || !right->code)
		order = (!left->code) - (!right->code);
	return order ? order : left->subpage - right->subpage;
}

struct scsi_mode_value *mode_find(const struct scsi_unit *unit, uint8_t code, uint8_t subpage)
{
	for (size_t i = 0; i < unit->mode_count; i++) {
		struct scsi_mode_value *value = &unit->modes[i];
		if (value->page->code == code && value->page->subpage == subpage)
			return value;
	}
	return NULL;
}

static size_t pages_count(const struct scsi_mode_page *pages)
{
	size_t count = 0;
	while (pages && pages[count].length)
		count++;
	return count;
}

static int table_add(struct scsi_unit *unit, const struct scsi_mode_page *pages)
{
	for (; pages && pages->length; pages++) {
		struct scsi_mode_value *value = &unit->modes[unit->mode_count];
		if (mode_find(unit, pages->code, pages->subpage))
			continue; /* the class has its own */
		ASSERT(pages->length <= MODE_PAGE_MAX);
		value->current = mem_try_alloc(1, pages->length);
		if (!value->current)
			return -ENOMEM;
		value->page = pages;
		memcpy(value->current, pages->defaults, pages->length);
		unit->mode_count++;
	}
	return 0;
}

int mode_table_new(const struct scsi_class *class, struct scsi_unit *unit)
{
	size_t count = pages_count(class->mode_pages) + pages_count(common_pages);
	unit->modes = mem_try_zalloc(count, sizeof(*unit->modes));
	if (!unit->modes)
		return -ENOMEM;
	int error = table_add(unit, class->mode_pages);
	if (!error)
		error = table_add(unit, common_pages);
	if (error)
		return error;
	qsort(unit->modes, unit->mode_count, sizeof(*unit->modes), value_compare);
	return 0;
}

void mode_table_free(struct scsi_unit *unit)
{
	for (size_t i = 0; i < unit->mode_count; i++)
		free(unit->modes[i].current);
	free(unit->modes);
	unit->modes = NULL;
	unit->mode_count = 0;
}

void mode_note_control_locked(struct scsi_lu *lu)
{
	const uint8_t *control = scsi_mode_values_locked(lu, PAGE_CONTROL, 0);
	__atomic_store_n(&lu->unit->sense_descriptor, control[2] & 0x04, __ATOMIC_RELAXED);
	__atomic_store_n(&lu->unit->task_aborted_status, control[5] & 0x40, __ATOMIC_RELAXED);
}

void mode_reset_locked(struct scsi_lu *lu)
{
	for (size_t i = 0; i < lu->unit->mode_count; i++) {
		struct scsi_mode_value *value = &lu->unit->modes[i];
		memcpy(value->current, value->page->defaults, value->page->length);
	}
	mode_note_control_locked(lu);
}

const uint8_t *scsi_mode_values_locked(struct scsi_lu *lu, uint8_t code, uint8_t subpage)
{
	const struct scsi_mode_value *value = mode_find(lu->unit, code, subpage);
	return value ? value->current : NULL;
}
