/* SPDX-License-Identifier: MIT */
/* vtl.create, list, show, update, delete, reopen, personalities. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/service/names.h"
#include "target/service/rpc.h"
#include "target/service/tapes.h"
#include "target/tape/media.h"

#define DEFAULT_PERSONALITY "stk-l700"
#define DEFAULT_DRIVES	    2u
#define DEFAULT_SLOTS	    20u
#define DEFAULT_IMPORT	    4u
#define DEFAULT_TAPES	    10u
#define DEFAULT_RECYCLE	    7u

struct counts {
	uint64_t slots, import_slots, placed;
};

static struct counts library_counts(const struct library_config *config)
{
	struct counts counts = {0};

	for (size_t i = 0; i < config->element_count; i++) {
		counts.slots += config->elements[i].type == ELEMENT_STORAGE;
		counts.import_slots += config->elements[i].type == ELEMENT_IMPORT_EXPORT;
		counts.placed += *config->elements[i].barcode != '\0';
	}
	return counts;
}

static json_t *library_portals(const struct service *service)
{
	json_t *portals = json_array();

	for (char **p = service->portals; p && *p; p++)
		json_array_append_new(portals, json_string(*p));
	return portals;
}

/* Everything but what lists of their own are for. */
static json_t *library_describe(struct library *library)
{
	size_t sessions = library_sessions(library);
	int missing = library_folder_error(library->config.tapes); /* which may take its time */
	LOCK_SCOPE(&library->lock);
	const struct library_config *config = &library->config;
	struct counts counts = library_counts(config);

	return json_pack(
		"{s:s, s:s, s:o, s:s, s:o, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:b, s:I, s:I, s:o, s:o}",
		"name", config->name, "state", missing ? "no folder" : "served", "reason",
		missing ? json_string(strerror(-missing)) : json_null(), "iqn", config->iqn, "uuid", rpc_bytes(config->uuid, 16),
		"personality", config->personality->name, "title", config->personality->title,
		"drive_model", config->drives[0].model->name, "serial", config->identity.serial,
		"drives", (json_int_t)config->drive_count, "slots", (json_int_t)counts.slots,
		"import_slots", (json_int_t)counts.import_slots, "placed_tapes",
		(json_int_t)counts.placed, "tape_size", (json_int_t)config->tape_size, "encryption",
		(int)config->encryption, "recycle_days", (json_int_t)config->recycle_days,
		"open", (int)!config->access.closed, "access_rows", (json_int_t)config->access.count, "sessions", (json_int_t)sessions,
		"folder", rpc_text(config->tapes), "portals", library_portals(library->service));
}

/* One that is not served has the same members: what is not known of it is null. */
static json_t *library_describe_failed(const char *name, const char *reason)
{
	static const char *const unknown[] = {
		"iqn", "uuid", "personality", "title", "drive_model", "serial", "drives", "slots",
		"import_slots", "placed_tapes", "tape_size", "encryption", "recycle_days", "open", "access_rows",
		"sessions", "folder", "portals"};
	json_t *object = json_pack("{s:o, s:s, s:o}", "name", rpc_text(name), "state", "failed", "reason",
				   rpc_text(reason));

	for (size_t i = 0; object && i < sizeof(unknown) / sizeof(unknown[0]); i++)
		json_object_set_new(object, unknown[i], json_null());
	return object;
}

/* 0 is what the medium has. */
static int library_check_size(struct rpc_call *call, uint64_t size)
{
	if (size && size < TAPE_SIZE_LEAST)
		return rpc_say(call, -EINVAL, "a tape has at least %u MiB", TAPE_SIZE_LEAST >> 20);
	return size > INT64_MAX ? rpc_say(call, -EINVAL, "a tape of this size is not possible") : 0;
}

struct create_params {
	struct library_plan plan;
	struct library_request request;
	const char *folder;
	bool slots_given, tapes_given;
};

static int create_read(struct rpc_call *call, struct create_params *p)
{
	struct library_plan *plan = &p->plan;
	struct library_request *request = &p->request;
	int error = rpc_param_string(call->params, "name", &plan->name, call->message);

	if (!error)
		error = rpc_optional_text(call, "personality", &plan->personality);
	if (!error)
		error = rpc_optional_text(call, "drive", &plan->drive);
	if (!error)
		error = rpc_optional_text(call, "folder", &p->folder);
	if (!error)
		error = rpc_optional_number(call, "drives", &plan->drives);
	if (!error)
		error = rpc_optional_number(call, "slots", &plan->slots);
	if (!error)
		error = rpc_optional_number(call, "import_slots", &plan->import_slots);
	if (!error)
		error = rpc_optional_number(call, "tape_size", &plan->tape_size);
	if (!error)
		error = rpc_optional_number(call, "recycle_days", &plan->recycle_days);
	if (!error)
		error = rpc_optional_flag(call, "encryption", &plan->encryption);
	if (!error)
		error = rpc_optional_text(call, "medium", &request->medium);
	if (!error)
		error = rpc_optional_text(call, "barcode", &request->barcode);
	if (!error)
		error = rpc_optional_number(call, "tapes", &request->tapes);
	if (!error)
		error = rpc_optional_flag(call, "force", &request->force);
	return error ? error : rpc_optional_flag(call, "adopt", &request->adopt);
}

/* What was not said follows from what was: room for the tapes, and not more tapes than room. */
static void create_defaults(struct create_params *p)
{
	if (p->request.tapes == UINT64_MAX) {
		p->request.tapes = p->request.adopt ? 0 : DEFAULT_TAPES;
		if (p->plan.slots < p->request.tapes)
			p->request.tapes = p->plan.slots;
	}
	if (p->plan.slots == UINT64_MAX)
		p->plan.slots = p->request.tapes > DEFAULT_SLOTS ? p->request.tapes : DEFAULT_SLOTS;
}

int rpc_vtl_create(struct rpc_call *call)
{
	struct create_params p = {
		.plan = {.personality = DEFAULT_PERSONALITY,
			 .drives = DEFAULT_DRIVES,
			 .slots = UINT64_MAX,
			 .import_slots = DEFAULT_IMPORT,
			 .recycle_days = DEFAULT_RECYCLE,
			 .iqn_prefix = call->service->settings.iqn_prefix,
			 .serial_is_used = service_serial_is_used,
			 .context = call->service},
		.request = {.tapes = UINT64_MAX},
	};
	CLEANUP_LIBRARY struct library *library = NULL;
	CLEANUP_FREE char *folder = NULL;
	int error = create_read(call, &p);
	const char *wrong = error ? NULL : name_check_library(p.plan.name);

	if (error)
		return error;
	if (wrong)
		return rpc_say(call, -EINVAL, "a library's name %s", wrong);
	if (p.folder && p.folder[0] != '/')
		return rpc_say(call, -EINVAL, "the folder of the tapes must be an absolute path");
	if (p.request.adopt && p.request.tapes != UINT64_MAX && p.request.tapes)
		return rpc_say(call, -EINVAL, "tapes are either adopted or made");
	error = library_check_size(call, p.plan.tape_size);
	if (error)
		return error;
	create_defaults(&p);
	folder = p.folder ? mem_strdup(p.folder)
			  : mem_printf("%s/%s", call->service->tapes, p.plan.name);
	for (size_t end = strlen(folder); end > 1 && folder[end - 1] == '/'; end--)
		folder[end - 1] = '\0';
	p.plan.tapes = folder;
	p.request.plan = &p.plan;
	error = library_create(call->service, &p.request, &library, call->message);
	return error ? error : rpc_answer(call, library_describe(library));
}

int rpc_vtl_list(struct rpc_call *call)
{
	json_t *list = json_array();
	char name[LIBRARY_FILE_MAX], reason[LIBRARY_MESSAGE];
	struct library *library;

	for (size_t n = 0; (library = library_at(call->service, n)) != NULL; n++) {
		json_array_append_new(list, library_describe(library));
		library_release(&library);
	}
	for (size_t n = 0; failed_at(call->service, n, name, reason); n++)
		json_array_append_new(list, library_describe_failed(name, reason));
	return rpc_answer(call, json_pack("{s:o}", "libraries", list));
}

int rpc_vtl_show(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	char reason[LIBRARY_MESSAGE];
	int error = rpc_library(call, "name", &library);
	const char *name = json_string_value(json_object_get(call->params, "name"));

	if (error && name && failed_find(call->service, name, reason))
		return rpc_answer(call, library_describe_failed(name, reason));
	return error ? error : rpc_answer(call, library_describe(library));
}

struct update {
	uint64_t tape_size, recycle_days;
};

static int update_apply(struct library_config *config, void *context)
{
	const struct update *update = context;

	if (update->tape_size != UINT64_MAX)
		config->tape_size = update->tape_size;
	if (update->recycle_days != UINT64_MAX)
		config->recycle_days = (uint32_t)update->recycle_days;
	return 0;
}

static int update_read(struct rpc_call *call, struct update *update, struct library_plan *plan,
		       bool *force)
{
	int error = rpc_optional_number(call, "tape_size", &update->tape_size);

	if (!error)
		error = rpc_optional_number(call, "recycle_days", &update->recycle_days);
	if (!error)
		error = rpc_optional_text(call, "drive", &plan->drive);
	if (!error)
		error = rpc_optional_number(call, "drives", &plan->drives);
	if (!error)
		error = rpc_optional_number(call, "slots", &plan->slots);
	if (!error)
		error = rpc_optional_number(call, "import_slots", &plan->import_slots);
	if (!error)
		error = rpc_optional_flag(call, "encryption", &plan->encryption);
	if (!error)
		error = rpc_optional_flag(call, "force", force);
	if (error)
		return error;
	if (update->recycle_days != UINT64_MAX && update->recycle_days > LIBRARY_RECYCLE_MAX)
		return rpc_say(call, -EINVAL, "deleted tapes are kept for at most %u days",
			       LIBRARY_RECYCLE_MAX);
	return library_check_size(call, update->tape_size == UINT64_MAX ? 0 : update->tape_size);
}

/* The plan that says what is there; *encryption too. */
static struct library_plan update_plan(struct library *library)
{
	LOCK_SCOPE(&library->lock);
	struct counts counts = library_counts(&library->config);

	return (struct library_plan){
		.drives = library->config.drive_count,
		.slots = counts.slots,
		.import_slots = counts.import_slots,
		.encryption = library->config.encryption,
		.serial_is_used = service_serial_is_used,
		.context = library->service,
	};
}

int rpc_vtl_update(struct rpc_call *call)
{
	struct update update = {UINT64_MAX, UINT64_MAX};
	CLEANUP_LIBRARY struct library *library = NULL;
	struct library_plan plan, old;
	bool force = false;
	int error = rpc_library(call, "name", &library);

	if (error)
		return error;
	old = plan = update_plan(library);
	error = update_read(call, &update, &plan, &force);
	if (error)
		return error;
	if (plan.drive && plan.drives <= old.drives)
		return rpc_say(call, -EINVAL, "\"drive\" is the model of drives that are added");
	if (update.tape_size != UINT64_MAX || update.recycle_days != UINT64_MAX)
		error = library_change(library, update_apply, &update);
	if (error)
		return rpc_say(call, error, "the change cannot be saved: %s", strerror(-error));
	if (plan.drives != old.drives || plan.slots != old.slots ||
	    plan.import_slots != old.import_slots || plan.encryption != old.encryption) {
		CLEANUP_FREE char *name = mem_strdup(library->config.name);

		library_release(&library);
		error = library_resize(call->service, name, &plan, force, call->message);
		if (!error)
			error = rpc_library(call, "name", &library);
	}
	return error ? error : rpc_answer(call, library_describe(library));
}

int rpc_vtl_delete(struct rpc_call *call)
{
	const char *name;
	bool force = false, purge = false;
	int error = rpc_param_string(call->params, "name", &name, call->message);

	if (!error)
		error = rpc_optional_flag(call, "force", &force);
	if (!error)
		error = rpc_optional_flag(call, "purge", &purge);
	if (!error)
		error = library_delete(call->service, name, force, purge, call->message);
	return error ? error : rpc_answer(call, json_object());
}

int rpc_vtl_reopen(struct rpc_call *call)
{
	const char *name;
	int error = rpc_param_string(call->params, "name", &name, call->message);

	if (!error)
		error = library_reopen(call->service, name, call->message);
	return error ? error : rpc_vtl_show(call);
}

int rpc_vtl_personalities(struct rpc_call *call)
{
	json_t *changers = json_array(), *drives = json_array(), *media = json_array();
	const struct personality *p;
	const struct drive_model *model;
	const struct medium *medium;

	for (unsigned n = 0; (p = personality_at(n)) != NULL; n++)
		json_array_append_new(changers,
				      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", p->name, "title",
						p->title, "vendor", p->vendor, "product", p->product,
						"revision", p->revision, "drive", p->drive));
	for (unsigned n = 0; (model = drive_model_at(n)) != NULL; n++)
		json_array_append_new(drives, json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", model->name,
							"vendor", model->vendor, "product", model->product,
							"revision", model->revision, "generation",
							(json_int_t)model->generation));
	for (unsigned n = 0; (medium = medium_at(n)) != NULL; n++)
		json_array_append_new(media, json_pack("{s:s, s:s, s:I, s:b}", "name", medium->name,
						       "suffix", medium->suffix, "capacity",
						       (json_int_t)medium->capacity, "worm",
						       (int)medium->worm));
	return rpc_answer(call, json_pack("{s:o, s:o, s:o}", "personalities", changers, "drives", drives,
					  "media", media));
}
