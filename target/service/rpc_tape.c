/* SPDX-License-Identifier: MIT */
/* tape.create, list, show, delete, restore, lock, protect, clone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/service/rpc.h"
#include "target/service/tapes.h"

static const char *tape_state_name(const struct tape *tape)
{
	switch (tape->state) {
	case TAPE_PLACED:
		return element_type_name(tape->place.type);
	case TAPE_SHELF:
		return "shelf";
	case TAPE_DELETED:
		return "deleted";
	}
	return "unknown";
}

/* tapes_purge() removes it then; 0 for one that is not deleted. */
static int64_t tape_restorable_until(struct library *library, const struct tape *tape)
{
	int64_t until;
	LOCK_SCOPE(&library->lock);

	until = tape->deleted + (int64_t)library->config.recycle_days * 86400;
	if (tape->state != TAPE_DELETED)
		return 0;
	return !tape->error && tape->info.locked_until > until ? tape->info.locked_until : until;
}

static json_t *tape_describe(struct library *library, const struct tape *tape)
{
	bool placed = tape->state == TAPE_PLACED;

	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:b, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
			 "barcode", tape->info.barcode, "library", library->config.name, "state",
			 tape_state_name(tape), "address", (json_int_t)(placed ? tape->place.address : 0),
			 "medium", tape->info.medium, "capacity", (json_int_t)tape->info.capacity, "used",
			 (json_int_t)tape->used, "partitions", (json_int_t)tape->info.partitions, "worm",
			 (int)tape->info.worm, "write_protected", (int)tape->info.write_protected,
			 "locked_until", (json_int_t)tape->info.locked_until, "created",
			 (json_int_t)tape->info.created, "deleted", (json_int_t)tape->deleted,
			 "restorable_until", (json_int_t)tape_restorable_until(library, tape), "uuid",
			 rpc_bytes(tape->info.uuid, 16), "path", rpc_text(tape->path), "error",
			 tape->error ? json_string(strerror(-tape->error)) : json_null());
}

static int tape_list_library(struct library *library, const char *only, json_t *list)
{
	struct tape *tapes = NULL;
	size_t count = 0;
	int error = tapes_list(library, &tapes, &count);

	for (size_t i = 0; i < count; i++)
		if (!only || strcmp(only, tapes[i].info.barcode) == 0)
			json_array_append_new(list, tape_describe(library, &tapes[i]));
	tapes_free(&tapes, count);
	return error;
}

/* The tapes of one library or of all, of one barcode or of all. */
static int tape_collect(struct rpc_call *call, const char *only, json_t **list)
{
	const char *name = NULL;
	CLEANUP_LIBRARY struct library *library = NULL;
	int error = rpc_optional_text(call, "library", &name);

	if (!error && name)
		error = rpc_library(call, "library", &library);
	if (error)
		return error;
	*list = json_array();
	for (size_t n = 0; !error; n++) {
		struct library *next = name ? NULL : library_at(call->service, n);

		if (!next && (!name || n))
			break;
		error = tape_list_library(next ? next : library, only, *list);
		library_release(&next);
	}
	if (!error)
		return 0;
	json_decref(*list);
	return rpc_say(call, error, "the tapes cannot be listed: %s", strerror(-error));
}

int rpc_tape_list(struct rpc_call *call)
{
	json_t *list;
	int error = tape_collect(call, NULL, &list);

	return error ? error : rpc_answer(call, json_pack("{s:o}", "tapes", list));
}

int rpc_tape_show(struct rpc_call *call)
{
	const char *barcode;
	json_t *list, *tape, *best = NULL;
	size_t i;
	int error = rpc_param_string(call->params, "barcode", &barcode, call->message);

	if (!error)
		error = tape_collect(call, barcode, &list);
	if (error)
		return error;
	/* One that is there comes before those that were deleted, of which the last counts. */
	json_array_foreach(list, i, tape)
	{
		bool deleted = json_integer_value(json_object_get(tape, "deleted")) != 0;

		if (!best || !deleted || json_integer_value(json_object_get(best, "deleted")) != 0)
			best = tape;
	}
	json_incref(best);
	json_decref(list);
	return best ? rpc_answer(call, best) : rpc_say(call, -ENOENT, "there is no tape %.40s", barcode);
}

/* The library that the params name, or the one that has the tape. */
static int tape_library(struct rpc_call *call, const char *barcode, struct library **library)
{
	const char *name = NULL;
	int error = rpc_optional_text(call, "library", &name);

	if (error)
		return error;
	if (name)
		return rpc_library(call, "library", library);
	*library = tape_find_library(call->service, barcode);
	return *library ? 0 : rpc_say(call, -ENOENT, "there is no tape %.40s", barcode);
}

/* Where a tape is that has just come to be: a free slot, or the shelf and why. */
static json_t *tape_place_one(struct library *library, const char *barcode, bool shelf)
{
	char message[256] = "";
	uint16_t address = 0;

	if (!shelf && tape_put(library, barcode, &address, message))
		address = 0;
	return json_pack("{s:s, s:s, s:s, s:I, s:o}", "barcode", barcode, "library",
			 library->config.name, "state", address ? "slot" : "shelf", "address",
			 (json_int_t)address, "reason", *message ? json_string(message) : json_null());
}

static json_t *tape_place_new(struct library *library, char **barcodes, size_t count, bool shelf)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, tape_place_one(library, barcodes[i], shelf));
	return list;
}

static int tape_create(struct rpc_call *call, const struct tape_plan *plan, struct library **library,
		       char ***barcodes, size_t *count)
{
	struct library_config config;
	LOCK_SCOPE(&call->service->admin);
	int error = rpc_library(call, "library", library);

	if (error)
		return error;
	{
		LOCK_SCOPE(&(*library)->lock);
		config = (*library)->config; /* what is used of it stays */
	}
	return tapes_make(call->service, &config, config.tapes, plan, barcodes, count, call->message);
}

int rpc_tape_create(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	struct tape_plan plan = {.count = 1};
	char **barcodes = NULL;
	size_t count = 0;
	bool shelf = false;
	int error = rpc_optional_text(call, "barcode", &plan.barcode);

	if (!error)
		error = rpc_optional_text(call, "prefix", &plan.prefix);
	if (!error)
		error = rpc_optional_text(call, "medium", &plan.medium);
	if (!error)
		error = rpc_optional_number(call, "count", &plan.count);
	if (!error)
		error = rpc_optional_number(call, "size", &plan.size);
	if (!error)
		error = rpc_optional_flag(call, "shelf", &shelf);
	if (!error)
		error = rpc_optional_flag(call, "force", &plan.force);
	if (!error && plan.barcode && (plan.count != 1 || plan.prefix))
		error = rpc_say(call, -EINVAL, "a barcode is that of one tape");
	if (!error)
		error = tape_create(call, &plan, &library, &barcodes, &count);
	if (error)
		return error;
	json_t *list = tape_place_new(library, barcodes, count, shelf);

	tape_barcodes_free(&barcodes, count);
	return rpc_answer(call, json_pack("{s:o}", "tapes", list));
}

int rpc_tape_delete(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	const char *barcode;
	bool purge = false;
	int error = rpc_param_string(call->params, "barcode", &barcode, call->message);

	if (!error)
		error = rpc_optional_flag(call, "purge", &purge);
	if (error)
		return error;
	error = tape_library(call, barcode, &library);
	if (!error)
		error = tape_delete(library, barcode, purge, call->message);
	if (error)
		return error;
	CLEANUP_FREE char *folder = mem_strdup(library->config.tapes);
	{
		LOCK_SCOPE(&library->lock);
		error = rpc_answer(call, json_pack("{s:s, s:s, s:I}", "barcode", barcode, "library",
						   library->config.name, "restorable_days",
						   (json_int_t)(purge ? 0 : library->config.recycle_days)));
	}
	library_release(&library);
	service_sweep(call->service, folder);
	return error;
}

/* Without a library's name: the first that has deleted such a tape. */
static int tape_deleted_library(struct rpc_call *call, const char *barcode, struct library **library)
{
	for (size_t n = 0; (*library = library_at(call->service, n)) != NULL; n++) {
		struct tape *tapes = NULL;
		size_t count = 0;
		bool found = false;

		if (tapes_list(*library, &tapes, &count) == 0)
			for (size_t i = 0; i < count; i++)
				found = found || (tapes[i].state == TAPE_DELETED &&
						  strcmp(tapes[i].info.barcode, barcode) == 0);
		tapes_free(&tapes, count);
		if (found)
			return 0;
		library_release(library);
	}
	return rpc_say(call, -ENOENT, "there is no deleted tape %.40s", barcode);
}

int rpc_tape_restore(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	const char *barcode, *name = NULL;
	int error = rpc_param_string(call->params, "barcode", &barcode, call->message);

	if (!error)
		error = rpc_optional_text(call, "library", &name);
	if (error)
		return error;
	{
		LOCK_SCOPE(&call->service->admin);
		error = name ? rpc_library(call, "library", &library)
			     : tape_deleted_library(call, barcode, &library);
		if (!error)
			error = tape_restore(library, barcode, call->message);
	}
	return error ? error : rpc_answer(call, tape_place_one(library, barcode, false));
}

int rpc_tape_lock(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	const char *barcode;
	uint64_t until;
	int error = rpc_param_string(call->params, "barcode", &barcode, call->message);

	if (!error)
		error = rpc_param_number(call->params, "until", &until, call->message);
	if (error)
		return error;
	LOCK_SCOPE(&call->service->admin);
	error = tape_library(call, barcode, &library);
	if (!error)
		error = tape_lock(library, barcode, (int64_t)until, call->message);
	return error ? error
		     : rpc_answer(call, json_pack("{s:s, s:I}", "barcode", barcode, "locked_until",
						  (json_int_t)until));
}

int rpc_tape_protect(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	const json_t *on = json_object_get(call->params, "on");
	const char *barcode;
	int error = rpc_param_string(call->params, "barcode", &barcode, call->message);

	if (!error && !json_is_boolean(on))
		error = rpc_say(call, RPC_INVALID_PARAMS, "\"on\" must be true or false");
	if (error)
		return error;
	LOCK_SCOPE(&call->service->admin);
	error = tape_library(call, barcode, &library);
	if (!error)
		error = tape_protect(library, barcode, json_is_true(on), call->message);
	return error ? error
		     : rpc_answer(call, json_pack("{s:s, s:b}", "barcode", barcode, "write_protected",
						  json_is_true(on)));
}

int rpc_tape_clone(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *from = NULL, *to = NULL;
	const char *barcode, *clone, *name = NULL;
	bool force = false;
	int error = rpc_param_string(call->params, "barcode", &barcode, call->message);

	if (!error)
		error = rpc_param_string(call->params, "clone", &clone, call->message);
	if (!error)
		error = rpc_optional_text(call, "to", &name);
	if (!error)
		error = rpc_optional_flag(call, "force", &force);
	if (!error)
		error = tape_library(call, barcode, &from);
	if (!error && name)
		error = rpc_library(call, "to", &to);
	if (!error)
		error = tape_clone(from, barcode, to ? to : from, clone, force, call->message);
	return error ? error : rpc_answer(call, tape_place_one(to ? to : from, clone, false));
}
