/* SPDX-License-Identifier: MIT */
/*
 * The inventory: a sorted array of elements.
 *
 * Invariants: addresses ascend; the elements of a type follow one another; no
 * element but a transport has address 0 (in a CDB that is the default
 * transport, and as a source it says "unknown").
 */
#include "target/changer/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

static const char *const type_names[] = {
	[ELEMENT_TRANSPORT] = "transport",
	[ELEMENT_STORAGE] = "slot",
	[ELEMENT_IMPORT_EXPORT] = "import/export slot",
	[ELEMENT_DRIVE] = "drive",
};

const char *element_type_name(enum element_type type)
{
	size_t n = (size_t)type;

	return n > 0 && n < sizeof(type_names) / sizeof(type_names[0]) ? type_names[n] : "element";
}

static bool elements_are_sound(const struct element *elements, size_t count)
{
	unsigned seen = 0;

	for (size_t i = 0; i < count; i++) {
		const struct element *e = &elements[i];

		if (e->type < ELEMENT_TRANSPORT || e->type > ELEMENT_DRIVE)
			return false;
		if (memchr(e->barcode, '\0', sizeof(e->barcode)) == NULL)
			return false;
		if (e->type == ELEMENT_TRANSPORT ? e->barcode[0] != '\0' : e->address == 0)
			return false;
		if (i > 0 && e->address <= e[-1].address)
			return false;
		if ((i == 0 || e->type != e[-1].type) && (seen & 1u << e->type) != 0)
			return false;
		seen |= 1u << e->type;
	}
	return (seen & 1u << ELEMENT_TRANSPORT) != 0;
}

int inventory_new(struct inventory *inventory, const struct element *elements, size_t count)
{
	struct element *copy;

	if (count == 0 || count > UINT16_MAX || !elements_are_sound(elements, count))
		return -EINVAL;
	copy = mem_try_alloc(count, sizeof(*copy));
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, elements, count * sizeof(*copy));
	inventory->elements = copy;
	inventory->count = count;
	return 0;
}

int inventory_copy(const struct inventory *from, struct inventory *to)
{
	struct element *copy = mem_try_alloc(from->count, sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, from->elements, from->count * sizeof(*copy));
	to->elements = copy;
	to->count = from->count;
	return 0;
}

void inventory_clear(struct inventory *inventory)
{
	free(inventory->elements);
	*inventory = (struct inventory){ 0 };
}

size_t inventory_from(const struct inventory *inventory, uint16_t address)
{
	size_t low = 0, high = inventory->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (inventory->elements[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct element *inventory_find(const struct inventory *inventory, uint16_t address)
{
	size_t n = inventory_from(inventory, address);

	if (n == inventory->count || inventory->elements[n].address != address)
		return NULL;
	return &inventory->elements[n];
}

struct inventory_span inventory_span(const struct inventory *inventory, enum element_type type)
{
	struct inventory_span span = { 0 };

	for (size_t i = 0; i < inventory->count; i++) {
		const struct element *e = &inventory->elements[i];

		if (e->type != type)
			continue;
		if (span.count++ == 0)
			span.first = e->address;
		span.last = e->address;
	}
	return span;
}

/* A bit for each address that a tape in a drive came from. */
static void inventory_mark_homes(const struct inventory *inventory, uint8_t homes[8192])
{
	memset(homes, 0, 8192);
	for (size_t i = 0; i < inventory->count; i++) {
		const struct element *e = &inventory->elements[i];

		if (e->type == ELEMENT_DRIVE && element_is_full(e))
			homes[e->source / 8] |= (uint8_t)(1u << e->source % 8);
	}
}

struct element *inventory_free_slot(const struct inventory *inventory, size_t *homes)
{
	uint8_t marked[8192];

	*homes = 0;
	inventory_mark_homes(inventory, marked);
	for (size_t i = 0; i < inventory->count; i++) {
		struct element *e = &inventory->elements[i];

		if (e->type != ELEMENT_STORAGE || e->disabled || element_is_full(e))
			continue;
		if ((marked[e->address / 8] & 1u << e->address % 8) == 0)
			return e;
		++*homes;
	}
	return NULL;
}

bool element_is_full(const struct element *element)
{
	return element->barcode[0] != '\0';
}

enum volume_kind barcode_volume_kind(const char *barcode)
{
	size_t length = strlen(barcode);
	const char *end = barcode + length;

	if (strncmp(barcode, "CLN", 3) == 0 || (length >= 2 && strcmp(end - 2, "CU") == 0))
		return VOLUME_CLEANING;
	/* LT to LZ are the WORM tapes of LTO-3 to LTO-9; L3 to L9 and M8 the others. */
	if (length >= 2 && end[-2] == 'L' && end[-1] >= 'T' && end[-1] <= 'Z')
		return VOLUME_WORM;
	return VOLUME_DATA;
}

void element_receive(struct element *to, const struct element *from)
{
	bool is_home = from->type == ELEMENT_STORAGE || from->type == ELEMENT_IMPORT_EXPORT;

	memcpy(to->barcode, from->barcode, sizeof(to->barcode));
	to->kind = from->kind;
	to->source = is_home ? from->address : from->source;
	to->imported = false;
}

void element_vacate(struct element *element)
{
	memset(element->barcode, 0, sizeof(element->barcode));
	element->kind = VOLUME_UNKNOWN;
	element->source = 0;
	element->imported = false;
}
