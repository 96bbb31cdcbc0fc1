/* SPDX-License-Identifier: MIT */
/* JSON-RPC 2.0: one request line taken apart, one answer line built. */
#ifndef LIB_DAEMON_REQUEST_H
#define LIB_DAEMON_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct request {
	json_t *root;	    /* holds everything below */
	json_t *id;	    /* owned; JSON null when there is none or it was not understood */
	json_t *params;	    /* owned; always an object */
	const char *method; /* inside root */
	bool notification;  /* no id: no answer is wanted */
};

/* 0, or an rpc_error and a message; *r can be answered and must be cleared either way. */
int request_parse(const char *line, size_t size, struct request *r, char message[256]);
void request_clear(struct request *r);

/* A line with its newline, the caller's to free, NULL without memory. `result` is borrowed. */
char *request_answer(const struct request *r, json_t *result, size_t *size);
char *request_answer_error(const struct request *r, int error, const char *message, size_t *size);

#endif
