/* SPDX-License-Identifier: MIT */
/*
 * Text as login and text PDUs carry it (RFC 7143 6.1): key=value pairs, each ended by a NUL,
 * gathered from and spread over several PDUs. What comes in is bounded in its size; what goes
 * out keeps its first error, to be checked once.
 */
#ifndef TARGET_ISCSI_TEXT_H
#define TARGET_ISCSI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "target/iscsi/login.h"

#define TEXT_KEY_MAX   63u    /* characters */
#define TEXT_VALUE_MAX 255u   /* characters, where a key does not say otherwise */
#define TEXT_INPUT_MAX 65536u /* bytes of one request, over all its PDUs */

struct text_pair {
	const char *key, *value;
};

/* What one request holds, over all its PDUs. Starts as zeroes. */
struct text_input {
	char *data;
	size_t size, capacity;
	struct text_pair *pairs; /* into data; after text_input_split() */
	size_t count, pairs_capacity;
};
/* 0, -ENOMEM, -EMSGSIZE over TEXT_INPUT_MAX. */
int text_input_add(struct text_input *input, const void *data, size_t size);
/* Finds the pairs. 0, -ENOMEM, or -EINVAL: no '=', no NUL at the end, a key that is none. */
int text_input_split(struct text_input *input);
void text_input_clear(struct text_input *input); /* keeps the memory */
void text_input_free(struct text_input *input);

/* An answer. Starts as zeroes. */
struct text_buffer {
	char *data;
	size_t size, capacity;
	size_t taken; /* bytes that have been sent */
	int error;    /* -errno of the first text_add() that failed */
};
/* The next part, at most `room` bytes of it; valid until the next text_add() or clear. */
void text_buffer_take(struct text_buffer *text, size_t room, const void **data, size_t *size);
static inline bool text_buffer_pending(const struct text_buffer *text)
{
	return text->taken < text->size;
}
/* Empty, for the next answer; its memory stays. */
void text_buffer_clear(struct text_buffer *text);
void text_buffer_free(struct text_buffer *text);

#endif
