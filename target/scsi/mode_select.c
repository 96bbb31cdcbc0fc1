/* SPDX-License-Identifier: MIT */
/*
 * MODE SELECT(6) and (10) (SPC-5 6.12). All of a list is checked before any of it
 * is done; what cannot be changed must have the value that it has.
 */
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/scsi/mode.h"

#define DESCRIPTOR_SIZE 8u

struct mode_list {
	const uint8_t *bytes;
	size_t size, header, descriptors; /* bytes */
	bool ten;
};

/* What a page of the list says; its bytes with the header as the table has it. */
struct mode_update {
	struct scsi_mode_value *value;
	uint8_t page[MODE_PAGE_MAX];
	size_t offset, size; /* in the list */
};

static void list_too_short(struct scsi_task *task)
{
	scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
}

/* False: the list is refused, and the task says so. */
static bool list_read_header(struct scsi_lu *lu, struct scsi_task *task, struct mode_list *list)
{
	list->header = list->ten ? 8 : 4;
	if (list->size < list->header) {
		list_too_short(task);
		return false;
	}
	unsigned field = list->ten ? 6 : 3;
	list->descriptors = list->ten ? be_get16(list->bytes + 6) : list->bytes[3];
	if (list->ten && list->bytes[4] & 1) {
		scsi_invalid_parameter(task, 4, 0); /* LONGLBA */
		return false;
	}
	if (list->descriptors &&
	    (list->descriptors != DESCRIPTOR_SIZE || !lu->class->mode_descriptor)) {
		scsi_invalid_parameter(task, field, 7);
		return false;
	}
	if (list->header + list->descriptors > list->size) {
		list_too_short(task);
		return false;
	}
	if (!(task->cdb[1] & 0x10) && list->header + list->descriptors < list->size) {
		scsi_invalid_cdb(task, 1, 4); /* pages that are not of the standard */
		return false;
	}
	return true;
}

/* Finds the page that stands at update->offset; false: refused. */
static bool update_find(struct scsi_lu *lu, struct scsi_task *task, const struct mode_list *list,
			struct mode_update *update)
{
	const uint8_t *bytes = list->bytes + update->offset;
	size_t left = list->size - update->offset;
	bool has_subpage = bytes[0] & 0x40;
	size_t header = has_subpage ? 4 : 2;
	if (left < header) {
		list_too_short(task);
		return false;
	}
	update->size = header + (has_subpage ? be_get16(bytes + 2) : bytes[1]);
	update->value = mode_find(lu->unit, bytes[0] & 0x3f, has_subpage ? bytes[1] : 0);
	if (!update->value || has_subpage != (update->value->page->subpage != 0)) {
		scsi_invalid_parameter(task, (unsigned)update->offset, 5);
		return false;
	}
	if (update->size != update->value->page->length) {
		scsi_invalid_parameter(task, (unsigned)(update->offset + header - 1), 7);
		return false;
	}
	if (left < update->size) {
		list_too_short(task);
		return false;
	}
	memcpy(update->page, bytes, update->size);
	memcpy(update->page, update->value->page->defaults, header);
	return true;
}

static bool update_is_allowed(struct scsi_lu *lu, struct scsi_task *task,
			      const struct mode_update *update)
{
	const struct scsi_mode_page *page = update->value->page;
	size_t first = page->subpage ? 4 : 2;
	mode_refresh(lu, task->nexus, update->value);
	for (size_t i = first; i < page->length; i++) {
		unsigned changed = update->page[i] ^ update->value->current[i];
		unsigned bad = changed & ~(unsigned)page->changeable[i] & 0xff;
		if (!bad)
			continue;
		scsi_invalid_parameter(task, (unsigned)(update->offset + i),
				       31u - (unsigned)__builtin_clz(bad));
		return false;
	}
	int error = page->check ? page->check(lu, update->page) : 0;
	if (error < 0)
		scsi_invalid_parameter(task, (unsigned)(update->offset + (size_t)(-error - 1)), 8);
	return error >= 0;
}

static bool list_is_allowed(struct scsi_lu *lu, struct scsi_task *task, const struct mode_list *list)
{
	struct mode_update update = {.offset = list->header + list->descriptors};
	for (; update.offset < list->size; update.offset += update.size)
		if (!update_find(lu, task, list, &update) || !update_is_allowed(lu, task, &update))
			return false;
	unsigned field = list->ten ? 3 : 2;
	if (lu->class->mode_device_specific &&
	    lu->class->mode_device_specific(lu, list->bytes[field], false)) {
		scsi_invalid_parameter(task, field, 8);
		return false;
	}
	return true;
}

/* A page that each nexus has for itself. False: it was not done, and the task says so. */
static bool update_apply_own(struct scsi_lu *lu, struct scsi_task *task,
			     const struct mode_update *update)
{
	if (!update->value->page->nexus_changed(lu, task->nexus, update->page))
		return true;
	scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
	return false;
}

/* True: others have to be told. */
static bool update_apply(struct scsi_lu *lu, const struct mode_update *update)
{
	const struct scsi_mode_page *page = update->value->page;
	size_t first = page->subpage ? 4 : 2;
	pthread_mutex_lock(&lu->lock);
	bool differs =
		memcmp(update->value->current + first, update->page + first, page->length - first);
	memcpy(update->value->current + first, update->page + first, page->length - first);
	mode_note_control_locked(lu);
	pthread_mutex_unlock(&lu->lock);
	if (page->changed)
		page->changed(lu, update->page);
	return differs;
}

/* What header and block descriptor say, to see whether it changes. */
struct mode_state {
	uint8_t medium_type, device_specific, descriptor[DESCRIPTOR_SIZE];
	size_t descriptor_size;
};

static void state_get(struct scsi_lu *lu, struct mode_state *state)
{
	memset(state, 0, sizeof(*state));
	if (lu->class->mode_header)
		lu->class->mode_header(lu, &state->medium_type, &state->device_specific,
				       state->descriptor, &state->descriptor_size);
}

static void list_apply(struct scsi_lu *lu, struct scsi_task *task, const struct mode_list *list)
{
	struct mode_update update = {.offset = list->header + list->descriptors};
	struct mode_state before, after;
	bool differs = false;
	state_get(lu, &before);
	if (list->descriptors) {
		int error = lu->class->mode_descriptor(lu, list->bytes + list->header);
		if (error < 0) {
			scsi_invalid_parameter(task, (unsigned)list->header + (unsigned)(-error - 1), 8);
			return;
		}
	}
	if (lu->class->mode_device_specific)
		(void)lu->class->mode_device_specific(lu, list->bytes[list->ten ? 3 : 2], true);
	for (; update.offset < list->size; update.offset += update.size) {
		if (!update_find(lu, task, list, &update))
			continue;
		if (!update.value->page->nexus_changed)
			differs |= update_apply(lu, &update);
		else if (!update_apply_own(lu, task, &update))
			break;
	}
	state_get(lu, &after);
	if (differs || memcmp(&before, &after, sizeof(before)))
		scsi_attention(lu, task->nexus, ASC_MODE_PARAMETERS_CHANGED);
}

void mode_select_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct mode_list list = {.ten = task->cdb[0] == 0x55};
	list.size = list.ten ? be_get16(task->cdb + 7) : task->cdb[4];
	task->out_wanted = list.size;
	if (!list.size)
		return;
	list.bytes = scsi_parameters(task, list.size);
	if (!list.bytes)
		return;
	if (list_read_header(lu, task, &list) && list_is_allowed(lu, task, &list))
		list_apply(lu, task, &list);
}

void scsi_mode_select(struct scsi_lu *lu, struct scsi_task *task)
{
	mode_select_run(lu, task);
}
