/* SPDX-License-Identifier: MIT */
/*
 * Binary values in text (RFC 7143 6.1). Sizes are known before a byte is written. An odd number of
 * hex digits has a zero before it, as numbers have. Base64 is RFC 4648's: whole groups of four,
 * padded, nothing in between.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "target/iscsi/chap.h"
#include "target/iscsi/keys.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int hex_parse(const char *digits, uint8_t *data, size_t room, size_t *size)
{
	size_t length = strlen(digits);
	if (!length)
		return -EINVAL;
	if (length / 2 + length % 2 > room)
		return -EMSGSIZE;
	size_t at = 0;
	for (size_t i = length % 2; i <= length; i += 2) {
		/* The pair that ends before i; the first may be a digit alone. */
		int high = i >= 2 ? hex_digit(digits[i - 2]) : 0;
		int low = i ? hex_digit(digits[i - 1]) : 0;
		if (high < 0 || low < 0)
			return -EINVAL;
		if (i)
			data[at++] = (uint8_t)(high << 4 | low);
	}
	*size = at;
	return 0;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int base64_parse(const char *text, uint8_t *data, size_t room, size_t *size)
{
	size_t length = strlen(text);
	if (!length || length % 4)
		return -EINVAL;
	size_t padding = (text[length - 1] == '=') + (text[length - 1] == '=' && text[length - 2] == '=');
	size_t bytes = length / 4 * 3 - padding;
	if (bytes > room)
		return -EMSGSIZE;
	uint32_t bits = 0;
	unsigned held = 0;
	size_t at = 0;
	for (size_t i = 0; i < length - padding; i++) {
		int digit = base64_digit(text[i]);
		if (digit < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			data[at++] = (uint8_t)(bits >> held);
		}
	}
	*size = at;
	return 0;
}

static int decimal_parse(const char *text, uint8_t *data, size_t room, size_t *size)
{
	uint64_t number;
	uint8_t bytes[8];
	int error = number_parse(text, &number);
	if (error)
		return error;
	be_put64(bytes, number);
	size_t skip = 0;
	while (skip < 7 && !bytes[skip])
		skip++;
	if (sizeof(bytes) - skip > room)
		return -EMSGSIZE;
	*size = sizeof(bytes) - skip;
	memcpy(data, bytes + skip, *size);
	return 0;
}

int binary_parse(const char *string, uint8_t *data, size_t room, size_t *size)
{
	if (string[0] == '0' && (string[1] == 'x' || string[1] == 'X'))
		return hex_parse(string + 2, data, room, size);
	if (string[0] == '0' && (string[1] == 'b' || string[1] == 'B'))
		return base64_parse(string + 2, data, room, size);
	return decimal_parse(string, data, room, size);
}
