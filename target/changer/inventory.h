/* SPDX-License-Identifier: MIT */
/*
 * The elements of a library and what is in them: a sorted array, and the
 * questions that commands put to it. It knows neither drives nor hosts.
 */
#ifndef TARGET_CHANGER_INVENTORY_H
#define TARGET_CHANGER_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/changer/changer.h"

struct inventory {
	struct element *elements; /* ascending by address; each type in one piece */
	size_t count;
};

/* First and last address of a type. */
struct inventory_span {
	uint16_t first, last;
	size_t count; /* elements that are there; 0: no such type, addresses not set */
};

/* Copies `elements`. 0, -ENOMEM, or -EINVAL when they are not what the invariants say. */
int inventory_new(struct inventory *inventory, const struct element *elements, size_t count);
int inventory_copy(const struct inventory *from, struct inventory *to);
void inventory_clear(struct inventory *inventory);

/* NULL: no such address. */
struct element *inventory_find(const struct inventory *inventory, uint16_t address);
/* The index of the first element at or after the address; count when there is none. */
size_t inventory_from(const struct inventory *inventory, uint16_t address);
struct inventory_span inventory_span(const struct inventory *inventory, enum element_type type);
/* The first empty, accessible storage element that no tape in a drive has to go back to; or NULL, and how
 * many there are that one has to. */
struct element *inventory_free_slot(const struct inventory *inventory, size_t *homes);

bool element_is_full(const struct element *element);
/* What a barcode says of its cartridge; what says nothing is for data. */
enum volume_kind barcode_volume_kind(const char *barcode);
/* Puts a cartridge that comes from `from` into an element, and notes where it has been. `from` is as
 * it was before. */
void element_receive(struct element *to, const struct element *from);
void element_vacate(struct element *element);

#endif
