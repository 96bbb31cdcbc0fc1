/* SPDX-License-Identifier: MIT */
/* The table of methods, and what they share. All of them may wait, so each has a thread. */
#include "target/service/rpc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define METHOD(function)                                                                           \
	static int call_##function(struct daemon *d, json_t *params, json_t **result,              \
				   char message[256])                                              \
	{                                                                                          \
		struct rpc_call call = {daemon_data(d), params, result, message};                  \
		*message = '\0';                                                                   \
		return function(&call);                                                            \
	}

METHOD(rpc_vtl_create)
METHOD(rpc_vtl_list)
METHOD(rpc_vtl_show)
METHOD(rpc_vtl_update)
METHOD(rpc_vtl_delete)
METHOD(rpc_vtl_reopen)
METHOD(rpc_vtl_personalities)
METHOD(rpc_vtl_drives)
METHOD(rpc_vtl_elements)
METHOD(rpc_vtl_load)
METHOD(rpc_vtl_unload)
METHOD(rpc_vtl_move)
METHOD(rpc_vtl_put)
METHOD(rpc_vtl_take)
METHOD(rpc_vtl_sessions)
METHOD(rpc_vtl_logout)
METHOD(rpc_vtl_access)
METHOD(rpc_tape_create)
METHOD(rpc_tape_list)
METHOD(rpc_tape_show)
METHOD(rpc_tape_delete)
METHOD(rpc_tape_restore)
METHOD(rpc_tape_lock)
METHOD(rpc_tape_protect)
METHOD(rpc_tape_clone)

/* clang-format off */
const struct rpc_method targetd_methods[] = {
	{ "vtl.create", call_rpc_vtl_create, true, "make a library with tapes in it" },
	{ "vtl.list", call_rpc_vtl_list, true, "all libraries" },
	{ "vtl.show", call_rpc_vtl_show, true, "one library" },
	{ "vtl.update", call_rpc_vtl_update, true, "change a library" },
	{ "vtl.delete", call_rpc_vtl_delete, true, "end a library" },
	{ "vtl.reopen", call_rpc_vtl_reopen, true, "try a library again that is not served" },
	{ "vtl.personalities", call_rpc_vtl_personalities, true, "what a library and a drive can be" },
	{ "vtl.drives", call_rpc_vtl_drives, true, "drives and what they do" },
	{ "vtl.elements", call_rpc_vtl_elements, true, "places and what is in them" },
	{ "vtl.load", call_rpc_vtl_load, true, "put a tape of a slot into a drive" },
	{ "vtl.unload", call_rpc_vtl_unload, true, "put the tape of a drive into a slot" },
	{ "vtl.move", call_rpc_vtl_move, true, "move a tape from place to place" },
	{ "vtl.put", call_rpc_vtl_put, true, "put a tape of the shelf into a place" },
	{ "vtl.take", call_rpc_vtl_take, true, "take a tape out of its place, to the shelf" },
	{ "vtl.sessions", call_rpc_vtl_sessions, true, "who is logged in" },
	{ "vtl.logout", call_rpc_vtl_logout, true, "end a session" },
	{ "vtl.access", call_rpc_vtl_access, true, "show or change who may log in" },
	{ "tape.create", call_rpc_tape_create, true, "make tapes" },
	{ "tape.list", call_rpc_tape_list, true, "all tapes" },
	{ "tape.show", call_rpc_tape_show, true, "one tape" },
	{ "tape.delete", call_rpc_tape_delete, true, "delete a tape" },
	{ "tape.restore", call_rpc_tape_restore, true, "bring a deleted tape back" },
	{ "tape.lock", call_rpc_tape_lock, true, "keep a tape from being changed until a time" },
	{ "tape.protect", call_rpc_tape_protect, true, "set or lift a tape's write protection" },
	{ "tape.clone", call_rpc_tape_clone, true, "make a tape with the contents of another" },
	{ 0 },
};
/* clang-format on */

int rpc_say(struct rpc_call *call, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(call->message, 256, format, arguments);
	va_end(arguments);
	return error;
}

static json_t *rpc_optional(struct rpc_call *call, const char *name)
{
	json_t *value = json_object_get(call->params, name);

	return json_is_null(value) ? NULL : value;
}

int rpc_optional_text(struct rpc_call *call, const char *name, const char **value)
{
	return rpc_optional(call, name) ? rpc_param_string(call->params, name, value, call->message)
					: 0;
}

int rpc_optional_number(struct rpc_call *call, const char *name, uint64_t *value)
{
	return rpc_optional(call, name) ? rpc_param_number(call->params, name, value, call->message)
					: 0;
}

int rpc_optional_flag(struct rpc_call *call, const char *name, bool *value)
{
	json_t *flag = rpc_optional(call, name);

	if (flag && !json_is_boolean(flag))
		return rpc_say(call, RPC_INVALID_PARAMS, "\"%s\" must be true or false", name);
	if (flag)
		*value = json_is_true(flag);
	return 0;
}

int rpc_library(struct rpc_call *call, const char *param, struct library **library)
{
	char reason[LIBRARY_MESSAGE];
	const char *name;
	int error = rpc_param_string(call->params, param, &name, call->message);

	if (error)
		return error;
	*library = library_find(call->service, name);
	if (*library)
		return 0;
	if (failed_find(call->service, name, reason))
		return rpc_say(call, -ENODEV, "library %.63s is not served: %.170s", name, reason);
	return rpc_say(call, -ENOENT, "there is no library \"%.63s\"", name);
}

int rpc_answer(struct rpc_call *call, json_t *answer)
{
	if (!answer)
		return rpc_say(call, -ENOMEM, "not enough memory");
	*call->result = answer;
	return 0;
}

json_t *rpc_bytes(const uint8_t *bytes, size_t size)
{
	char text[64], *p = text;

	for (size_t i = 0; i < size && i < 16; i++)
		p += sprintf(p, "%s%02x", size == 16 && i >= 4 && i <= 10 && i % 2 == 0 ? "-" : "",
			     bytes[i]);
	return json_string(text);
}
