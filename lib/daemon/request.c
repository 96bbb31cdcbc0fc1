/* SPDX-License-Identifier: MIT */
/*
 * The request parser. Everything in a line is a peer's: nothing is believed
 * before it was looked at. A batch (an array) is refused, params are by name.
 */
#include "lib/daemon/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/daemon/daemon.h"

int rpc_fail(char message[256], int code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, 256, format, arguments);
	va_end(arguments);
	return code;
}

int rpc_param_string(json_t *params, const char *name, const char **value, char message[256])
{
	const char *text = json_string_value(json_object_get(params, name));
	if (!text)
		return rpc_fail(message, RPC_INVALID_PARAMS, "\"%s\" must be a string", name);
	*value = text;
	return 0;
}

int rpc_param_number(json_t *params, const char *name, uint64_t *value, char message[256])
{
	json_t *number = json_object_get(params, name);
	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return rpc_fail(message, RPC_INVALID_PARAMS, "\"%s\" must be a whole number from 0",
				name);
	*value = (uint64_t)json_integer_value(number);
	return 0;
}

json_t *rpc_text(const char *bytes)
{
	json_t *text = json_string(bytes);
	if (text)
		return text;
	/* Bytes above ASCII are shown one by one: the valid ones among them are not worth a
	 * decoder. */
	char *escaped = mem_try_alloc(strlen(bytes) + 1, 4);
	if (!escaped)
		return NULL;
	char *p = escaped;
	for (; *bytes; bytes++) {
		if ((unsigned char)*bytes < 0x80)
			*p++ = *bytes;
		else
			p += sprintf(p, "\\x%02x", (unsigned char)*bytes);
	}
	*p = 0;
	text = json_string(escaped);
	free(escaped);
	return text;
}

static int request_check(struct request *r, char message[256])
{
	json_t *root = r->root;
	json_t *id = json_object_get(root, "id");
	json_t *params = json_object_get(root, "params");
	const char *version = json_string_value(json_object_get(root, "jsonrpc"));
	if (!json_is_object(root))
		return rpc_fail(message, RPC_INVALID_REQUEST, "a request is one JSON object");
	if (id && !json_is_string(id) && !json_is_number(id) && !json_is_null(id))
		return rpc_fail(message, RPC_INVALID_REQUEST,
				"\"id\" must be a string or a number");
	r->notification = !id;
	if (id) {
		json_decref(r->id);
		r->id = json_incref(id);
	}
	if (!version || strcmp(version, "2.0") != 0)
		return rpc_fail(message, RPC_INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"");
	r->method = json_string_value(json_object_get(root, "method"));
	if (!r->method)
		return rpc_fail(message, RPC_INVALID_REQUEST, "\"method\" must be a string");
	if (params && !json_is_object(params))
		return rpc_fail(message, RPC_INVALID_PARAMS, "\"params\" must be an object");
	r->params = params ? json_incref(params) : json_object();
	return r->params ? 0 : rpc_fail(message, RPC_INTERNAL, "out of memory");
}

int request_parse(const char *line, size_t size, struct request *r, char message[256])
{
	json_error_t error;
	*r = (struct request){.id = json_null()};
	r->root = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	if (!r->root)
		return rpc_fail(message, RPC_PARSE_ERROR, "not JSON: %s", error.text);
	return request_check(r, message);
}

void request_clear(struct request *r)
{
	json_decref(r->id);
	json_decref(r->params);
	json_decref(r->root);
	*r = (struct request){0};
}

/* Takes the reference to `member`. */
static char *request_line(const struct request *r, const char *name, json_t *member, size_t *size)
{
	json_t *answer = json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", r->id, name, member);
	if (!answer)
		return NULL;
	char *text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	if (!text)
		return NULL;
	size_t length = strlen(text);
	char *line = mem_try_resize(text, length + 2, 1);
	if (!line) {
		free(text);
		return NULL;
	}
	memcpy(line + length, "\n", 2);
	*size = length + 1;
	return line;
}

char *request_answer(const struct request *r, json_t *result, size_t *size)
{
	return request_line(r, "result", result ? json_incref(result) : json_object(), size);
}

char *request_answer_error(const struct request *r, int error, const char *message, size_t *size)
{
	bool protocol = error <= RPC_FAILED;
	json_t *object =
		json_pack("{s:i, s:o}", "code", protocol ? error : RPC_FAILED, "message",
			  rpc_text(*message ? message : strerror(protocol ? EIO : -error)));
	if (!object)
		return NULL;
	if (!protocol && json_object_set_new(object, "data", json_pack("{s:i}", "errno", -error))) {
		json_decref(object);
		return NULL;
	}
	return request_line(r, "error", object, size);
}
