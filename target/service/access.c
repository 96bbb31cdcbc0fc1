/* SPDX-License-Identifier: MIT */
/*
 * Access rows: lists of them in memory, and their checks. The order of the rows
 * counts (the first that matches), so a change of a row keeps its place, and a
 * new one goes before the rows that would match all that it does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/secret.h"
#include "target/service/library.h"
#include "target/service/names.h"

static bool access_is_any(const char *initiator)
{
	return !*initiator || strcmp(initiator, "*") == 0;
}

static bool access_same(const struct iscsi_access *row, const char *initiator, const char *network)
{
	bool same = access_is_any(row->initiator) && access_is_any(initiator);

	return (same || strcasecmp(row->initiator, initiator) == 0) &&
	       strcasecmp(row->network, network) == 0;
}

static size_t access_find(const struct access_list *list, const char *initiator, const char *network)
{
	size_t i = 0;

	while (i < list->count && !access_same(&list->rows[i], initiator, network))
		i++;
	return i;
}

/* Rows that name less come later: a whole initiator first, then patterns, longest first, any last;
 * of the same name those with a network first. */
static size_t access_weight(const struct iscsi_access *row)
{
	size_t length = access_is_any(row->initiator) ? 0 : strlen(row->initiator);
	bool whole = length && row->initiator[length - 1] != '*';

	return (whole ? 2 * SCSI_NAME_MAX : length) * 2 + (*row->network ? 1 : 0);
}

int access_list_put(struct access_list *list, const struct iscsi_access *row)
{
	size_t place = access_find(list, row->initiator, row->network);
	struct iscsi_access *rows;

	if (place < list->count) {
		list->rows[place] = *row;
		return 0;
	}
	if (list->count >= LIBRARY_ACCESS_MAX)
		return -E2BIG;
	/* Not realloc(): it might leave secrets in memory that is free. */
	rows = secret_alloc(list->count + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	place = 0;
	while (place < list->count && access_weight(&list->rows[place]) >= access_weight(row))
		place++;
	if (place)
		memcpy(rows, list->rows, place * sizeof(*rows));
	rows[place] = *row;
	if (list->count > place)
		memcpy(rows + place + 1, list->rows + place, (list->count - place) * sizeof(*rows));
	size_t count = list->count + 1;
	access_list_clear(list);
	*list = (struct access_list){.rows = rows, .count = count, .closed = true};
	return 0;
}

int access_list_remove(struct access_list *list, const char *initiator, const char *network)
{
	size_t place = access_find(list, initiator, network);

	if (place == list->count)
		return -ENOENT;
	memmove(list->rows + place, list->rows + place + 1,
		(list->count - place - 1) * sizeof(*list->rows));
	list->count--;
	explicit_bzero(&list->rows[list->count], sizeof(*list->rows));
	return 0;
}

int access_list_copy(const struct access_list *list, struct access_list *copy)
{
	*copy = (struct access_list){.closed = list->closed};
	if (!list->count)
		return 0;
	copy->rows = secret_alloc(list->count, sizeof(*copy->rows));
	if (!copy->rows)
		return -ENOMEM; /* and closed: nobody gets in by mistake */
	memcpy(copy->rows, list->rows, list->count * sizeof(*copy->rows));
	copy->count = list->count;
	return 0;
}

static bool access_has_secrets(const struct access_list *list, const struct iscsi_access *row)
{
	const struct iscsi_access *r = list->rows;

	for (size_t i = 0; i < list->count; i++, r++)
		if (strcmp(r->initiator, row->initiator) == 0 && strcmp(r->network, row->network) == 0 &&
		    strcmp(r->user, row->user) == 0 && strcmp(r->secret, row->secret) == 0 &&
		    strcmp(r->mutual_user, row->mutual_user) == 0 &&
		    strcmp(r->mutual_secret, row->mutual_secret) == 0)
			return true;
	return false;
}

int access_list_join(const struct access_list *first, const struct access_list *then, struct access_list *both)
{
	*both = (struct access_list){.closed = true};
	if (!first->count && !then->count)
		return 0;
	both->rows = secret_alloc(first->count + then->count, sizeof(*both->rows));
	if (!both->rows)
		return -ENOMEM;
	if (first->count)
		memcpy(both->rows, first->rows, first->count * sizeof(*both->rows));
	both->count = first->count;
	for (size_t i = 0; i < then->count; i++)
		if (!access_has_secrets(first, &then->rows[i]))
			both->rows[both->count++] = then->rows[i];
	return 0;
}

const struct iscsi_access *access_list_rows(const struct access_list *list)
{
	static const struct iscsi_access none;

	return list->count ? list->rows : list->closed ? &none : NULL;
}

void access_list_clear(struct access_list *list)
{
	secret_free(list->rows);
	*list = (struct access_list){0};
}

static int access_say(char message[256], const char *what, const char *wrong)
{
	snprintf(message, 256, "%s %s", what, wrong);
	return -EINVAL;
}

int access_row_check(const struct iscsi_access *row, char message[256])
{
	const char *wrong;

	wrong = name_check_initiator(row->initiator);
	if (wrong)
		return access_say(message, "an initiator", wrong);
	wrong = name_check_network(row->network);
	if (wrong)
		return access_say(message, "a network", wrong);
	if (!*row->user && (*row->secret || *row->mutual_user))
		return access_say(message, "a secret", "needs the name of its user");
	wrong = *row->user ? name_check_user(row->user) : NULL;
	if (!wrong && *row->mutual_user)
		wrong = name_check_user(row->mutual_user);
	if (wrong)
		return access_say(message, "a user", wrong);
	wrong = *row->user ? name_check_secret(row->secret) : NULL;
	if (!wrong && (*row->mutual_user || *row->mutual_secret))
		wrong = *row->mutual_user ? name_check_secret(row->mutual_secret)
					  : "needs the name of its user";
	if (!wrong && *row->user && strcmp(row->secret, row->mutual_secret) == 0)
		wrong = "must not be the same in both directions";
	return wrong ? access_say(message, "a secret", wrong) : 0;
}
