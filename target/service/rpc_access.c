/* SPDX-License-Identifier: MIT */
/*
 * vtl.sessions, logout, access. Secrets come in and never go out again. While a
 * list is changed the file of secrets has those of the rows before and after:
 * wherever it ends, every row has its secret.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"
#include "target/service/access_io.h"
#include "target/service/rpc.h"

static json_t *session_describe(const struct iscsi_session_info *s)
{
	char isid[16];

	snprintf(isid, sizeof(isid), "%02x%02x%02x%02x%02x%02x", s->isid[0], s->isid[1], s->isid[2],
		 s->isid[3], s->isid[4], s->isid[5]);
	return json_pack("{s:I, s:s, s:o, s:o, s:o, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:I, "
			 "s:I, s:I, s:I, s:I}",
			 "tsih", (json_int_t)s->tsih, "target", s->target, "initiator",
			 rpc_text(s->initiator), "alias", rpc_text(s->alias), "user", rpc_text(s->user),
			 "peer", s->peer, "local", s->local, "isid", isid, "discovery", (int)s->discovery,
			 "header_digest", (int)s->header_digest, "data_digest", (int)s->data_digest,
			 "immediate_data", (int)s->immediate_data, "initial_r2t", (int)s->initial_r2t,
			 "max_burst", (json_int_t)s->max_burst, "first_burst",
			 (json_int_t)s->first_burst, "max_receive", (json_int_t)s->max_receive,
			 "max_send", (json_int_t)s->max_send, "commands", (json_int_t)s->commands,
			 "bytes_in", (json_int_t)s->bytes_in, "bytes_out", (json_int_t)s->bytes_out,
			 "since", (json_int_t)s->since);
}

int rpc_vtl_sessions(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	CLEANUP_FREE struct iscsi_session_info *sessions = NULL;
	const char *name = NULL;
	size_t count = 0;
	json_t *list;
	int error = rpc_optional_text(call, "name", &name);

	if (!error && name)
		error = rpc_library(call, "name", &library);
	if (error)
		return error;
	error = iscsi_sessions(call->service->server, &sessions, &count);
	if (error)
		return rpc_say(call, error, "the sessions cannot be listed: %s", strerror(-error));
	list = json_array();
	for (size_t i = 0; i < count; i++)
		if (!library || (!sessions[i].discovery &&
				 strcmp(sessions[i].target, library->config.iqn) == 0))
			json_array_append_new(list, session_describe(&sessions[i]));
	return rpc_answer(call, json_pack("{s:o}", "sessions", list));
}

int rpc_vtl_logout(struct rpc_call *call)
{
	uint64_t tsih;
	int error = rpc_param_number(call->params, "tsih", &tsih, call->message);

	if (!error && (tsih > UINT16_MAX ||
		       iscsi_session_end(call->service->server, (uint16_t)tsih) != 0))
		error = rpc_say(call, -ENOENT, "there is no session %llu", (unsigned long long)tsih);
	return error ? error : rpc_answer(call, json_object());
}

/* ---- access ------------------------------------------------------------------------------- */

/* A list and where it is kept: a library's, or discovery's (library NULL). */
struct access_place {
	struct service *service;
	struct library *library;
	char *path, *secrets;
};

struct access_change {
	enum { ACCESS_SHOW, ACCESS_PUT, ACCESS_REMOVE, ACCESS_OPEN } what;
	struct iscsi_access row;
};

static int access_field(struct rpc_call *call, json_t *row, const char *name, char *text, size_t size)
{
	json_t *value = json_object_get(row, name);
	const char *given = json_string_value(value);

	if (!value || json_is_null(value))
		return 0;
	if (!given)
		return rpc_say(call, RPC_INVALID_PARAMS, "\"%s\" must be a string", name);
	if (strlen(given) >= size)
		return rpc_say(call, -EINVAL, "\"%s\" must have at most %zu characters", name, size - 1);
	strcpy(text, given);
	return 0;
}

static int access_read_change(struct rpc_call *call, struct access_change *change)
{
	json_t *put = json_object_get(call->params, "allow");
	json_t *drop = json_object_get(call->params, "remove");
	json_t *row = put ? put : drop;
	struct iscsi_access *r = &change->row;
	bool open = false;
	int error = rpc_optional_flag(call, "open", &open);

	if (error)
		return error;
	if ((put != NULL) + (drop != NULL) + open > 1 || (row && !json_is_object(row)))
		return rpc_say(call, RPC_INVALID_PARAMS, "one of \"allow\", \"remove\" and \"open\"");
	change->what = put ? ACCESS_PUT : drop ? ACCESS_REMOVE : open ? ACCESS_OPEN : ACCESS_SHOW;
	if (!row)
		return 0;
	error = access_field(call, row, "initiator", r->initiator, sizeof(r->initiator));
	if (!error)
		error = access_field(call, row, "network", r->network, sizeof(r->network));
	if (!error)
		error = access_field(call, row, "user", r->user, sizeof(r->user));
	if (!error)
		error = access_field(call, row, "secret", r->secret, sizeof(r->secret));
	if (!error)
		error = access_field(call, row, "mutual_user", r->mutual_user, sizeof(r->mutual_user));
	if (!error)
		error = access_field(call, row, "mutual_secret", r->mutual_secret,
				     sizeof(r->mutual_secret));
	if (strcmp(r->initiator, "*") == 0)
		*r->initiator = '\0';
	return error ? error : access_row_check(r, call->message);
}

static int access_apply(struct rpc_call *call, struct access_list *list,
			const struct access_change *change)
{
	int error = 0;

	switch (change->what) {
	case ACCESS_SHOW:
		break;
	case ACCESS_PUT:
		error = access_list_put(list, &change->row);
		if (error)
			rpc_say(call, error, "the row cannot be added: %s", strerror(-error));
		break;
	case ACCESS_REMOVE:
		error = access_list_remove(list, change->row.initiator, change->row.network);
		if (error)
			rpc_say(call, error, "there is no such row");
		break;
	case ACCESS_OPEN:
		access_list_clear(list);
		break;
	}
	return error;
}

static int access_replace(struct library_config *config, void *context)
{
	access_list_clear(&config->access);
	return access_list_copy(context, &config->access);
}

static int access_save_rows(struct access_place *place, struct access_list *list)
{
	return place->library ? library_change(place->library, access_replace, list)
			      : access_list_save(place->path, list);
}

static int access_store(struct access_place *place, const struct access_list *old, struct access_list *new)
{
	struct access_list both = {0};
	int error = access_list_join(new, old, &both);

	if (!error)
		error = access_secrets_save(place->secrets, &both);
	access_list_clear(&both);
	if (!error)
		error = access_save_rows(place, new);
	/* What is not needed any more does no harm; the log has it. */
	if (!error)
		access_secrets_save(place->secrets, new);
	return error;
}

static int access_announce(struct access_place *place, struct access_list *list)
{
	struct iscsi_server *server = place->service->server;

	if (place->library)
		return iscsi_target_access(server, place->library->config.iqn,
					   access_list_rows(list), list->count);
	int error = iscsi_discovery_access(server, access_list_rows(list), list->count);

	if (!error) {
		struct access_list old = place->service->discovery;

		place->service->discovery = *list;
		*list = old;
	}
	return error;
}

static json_t *access_describe(const struct access_list *list)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct iscsi_access *row = &list->rows[i];

		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:o, s:o, s:s}", "initiator",
					*row->initiator ? row->initiator : "*", "network", row->network,
					"user", rpc_text(row->user), "mutual_user",
					rpc_text(row->mutual_user), "chap",
					!*row->user ? "none" : *row->mutual_user ? "mutual" : "one-way"));
	}
	return json_pack("{s:b, s:o}", "open", (int)!list->closed, "rows", rows);
}

static int access_make(struct rpc_call *call, struct access_place *place, const struct access_list *old,
		       const struct access_change *change)
{
	struct access_list list = {0};
	json_t *answer;
	int error = access_list_copy(old, &list);

	if (error)
		return rpc_say(call, error, "not enough memory");
	error = access_apply(call, &list, change);
	answer = error ? NULL : access_describe(&list);
	if (!error && change->what != ACCESS_SHOW) {
		error = access_store(place, old, &list);
		if (!error)
			error = access_announce(place, &list);
		if (error)
			rpc_say(call, error, "the change cannot be made: %s", strerror(-error));
	}
	access_list_clear(&list);
	if (error) {
		json_decref(answer);
		return error;
	}
	return rpc_answer(call, answer);
}

static int access_run(struct rpc_call *call, struct access_place *place,
		      const struct access_change *change)
{
	struct access_list old = {0};
	int error;

	if (place->library) {
		LOCK_SCOPE(&place->library->lock);
		error = access_list_copy(&place->library->config.access, &old);
	} else {
		error = access_list_copy(&place->service->discovery, &old);
	}
	error = error ? rpc_say(call, error, "not enough memory") : access_make(call, place, &old, change);
	access_list_clear(&old);
	return error;
}

int rpc_vtl_access(struct rpc_call *call)
{
	CLEANUP_LIBRARY struct library *library = NULL;
	CLEANUP_SECRET struct access_change *change = secret_alloc(1, sizeof(*change));
	struct access_place place = {.service = call->service};
	const char *name;
	int error = rpc_param_string(call->params, "name", &name, call->message);

	if (!error && !change)
		error = rpc_say(call, -ENOMEM, "not enough memory");
	if (!error)
		error = access_read_change(call, change);
	if (error)
		return error;
	LOCK_SCOPE(&call->service->admin);
	if (strcmp(name, LIBRARY_DISCOVERY) != 0) {
		error = rpc_library(call, "name", &library);
		place.library = library;
		place.path = service_library_path(call->service, name);
	} else {
		place.path = mem_printf("%s/discovery.conf", call->service->state);
	}
	place.secrets = access_secrets_path(place.path);
	if (!error)
		error = access_run(call, &place, change);
	if (!error && change->what != ACCESS_SHOW)
		log_info("%s: who may log in has been changed", name);
	free(place.path);
	free(place.secrets);
	return error;
}
