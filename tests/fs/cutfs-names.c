/* SPDX-License-Identifier: MIT */
/*
 * Names in cutfs: each directory has its live names and its durable ones;
 * between them lies one list of changes for the whole filesystem. Invariant:
 * applying the list in order to the durable names gives the live ones.
 * `held` of a node counts durable names and places in the list.
 */
#include "tests/fs/cutfs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

static size_t names_position(const struct cutfs_names *names, const char *name)
{
	size_t i = 0;
	while (i < names->count && strcmp(names->list[i].name, name) != 0)
		i++;
	return i;
}

struct cutfs_node *cutfs_names_find(const struct cutfs_names *names, const char *name)
{
	size_t i = names_position(names, name);
	return i < names->count ? names->list[i].node : NULL;
}

void cutfs_names_set(struct cutfs_names *names, const char *name, struct cutfs_node *node)
{
	size_t i = names_position(names, name);
	if (node != NULL && i == names->count) {
		ASSERT(mem_reserve(&names->list, &names->room, names->count + 1,
				   sizeof(*names->list)) == 0);
		names->list[names->count++].name = mem_strdup(name);
	}
	if (node != NULL) {
		names->list[i].node = node;
	} else if (i < names->count) {
		free(names->list[i].name);
		/* The order stays, so that a directory being read loses no entry. */
		memmove(&names->list[i], &names->list[i + 1],
			(names->count - i - 1) * sizeof(*names->list));
		names->count--;
	}
}

void cutfs_names_free(struct cutfs_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i].name);
	free(names->list);
	*names = (struct cutfs_names){NULL, 0, 0};
}

void cutfs_names_copy(struct cutfs_names *to, const struct cutfs_names *from)
{
	cutfs_names_free(to);
	for (size_t i = 0; i < from->count; i++)
		cutfs_names_set(to, from->list[i].name, from->list[i].node);
}

static void node_hold(struct cutfs_node *node)
{
	if (node != NULL)
		node->held++;
}

static void node_unhold(struct cutfs_node *node)
{
	if (node == NULL)
		return;
	ASSERT(node->held > 0);
	node->held--;
	cutfs_node_settle(node);
}

static void change_add(struct cutfs_change *change, struct cutfs_node *folder, const char *name,
		       struct cutfs_node *node)
{
	unsigned i = change->count++;
	change->set[i].folder = folder;
	change->set[i].name = mem_strdup(name);
	change->set[i].node = node;
	node_hold(folder);
	node_hold(node);
	cutfs_names_set(&folder->names, name, node);
	clock_gettime(CLOCK_REALTIME, &folder->attr.st_mtim);
	folder->attr.st_ctim = folder->attr.st_mtim;
}

void cutfs_change_names(struct cutfs_node *folder, const char *name, struct cutfs_node *node,
			struct cutfs_node *folder2, const char *name2, struct cutfs_node *node2)
{
	struct cutfs_change *change = mem_zalloc(sizeof(*change));
	change_add(change, folder, name, node);
	if (name2 != NULL)
		change_add(change, folder2, name2, node2);
	STAILQ_INSERT_TAIL(&cutfs.changes, change, next);
}

static void change_apply(const struct cutfs_change *change)
{
	for (unsigned i = 0; i < change->count; i++) {
		struct cutfs_names *names = &change->set[i].folder->durable_names;
		struct cutfs_node *old = cutfs_names_find(names, change->set[i].name);
		node_hold(change->set[i].node);
		cutfs_names_set(names, change->set[i].name, change->set[i].node);
		node_unhold(old);
	}
}

static void change_free(struct cutfs_change *change)
{
	for (unsigned i = 0; i < change->count; i++) {
		free(change->set[i].name);
		node_unhold(change->set[i].node);
		node_unhold(change->set[i].folder);
	}
	free(change);
}

static bool change_concerns(const struct cutfs_change *change, const struct cutfs_node *node)
{
	for (unsigned i = 0; i < change->count; i++) {
		if (change->set[i].folder == node || change->set[i].node == node)
			return true;
	}
	return false;
}

/* Journal: everything up to the last change that concerns the node. */
static void choose_journal(const struct cutfs_node *node)
{
	struct cutfs_change *change, *last = NULL;
	STAILQ_FOREACH(change, &cutfs.changes, next) {
		if (change_concerns(change, node))
			last = change;
	}
	STAILQ_FOREACH(change, &cutfs.changes, next) {
		if (last == NULL)
			break;
		change->chosen = true;
		if (change == last)
			break;
	}
}

/* Strict: the directory's own changes, and what a rename ties to them. The pass over the list
 * is repeated until no other directory has joined. */
static void choose_strict(struct cutfs_node *folder)
{
	struct cutfs_change *change;
	struct cutfs_node *node;
	bool again = true;
	LIST_FOREACH(node, &cutfs.nodes, all)
		node->marked = node == folder;
	while (again) {
		again = false;
		STAILQ_FOREACH(change, &cutfs.changes, next) {
			bool any = change->set[0].folder->marked ||
				   (change->count > 1 && change->set[1].folder->marked);
			for (unsigned i = 0; any && i < change->count; i++) {
				again |= !change->set[i].folder->marked;
				change->set[i].folder->marked = true;
			}
			change->chosen |= any;
		}
	}
}

void cutfs_changes_sync(struct cutfs_node *node)
{
	struct cutfs_changes keep = STAILQ_HEAD_INITIALIZER(keep);
	struct cutfs_change *change;
	if (cutfs.model == CUTFS_JOURNAL)
		choose_journal(node);
	else if (S_ISDIR(node->attr.st_mode))
		choose_strict(node);
	while ((change = STAILQ_FIRST(&cutfs.changes)) != NULL) {
		STAILQ_REMOVE_HEAD(&cutfs.changes, next);
		if (change->chosen) {
			change_apply(change);
			change_free(change);
		} else {
			STAILQ_INSERT_TAIL(&keep, change, next);
		}
	}
	STAILQ_CONCAT(&cutfs.changes, &keep);
}
