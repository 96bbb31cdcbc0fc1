/* SPDX-License-Identifier: MIT */
/*
 * READ ELEMENT STATUS (SMC-3 6.11): a header, and for each type of element that
 * has something to tell a page of descriptors.
 *
 *   +-- 8 --+-- 8 --+-------------- n --------------+-- 8 --+--...
 *   | header| page  | descriptor | descriptor | ... | page  |
 *   +-------+-------+-------------------------------+-------+--...
 *   descriptor: 12 bytes, [36 of volume tag], 4 of identifier header, [identifier]
 *
 * Rules: all counts are those of the whole answer, whatever the allocation
 * length; what is sent ends with the last page header or descriptor that fits
 * wholly (the header alone is cut anywhere). AVolTag is never set, because there
 * are no alternate volume tags; a type without elements has no page.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/changer/internal.h"

enum {
	HEADER_SIZE = 8,
	PAGE_SIZE = 8,
	DESCRIPTOR_SIZE = 12,
	IDENTIFIER_HEADER = 4,
	DESCRIPTOR_MAX = DESCRIPTOR_SIZE + CHANGER_TAG_SIZE + IDENTIFIER_HEADER +
			 CHANGER_IDENTIFIER_MAX,
};

enum element_flags {
	FLAG_FULL = 0x01,
	FLAG_IMPORTED = 0x02,
	FLAG_EXCEPT = 0x04,
	FLAG_ACCESS = 0x08,
	FLAG_EXPORT = 0x10,
	FLAG_IMPORT = 0x20,
};

enum {
	CODE_SET_ASCII = 2,
	IDENTIFIER_T10 = 1,
	SOURCE_VALID = 0x80,
	PRIMARY_TAG = 0x80,
};

/* The answer as far as it is sent. */
struct report {
	uint8_t *data;
	size_t room, size;
	bool full; /* something did not fit: nothing more goes in */
};

/* Elements of the request, as the header has them. */
struct tally {
	uint16_t first;
	uint32_t elements;
	uint32_t bytes;
	uint32_t of_type[ELEMENT_DRIVE + 1];
};

size_t status_barcode(const struct changer *changer, const struct element *element,
		      char text[BARCODE_MAX + 1])
{
	size_t size = strlen(element->barcode);

	ASSERT(size <= BARCODE_MAX);
	memset(text, 0, BARCODE_MAX + 1);
	/* Six characters and the medium's two: libraries that are told so leave the two out. */
	if (size == 8 && changer->personality->barcode_length < size)
		size = changer->personality->barcode_length;
	memcpy(text, element->barcode, size);
	return size;
}

void status_prepare(struct changer *changer)
{
	changer->identifier_size = 0;
	for (size_t i = 0; i < changer->bay_count; i++) {
		struct changer_bay *bay = &changer->bays[i];
		const struct scsi_identity *id = bay->drive.identity;
		size_t size = 0, serial = strnlen(id->serial, sizeof(id->serial) - 1);

		if (!changer->personality->identifier_is_serial) {
			ascii_put(bay->identifier, 8, id->vendor);
			ascii_put(bay->identifier + 8, 16, id->product);
			size = 24;
		}
		memcpy(bay->identifier + size, id->serial, serial);
		bay->identifier_size = (uint8_t)(size + serial);
		if (bay->identifier_size > changer->identifier_size)
			changer->identifier_size = bay->identifier_size;
	}
}

static bool is_wanted(const struct changer *changer, const struct status_request *request,
		      const struct element *element)
{
	if (request->type != 0 && element->type != request->type)
		return false;
	return request->search == NULL || tags_match(changer, request->search, element);
}

static bool has_identifier(const struct changer *changer, const struct status_request *request,
			   enum element_type type)
{
	return type == ELEMENT_DRIVE &&
	       (request->identifiers || changer->personality->identifier_always);
}

static uint16_t descriptor_size(const struct changer *changer, const struct status_request *request,
				enum element_type type)
{
	unsigned size = DESCRIPTOR_SIZE + IDENTIFIER_HEADER;

	if (request->tags)
		size += CHANGER_TAG_SIZE;
	if (has_identifier(changer, request, type))
		size += changer->identifier_size;
	return (uint16_t)size;
}

static struct tally count_elements(const struct changer *changer,
				   const struct status_request *request)
{
	const struct inventory *inventory = &changer->inventory;
	struct tally tally = { 0 };

	for (size_t i = inventory_from(inventory, request->start);
	     i < inventory->count && tally.elements < request->limit; i++) {
		const struct element *e = &inventory->elements[i];

		if (!is_wanted(changer, request, e))
			continue;
		if (tally.elements++ == 0)
			tally.first = e->address;
		if (tally.of_type[e->type]++ == 0)
			tally.bytes += PAGE_SIZE;
		tally.bytes += descriptor_size(changer, request, e->type);
	}
	return tally;
}

static void report_put(struct report *report, const uint8_t *data, size_t size)
{
	if (report->full || size > report->room - report->size) {
		report->full = true;
		return;
	}
	memcpy(report->data + report->size, data, size);
	report->size += size;
}

static uint8_t element_flags(const struct element *element, bool abnormal)
{
	uint8_t flags = 0;

	if (element_is_full(element))
		flags |= FLAG_FULL;
	if (abnormal)
		flags |= FLAG_EXCEPT;
	if (element->type != ELEMENT_TRANSPORT && !element->disabled)
		flags |= FLAG_ACCESS;
	if (element->type == ELEMENT_IMPORT_EXPORT) {
		flags |= FLAG_EXPORT | FLAG_IMPORT;
		if (element->imported)
			flags |= FLAG_IMPORTED;
	}
	return flags;
}

/* What is wrong with an element; ASC_NONE: nothing. */
static enum sense_code element_abnormality(const struct element *element,
					   const struct changer_bay *bay)
{
	if (element->disabled)
		return ASC_MAGAZINE_NOT_ACCESSIBLE;
	if (bay != NULL && bay->stranded)
		return ASC_MECHANICAL_FAILURE;
	return ASC_NONE;
}

static void put_descriptor(struct changer *changer, const struct status_request *request,
			   const struct element *element, struct report *report)
{
	const struct changer_bay *bay = changer_bay(changer, element);
	enum sense_code wrong = element_abnormality(element, bay);
	uint8_t d[DESCRIPTOR_MAX] = { 0 };
	size_t at = DESCRIPTOR_SIZE;

	be_put16(d, element->address);
	d[2] = element_flags(element, wrong != ASC_NONE);
	be_put16(d + 4, (uint16_t)wrong);
	d[9] = (uint8_t)element->kind;
	if (element_is_full(element) && element->source != 0) {
		d[9] |= SOURCE_VALID;
		be_put16(d + 10, element->source);
	}
	if (request->tags) {
		char barcode[BARCODE_MAX + 1];

		if (status_barcode(changer, element, barcode) > 0)
			ascii_put(d + at, BARCODE_MAX, barcode);
		at += CHANGER_TAG_SIZE;
	}
	if (has_identifier(changer, request, element->type)) {
		d[at] = CODE_SET_ASCII;
		d[at + 1] = changer->personality->identifier_is_serial ? 0 : IDENTIFIER_T10;
		d[at + 3] = bay->identifier_size;
		memcpy(d + at + IDENTIFIER_HEADER, bay->identifier, bay->identifier_size);
	}
	report_put(report, d, descriptor_size(changer, request, element->type));
}

static void put_page(struct changer *changer, const struct status_request *request,
		     enum element_type type, uint32_t elements, struct report *report)
{
	uint16_t size = descriptor_size(changer, request, type);
	uint8_t page[PAGE_SIZE] = { (uint8_t)type, request->tags ? PRIMARY_TAG : 0 };

	be_put16(page + 2, size);
	be_put24(page + 5, elements * size);
	report_put(report, page, sizeof(page));
}

static void put_elements(struct changer *changer, const struct status_request *request,
			 const struct tally *tally, struct report *report)
{
	const struct inventory *inventory = &changer->inventory;
	uint32_t left = tally->elements;
	unsigned begun = 0;

	for (size_t i = inventory_from(inventory, request->start); left > 0 && !report->full; i++) {
		const struct element *e = &inventory->elements[i];

		if (!is_wanted(changer, request, e))
			continue;
		if ((begun & 1u << e->type) == 0)
			put_page(changer, request, e->type, tally->of_type[e->type], report);
		begun |= 1u << e->type;
		put_descriptor(changer, request, e, report);
		left--;
	}
}

void status_reply(struct changer *changer, struct scsi_task *task,
		  const struct status_request *request, uint32_t allocation)
{
	struct tally tally = count_elements(changer, request);
	size_t size = HEADER_SIZE + tally.bytes;
	CLEANUP_FREE uint8_t *data = NULL;
	struct report report = { 0 };

	if (size > allocation)
		size = allocation;
	/* The header is always made, and cut by scsi_reply(). */
	report.room = size > HEADER_SIZE ? size : HEADER_SIZE;
	report.data = data = mem_try_alloc(1, report.room);
	if (data == NULL) {
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
		return;
	}
	be_put16(data, tally.first);
	be_put16(data + 2, (uint16_t)tally.elements);
	data[4] = request->action;
	be_put24(data + 5, tally.bytes);
	report.size = HEADER_SIZE;
	put_elements(changer, request, &tally, &report);
	if (scsi_reply(task, data, report.size, allocation) == 0)
		scsi_good(task);
	else
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
}
