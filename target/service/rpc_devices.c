/* SPDX-License-Identifier: MIT */
/*
 * vtl.drives, elements, load, unload, move, put, take. The changer does what is
 * asked in turn with the hosts' commands, and its sentence is the answer when it
 * does not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "target/service/rpc.h"
#include "target/service/tapes.h"

struct inventory_copy {
	struct element *elements;
	size_t count;
};

static int devices_inventory(struct rpc_call *call, struct library *library,
			     struct inventory_copy *copy)
{
	int error = changer_inventory(library->changer, &copy->elements, &copy->count);

	return error ? rpc_say(call, error, "the inventory cannot be read: %s", strerror(-error)) : 0;
}

static void devices_free(struct inventory_copy *copy)
{
	free(copy->elements);
}
#define CLEANUP_INVENTORY __attribute__((cleanup(devices_free)))

static const struct element *devices_at(const struct inventory_copy *copy, uint64_t address)
{
	for (size_t i = 0; i < copy->count; i++)
		if (copy->elements[i].address == address)
			return &copy->elements[i];
	return NULL;
}

static json_t *devices_drive(struct library *library, const struct inventory_copy *copy, size_t n)
{
	const struct library_drive *drive = &library->config.drives[n];
	const struct element *element = devices_at(copy, drive->address);
	struct drive_state state;

	drive_get_state(library->drives[n], &state);
	return json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, "
			 "s:I, s:I}",
			 "library", library->config.name, "lun", (json_int_t)(n + 1), "address",
			 (json_int_t)drive->address, "model", drive->model->name, "serial",
			 drive->identity.serial, "barcode", element ? element->barcode : "", "activity",
			 state.activity ? state.activity : "idle", "present", (int)state.present, "loaded",
			 (int)state.loaded, "write_protected", (int)state.write_protected, "prevented",
			 (int)state.prevented, "encrypting", (int)state.encrypting, "partition",
			 (json_int_t)state.partition, "object", (json_int_t)state.object, "file",
			 (json_int_t)state.file, "written", (json_int_t)state.written, "read",
			 (json_int_t)state.read, "mounts", (json_int_t)state.mounts, "alerts",
			 (json_int_t)state.alerts);
}

static int devices_list_drives(struct rpc_call *call, struct library *library, json_t *list)
{
	CLEANUP_INVENTORY struct inventory_copy copy = {0};
	int error = devices_inventory(call, library, &copy);

	for (size_t n = 0; n < library->config.drive_count && !error; n++)
		json_array_append_new(list, devices_drive(library, &copy, n));
	return error;
}

int rpc_vtl_drives(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	json_t *list = json_array();
	const char *name = NULL;
	int error = rpc_optional_text(call, "name", &name);

	if (!error && name)
		error = rpc_library(call, "name", &library);
	if (!error && library)
		error = devices_list_drives(call, library, list);
	for (size_t n = 0; !error && !name; n++) {
		CLEANUP_LIBRARY struct library *next = library_at(call->service, n);

		if (!next)
			break;
		error = devices_list_drives(call, next, list);
	}
	if (error) {
		json_decref(list);
		return error;
	}
	return rpc_answer(call, json_pack("{s:o}", "drives", list));
}

int rpc_vtl_elements(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	CLEANUP_INVENTORY struct inventory_copy copy = {0};
	json_t *list;
	int error = rpc_library(call, "name", &library);

	if (!error)
		error = devices_inventory(call, library, &copy);
	if (error)
		return error;
	list = json_array();
	for (size_t i = 0; i < copy.count; i++) {
		const struct element *e = &copy.elements[i];

		json_array_append_new(list,
				      json_pack("{s:I, s:s, s:s, s:I, s:b, s:b}", "address",
						(json_int_t)e->address, "type", element_type_name(e->type),
						"barcode", e->barcode, "source", (json_int_t)e->source,
						"imported", (int)e->imported, "disabled",
						(int)e->disabled));
	}
	return rpc_answer(call, json_pack("{s:o}", "elements", list));
}

/* A text of digits, or a number. */
static bool devices_number(const json_t *value, uint64_t *number)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*number = (uint64_t)json_integer_value(value);
		return true;
	}
	if (!text || !*text || strlen(text) > 5 || text[strspn(text, "0123456789")])
		return false;
	*number = strtoull(text, NULL, 10);
	return true;
}

/* A place by its address, or by the barcode of the tape in it. */
static int devices_place(struct rpc_call *call, struct library *library,
			 const struct inventory_copy *copy, const char *param,
			 const struct element **place)
{
	struct tape tape;
	const json_t *value = json_object_get(call->params, param);
	const char *text = json_string_value(value);
	uint64_t number;

	for (size_t i = 0; text && *text && i < copy->count; i++) {
		if (strcmp(copy->elements[i].barcode, text) == 0) {
			*place = &copy->elements[i];
			return 0;
		}
	}
	*place = devices_number(value, &number) ? devices_at(copy, number) : NULL;
	if (*place)
		return 0;
	if (!text && !json_is_integer(value))
		return rpc_say(call, RPC_INVALID_PARAMS, "\"%s\" must be an address or a barcode", param);
	if (text && tape_find(library, text, &tape) == 0) {
		tape_clear(&tape);
		return rpc_say(call, -ENOENT, "tape %.40s is on the shelf of library %s: granary vtl put %s %.40s",
			       text, library->config.name, library->config.name, text);
	}
	if (text)
		return rpc_say(call, -ENOENT, "there is no place %.40s, and no place has such a tape", text);
	return rpc_say(call, -ENOENT, "there is no place %lld", (long long)json_integer_value(value));
}

/* A drive by its address, or where there is no such place by its LUN. */
static int devices_find_drive(struct rpc_call *call, struct library *library,
			      const struct inventory_copy *copy, const struct element **place)
{
	const json_t *value = json_object_get(call->params, "drive");
	const struct element *found;
	uint64_t number;

	if (!devices_number(value, &number))
		return devices_place(call, library, copy, "drive", place);
	found = devices_at(copy, number);
	if (number >= 1 && number <= library->config.drive_count &&
	    (!found || found->type != ELEMENT_DRIVE))
		found = devices_at(copy, library->config.drives[number - 1].address);
	if (!found || found->type != ELEMENT_DRIVE)
		return rpc_say(call, -ENOENT, "library %s has no drive %llu", library->config.name,
			       (unsigned long long)number);
	*place = found;
	return 0;
}

/* A tape in a drive is to come back here. */
static bool devices_is_home(const struct inventory_copy *copy, uint16_t address)
{
	for (size_t i = 0; i < copy->count; i++)
		if (copy->elements[i].type == ELEMENT_DRIVE && *copy->elements[i].barcode &&
		    copy->elements[i].source == address)
			return true;
	return false;
}

/* The first empty one of a type; a slot that a tape in a drive came from only where there is no other. */
static const struct element *devices_empty(const struct inventory_copy *copy, enum element_type type)
{
	const struct element *home = NULL;

	for (size_t i = 0; i < copy->count; i++) {
		const struct element *e = &copy->elements[i];

		if (e->type != type || *e->barcode || e->disabled)
			continue;
		if (type != ELEMENT_STORAGE || !devices_is_home(copy, e->address))
			return e;
		home = home ? home : e;
	}
	return home;
}

/* What is to go from where to where in a library. */
struct journey {
	struct library *library;
	struct inventory_copy copy;
	const struct element *from, *to; /* of the copy */
};

static void journey_clear(struct journey *j)
{
	devices_free(&j->copy);
	library_release(&j->library);
}
#define CLEANUP_JOURNEY __attribute__((cleanup(journey_clear)))

static int journey_begin(struct rpc_call *call, struct journey *j)
{
	int error = rpc_library(call, "name", &j->library);

	return error ? error : devices_inventory(call, j->library, &j->copy);
}

/* `choose` sets from and to. */
static int journey_make(struct rpc_call *call,
			int (*choose)(struct rpc_call *call, struct journey *j))
{
	CLEANUP_JOURNEY struct journey j = {0};
	int error = journey_begin(call, &j);

	if (!error)
		error = choose(call, &j);
	if (!error)
		error = changer_move(j.library->changer, j.from->address, j.to->address, call->message);
	return error ? error
		     : rpc_answer(call, json_pack("{s:s, s:I, s:s, s:I, s:s}", "barcode", j.from->barcode,
						  "from", (json_int_t)j.from->address, "from_type",
						  element_type_name(j.from->type), "to",
						  (json_int_t)j.to->address, "to_type",
						  element_type_name(j.to->type)));
}

static int choose_load(struct rpc_call *call, struct journey *j)
{
	int error = devices_place(call, j->library, &j->copy, "from", &j->from);

	if (!error && j->from->type == ELEMENT_DRIVE && *j->from->barcode)
		return rpc_say(call, -EEXIST, "tape %s is in drive %u already", j->from->barcode,
			       j->from->address);
	if (!error && json_object_get(call->params, "drive"))
		return devices_find_drive(call, j->library, &j->copy, &j->to);
	if (error)
		return error;
	j->to = devices_empty(&j->copy, ELEMENT_DRIVE);
	return j->to ? 0
		     : rpc_say(call, -EBUSY, "no drive of library %s is empty", j->library->config.name);
}

static int choose_unload(struct rpc_call *call, struct journey *j)
{
	bool said = json_object_get(call->params, "to") != NULL;
	int error = devices_find_drive(call, j->library, &j->copy, &j->from);

	if (!error && said)
		error = devices_place(call, j->library, &j->copy, "to", &j->to);
	if (error)
		return error;
	if (j->from->type != ELEMENT_DRIVE)
		return rpc_say(call, -EINVAL, "tape %s is in no drive", j->from->barcode);
	if (said && j->to->type == ELEMENT_DRIVE)
		return rpc_say(call, -EINVAL, "%u is a drive: a tape is unloaded into a slot", j->to->address);
	if (said)
		return 0;
	j->to = devices_at(&j->copy, j->from->source);
	if (!j->to || j->to->type != ELEMENT_STORAGE || *j->to->barcode || j->to->disabled)
		j->to = devices_empty(&j->copy, ELEMENT_STORAGE);
	return j->to ? 0
		     : rpc_say(call, -ENOSPC, "library %s is full: no slot is free",
			       j->library->config.name);
}

static int choose_move(struct rpc_call *call, struct journey *j)
{
	int error = devices_place(call, j->library, &j->copy, "from", &j->from);

	return error ? error : devices_place(call, j->library, &j->copy, "to", &j->to);
}

int rpc_vtl_load(struct rpc_call *call)
{
	return journey_make(call, choose_load);
}

int rpc_vtl_unload(struct rpc_call *call)
{
	return journey_make(call, choose_unload);
}

int rpc_vtl_move(struct rpc_call *call)
{
	return journey_make(call, choose_move);
}

int rpc_vtl_put(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	const char *barcode;
	uint64_t wanted = 0;
	uint16_t address;
	int error = rpc_param_string(call->params, "barcode", &barcode, call->message);

	if (!error)
		error = rpc_optional_number(call, "address", &wanted);
	if (!error && wanted > UINT16_MAX)
		error = rpc_say(call, -ENOENT, "there is no place %llu", (unsigned long long)wanted);
	if (!error)
		error = rpc_library(call, "name", &library);
	if (error)
		return error;
	address = (uint16_t)wanted;
	error = tape_put(library, barcode, &address, call->message);
	return error ? error
		     : rpc_answer(call, json_pack("{s:s, s:I}", "barcode", barcode, "address",
						  (json_int_t)address));
}

int rpc_vtl_take(struct rpc_call *call)
{
	CLEANUP_JOURNEY struct journey j = {0};
	int error = journey_begin(call, &j);

	if (!error)
		error = devices_place(call, j.library, &j.copy, "from", &j.from);
	/* Without service->admin: the eject hook runs, and may want something of this daemon. */
	if (!error)
		error = changer_take_tape(j.library->changer, j.from->address,
					  *j.from->barcode ? j.from->barcode : NULL, call->message);
	return error ? error
		     : rpc_answer(call, json_pack("{s:s, s:I}", "barcode", j.from->barcode, "from",
						  (json_int_t)j.from->address));
}
