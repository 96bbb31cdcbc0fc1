/* SPDX-License-Identifier: MIT */
/*
 * Volume tags: SEND VOLUME TAG asks for cartridges by a template of their
 * barcode, REQUEST VOLUME ELEMENT ADDRESS tells where they are (SMC-3 6.13, 6.14).
 *
 * What a nexus has asked for is kept until it asks for something else or goes
 * away, and is looked up in the inventory as it is at the time of the answer.
 * Barcodes are read off the cartridges by the library, so the actions that would
 * write them are refused; there are no alternate tags.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/changer/internal.h"

enum send_action {
	SEARCH_ALL = 0x0,
	SEARCH_PRIMARY = 0x1,
	SEARCH_ALL_NO_SEQUENCE = 0x4,
	SEARCH_PRIMARY_NO_SEQUENCE = 0x5,
};

enum { PARAMETERS_SIZE = 40, ACTION_MASK = 0x1f, TYPE_MASK = 0x0f, VOLTAG = 0x10 };

/* '?' is any character, '*' any number of them. Each character of `text` is looked at again at most
 * once for each '*': no template takes long. */
static bool pattern_match(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool action_is_search(uint8_t action)
{
	return action == SEARCH_ALL || action == SEARCH_PRIMARY ||
	       action == SEARCH_ALL_NO_SEQUENCE || action == SEARCH_PRIMARY_NO_SEQUENCE;
}

static bool action_has_sequence(uint8_t action)
{
	return action == SEARCH_ALL || action == SEARCH_PRIMARY;
}

bool tags_match(const struct changer *changer, const struct tag_search *search,
		const struct element *element)
{
	char barcode[BARCODE_MAX + 1];

	if (search->type != 0 && element->type != search->type)
		return false;
	if (element->address < search->start || status_barcode(changer, element, barcode) == 0)
		return false;
	/* The volume sequence number of every tag is 0. */
	if (action_has_sequence(search->action) && search->lowest > 0)
		return false;
	return pattern_match(search->pattern, barcode);
}

static struct tag_search *find_locked(struct changer *changer, const struct scsi_nexus *nexus)
{
	struct tag_search *search;

	TAILQ_FOREACH(search, &changer->searches, link)
		if (search->nexus == nexus)
			return search;
	return NULL;
}

void tags_forget_locked(struct changer *changer, const struct scsi_nexus *nexus)
{
	struct tag_search *search = find_locked(changer, nexus);

	if (search == NULL)
		return;
	TAILQ_REMOVE(&changer->searches, search, link);
	free(search);
}

void tags_clear(struct changer *changer)
{
	struct tag_search *search;

	while ((search = TAILQ_FIRST(&changer->searches)) != NULL) {
		TAILQ_REMOVE(&changer->searches, search, link);
		free(search);
	}
}

static void copy_pattern(char pattern[CHANGER_TEMPLATE_SIZE + 1], const uint8_t *from)
{
	size_t size = CHANGER_TEMPLATE_SIZE;

	while (size > 0 && (from[size - 1] == ' ' || from[size - 1] == '\0'))
		size--;
	memset(pattern, 0, CHANGER_TEMPLATE_SIZE + 1);
	memcpy(pattern, from, size);
}

void tags_send(struct scsi_lu *lu, struct scsi_task *task)
{
	struct changer *changer = changer_of(lu);
	struct tag_search *search;
	const uint8_t *parameters;

	task->out_wanted = be_get16(task->cdb + 8);
	if ((task->cdb[1] & TYPE_MASK) > ELEMENT_DRIVE) {
		scsi_invalid_cdb(task, 1, 3);
		return;
	}
	if (!action_is_search(task->cdb[5] & ACTION_MASK)) {
		scsi_invalid_cdb(task, 5, 4);
		return;
	}
	if (task->out_wanted < PARAMETERS_SIZE) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
		return;
	}
	parameters = scsi_parameters(task, PARAMETERS_SIZE);
	if (parameters == NULL)
		return;
	search = mem_try_zalloc(1, sizeof(*search));
	if (search == NULL) {
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
		return;
	}
	search->nexus = task->nexus;
	search->type = task->cdb[1] & TYPE_MASK;
	search->start = be_get16(task->cdb + 2);
	search->action = task->cdb[5] & ACTION_MASK;
	search->lowest = be_get16(parameters + 34);
	search->highest = be_get16(parameters + 38);
	copy_pattern(search->pattern, parameters);
	if (action_has_sequence(search->action) && search->lowest > search->highest) {
		free(search);
		scsi_invalid_parameter(task, 34, 8);
		return;
	}
	LOCK_SCOPE(&lu->lock);
	tags_forget_locked(changer, task->nexus);
	if (scsi_nexus_is_closing_locked(task->nexus)) {
		free(search);
		return;
	}
	TAILQ_INSERT_HEAD(&changer->searches, search, link);
	scsi_good(task);
}

void tags_request(struct scsi_lu *lu, struct scsi_task *task)
{
	struct changer *changer = changer_of(lu);
	struct status_request request = {
		.type = task->cdb[1] & TYPE_MASK,
		.start = be_get16(task->cdb + 2),
		.limit = be_get16(task->cdb + 4),
		.tags = (task->cdb[1] & VOLTAG) != 0,
	};
	struct tag_search search;
	bool found = false;

	if ((task->cdb[1] & TYPE_MASK) > ELEMENT_DRIVE) {
		scsi_invalid_cdb(task, 1, 3);
		return;
	}
	{
		LOCK_SCOPE(&lu->lock);
		const struct tag_search *kept = find_locked(changer, task->nexus);

		found = kept != NULL;
		if (found)
			search = *kept;
	}
	if (!found) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE);
		return;
	}
	request.search = &search;
	request.action = search.action;
	status_reply(changer, task, &request, be_get24(task->cdb + 7));
}
