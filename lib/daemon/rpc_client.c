/* SPDX-License-Identifier: MIT */
/*
 * The client's end of a control socket: one request, one answer, in turn.
 * An answer may be long (a list of paths), so it grows until its newline.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/socket.h"

#define RPC_ANSWER_MAX ((size_t)1 << 30)

struct rpc_client {
	int fd;
	json_int_t id;
	char *buffer;
	size_t used, capacity;
};

int rpc_connect(const char *socket_path, struct rpc_client **client)
{
	CLEANUP_FD int fd = -1;
	int error = socket_connect(socket_path, &fd);
	if (error)
		return error;
	struct rpc_client *c = mem_try_zalloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->fd = TAKE_FD(fd);
	*client = c;
	return 0;
}

void rpc_close(struct rpc_client **client)
{
	struct rpc_client *c = TAKE(*client);
	if (!c)
		return;
	close(c->fd);
	free(c->buffer);
	free(c);
}

static int rpc_send(struct rpc_client *c, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = send(c->fd, text, size, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

static int rpc_receive_some(struct rpc_client *c)
{
	if (c->used >= RPC_ANSWER_MAX)
		return -EFBIG;
	int error = mem_reserve(&c->buffer, &c->capacity, c->used + 4096, 1);
	if (error)
		return error;
	ssize_t n;
	do {
		n = recv(c->fd, c->buffer + c->used, c->capacity - c->used, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	c->used += (size_t)n;
	return 0;
}

/* One line, taken out of the buffer. */
static int rpc_receive(struct rpc_client *c, json_t **answer)
{
	size_t looked = 0;
	char *end = NULL;
	while (!end) {
		int error = rpc_receive_some(c);
		if (error)
			return error;
		end = memchr(c->buffer + looked, '\n', c->used - looked);
		looked = c->used;
	}
	*answer = json_loadb(c->buffer, (size_t)(end - c->buffer), 0, NULL);
	size_t line = (size_t)(end - c->buffer) + 1;
	memmove(c->buffer, c->buffer + line, c->used - line);
	c->used -= line;
	return *answer ? 0 : -EPROTO;
}

static int rpc_result(json_t *answer, json_int_t id, json_t **result, char message[256])
{
	json_t *error = json_object_get(answer, "error");
	json_t *value = json_object_get(answer, "result");
	json_t *answered = json_object_get(answer, "id");
	if (json_is_object(error)) {
		json_int_t code = json_integer_value(json_object_get(error, "code"));
		const char *text = json_string_value(json_object_get(error, "message"));
		bool known = code >= -32768 && code <= RPC_FAILED;
		return rpc_fail(message, known ? (int)code : RPC_FAILED, "%s",
				text ? text : "failed without a reason");
	}
	if (!value || !json_is_integer(answered) || json_integer_value(answered) != id)
		return rpc_fail(message, -EPROTO, "the answer does not belong to the request");
	*result = json_incref(value);
	return 0;
}

int rpc_call(struct rpc_client *client, const char *method, json_t *params, json_t **result,
	     char message[256])
{
	json_t *answer = NULL;
	json_t *request = json_pack("{s:s, s:I, s:s, s:O*}", "jsonrpc", "2.0", "id", ++client->id,
				    "method", method, "params", params);
	CLEANUP_FREE char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	if (!text)
		return rpc_fail(message, -EINVAL, "the request is no JSON");
	int error = rpc_send(client, text, strlen(text));
	if (!error)
		error = rpc_send(client, "\n", 1);
	/* A peer that refuses says why and closes: read that even when sending failed. */
	if (!error || error == -EPIPE)
		error = rpc_receive(client, &answer);
	if (error)
		return rpc_fail(message, error, "control socket: %s", strerror(-error));
	error = rpc_result(answer, client->id, result, message);
	json_decref(answer);
	return error;
}

void rpc_wait_end(struct rpc_client *client)
{
	client->used = 0;
	while (rpc_receive_some(client) == 0)
		client->used = 0;
}
