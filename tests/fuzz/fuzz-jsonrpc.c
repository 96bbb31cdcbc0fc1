/* SPDX-License-Identifier: MIT */
/*
 * Any bytes on a control socket: the parser takes them apart or says why not,
 * and both kinds of answer to them are one line of JSON with the same id.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/daemon.h"
#include "lib/daemon/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_line(char *line, size_t size, const struct request *r, const char *member)
{
	require(line != NULL && strlen(line) == size && strchr(line, '\n') == line + size - 1);
	json_t *answer = json_loads(line, 0, NULL);
	require(answer && json_equal(json_object_get(answer, "id"), r->id));
	require(json_object_get(answer, member) != NULL && json_object_size(answer) == 3);
	json_decref(answer);
	free(line);
}

static void check_request(const struct request *r)
{
	char message[256] = "";
	const char *text;
	uint64_t number;
	require(r->method != NULL && json_is_object(r->params));
	if (rpc_param_string(r->params, "level", &text, message) != 0)
		require(*message);
	if (rpc_param_number(r->params, "bytes", &number, message) == 0)
		require(number <= INT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r;
	char message[256] = "";
	size_t length = 0;
	int error = request_parse((const char *)data, size, &r, message);
	if (error == 0)
		check_request(&r);
	else
		require(error == RPC_INVALID_REQUEST || error == RPC_INVALID_PARAMS ||
			error == RPC_PARSE_ERROR);
	char *line = request_answer(&r, r.params, &length);
	check_line(line, length, &r, "result");
	line = request_answer_error(&r, error ? error : -ENOENT, message, &length);
	check_line(line, length, &r, "error");
	request_clear(&r);

	/* The same bytes as a name of a file. */
	char *name = malloc(size + 1);
	require(name != NULL);
	memcpy(name, data, size);
	name[size] = 0;
	json_t *text = rpc_text(name);
	require(json_is_string(text));
	json_decref(text);
	free(name);
	return 0;
}
