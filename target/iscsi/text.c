/* SPDX-License-Identifier: MIT */
/*
 * Text in and out: see text.h. A key is at most 63 characters of those that the RFC allows; a
 * value is any bytes but NUL, and what it may hold is its key's to say. Empty strings between
 * pairs are passed over: some initiators pad with them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "target/iscsi/text.h"

/* Answers are bounded too: 1 MiB is what 4000 targets with long names take. */
#define TEXT_OUTPUT_MAX (1u << 20)

int text_input_add(struct text_input *input, const void *data, size_t size)
{
	if (size > TEXT_INPUT_MAX - input->size)
		return -EMSGSIZE;
	int error = mem_reserve(&input->data, &input->capacity, input->size + size, 1);
	if (error)
		return error;
	if (size)
		memcpy(input->data + input->size, data, size);
	input->size += size;
	return 0;
}

static bool is_key_character(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr(".-+@_#", c));
}

static int pair_split(char *string, struct text_pair *pair)
{
	char *equals = strchr(string, '=');
	if (!equals || equals == string || (size_t)(equals - string) > TEXT_KEY_MAX)
		return -EINVAL;
	for (const char *c = string; c < equals; c++) {
		if (!is_key_character(*c))
			return -EINVAL;
	}
	*equals = '\0';
	*pair = (struct text_pair){.key = string, .value = equals + 1};
	return 0;
}

int text_input_split(struct text_input *input)
{
	input->count = 0;
	if (input->size && input->data[input->size - 1])
		return -EINVAL;
	for (size_t at = 0; at < input->size;) {
		size_t length = strlen(input->data + at);
		if (length) {
			int error = mem_reserve(&input->pairs, &input->pairs_capacity,
						input->count + 1, sizeof(*input->pairs));
			if (!error)
				error = pair_split(input->data + at, &input->pairs[input->count]);
			if (error)
				return error;
			input->count++;
		}
		at += length + 1;
	}
	return 0;
}

void text_input_clear(struct text_input *input)
{
	input->size = 0;
	input->count = 0;
}

void text_input_free(struct text_input *input)
{
	/* Responses to challenges have been here. */
	if (input->data)
		explicit_bzero(input->data, input->capacity);
	free(input->data);
	free(input->pairs);
	*input = (struct text_input){0};
}

static int text_add_value(struct text_buffer *text, const char *key, const char *format,
			  va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return -EINVAL;
	size_t name = strlen(key);
	size_t need = name + 1 + (size_t)length + 1;
	if (need > TEXT_OUTPUT_MAX - text->size)
		return -EMSGSIZE;
	int error = mem_reserve(&text->data, &text->capacity, text->size + need, 1);
	if (error)
		return error;
	memcpy(text->data + text->size, key, name);
	text->data[text->size + name] = '=';
	vsnprintf(text->data + text->size + name + 1, (size_t)length + 1, format, arguments);
	text->size += need;
	return 0;
}

int text_add(struct text_buffer *text, const char *key, const char *format, ...)
{
	if (text->error)
		return text->error;
	va_list arguments;
	va_start(arguments, format);
	text->error = text_add_value(text, key, format, arguments);
	va_end(arguments);
	return text->error;
}

void text_buffer_take(struct text_buffer *text, size_t room, const void **data, size_t *size)
{
	size_t left = text->size - text->taken;
	*size = left < room ? left : room;
	*data = *size ? text->data + text->taken : NULL;
	text->taken += *size;
}

void text_buffer_clear(struct text_buffer *text)
{
	text->size = 0;
	text->taken = 0;
	text->error = 0;
}

void text_buffer_free(struct text_buffer *text)
{
	free(text->data);
	*text = (struct text_buffer){0};
}
