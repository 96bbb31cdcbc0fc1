/* SPDX-License-Identifier: MIT */
/*
 * What the log says when tapes change their places, whoever wanted it: a host, an operator, a new tape,
 * a deleted one. Told from the inventory before and after; called with the library's lock held.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "target/service/moves.h"

#define PLACE_TEXT_MAX 48

static const char *place_text(const struct element *place, char text[PLACE_TEXT_MAX])
{
	if (!place)
		return "the shelf";
	snprintf(text, PLACE_TEXT_MAX, "%s %u", element_type_name(place->type), place->address);
	return text;
}

static bool place_changed(const struct element *was, const struct element *is)
{
	return strcmp(was->barcode, is->barcode) != 0;
}

/* Where a tape is among the places that differ. */
static const struct element *moves_find(const struct element *in, const struct element *other, size_t count,
					const char *barcode)
{
	for (size_t i = 0; i < count; i++)
		if (place_changed(&in[i], &other[i]) && strcmp(in[i].barcode, barcode) == 0)
			return &in[i];
	return NULL;
}

void moves_log(const char *library, const struct element *was, const struct element *is, size_t count)
{
	char from[PLACE_TEXT_MAX], to[PLACE_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		if (!place_changed(&was[i], &is[i]))
			continue;
		if (*is[i].barcode)
			log_info("%s: tape %s: from %s to %s", library, is[i].barcode,
				 place_text(moves_find(was, is, count, is[i].barcode), from),
				 place_text(&is[i], to));
		if (*was[i].barcode && !moves_find(is, was, count, was[i].barcode))
			log_info("%s: tape %s: from %s to %s", library, was[i].barcode,
				 place_text(&was[i], from), place_text(NULL, to));
	}
}
