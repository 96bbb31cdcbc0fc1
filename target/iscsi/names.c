/* SPDX-License-Identifier: MIT */
/*
 * iSCSI names. The three forms are told apart by how they begin:
 *
 *   iqn.2001-04.com.example:disks.1   a date and a reversed domain; then what its owner likes
 *   eui.02004567A425678D              16 hex digits
 *   naa.52004567BA64678D              16 or 32 hex digits
 *
 * Names are ASCII here. RFC 3722's profile of stringprep lets characters of other scripts pass once
 * they are folded and normalised; without its tables one name could be written in several ways, and
 * access lists would tell them apart. So such names are refused, which leaves out none that
 * initiators have of themselves. Underscores and other ASCII characters that the profile forbids are
 * let pass in the owner's part: initiators in the field have them, and nothing here depends on it.
 * Control characters and blanks are not: names go into logs and text answers.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "target/iscsi/names.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(const char *string, size_t length)
{
	return strlen(string) == length &&
	       strspn(string, "0123456789abcdefABCDEF") == length;
}

/* "2001-04.com": the date is one, the domain has a character at least. */
static bool is_dated_domain(const char *string)
{
	for (unsigned i = 0; i < 7; i++) {
		if (i == 4 ? string[i] != '-' : !is_digit(string[i]))
			return false;
	}
	int month = (string[5] - '0') * 10 + string[6] - '0';
	return month >= 1 && month <= 12 && string[7] == '.' && string[8] && string[8] != ':';
}

/* Bytes of the UTF-8 character that begins here; 0 for a blank, a control character, or none. */
static size_t character_size(const unsigned char *c)
{
	if (*c < 0x80)
		return *c > ' ' && *c < 0x7f ? 1 : 0;
	size_t size = *c >= 0xc2 && *c < 0xe0 ? 2 : *c >= 0xe0 && *c < 0xf0 ? 3 :
		      *c >= 0xf0 && *c < 0xf5	? 4 : 0;
	for (size_t i = 1; i < size; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Longer than need be, surrogates, past the last one. */
	bool wrong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
		     (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f);
	return wrong ? 0 : size;
}

static bool has_form(const char *name)
{
	if (!strncasecmp(name, "iqn.", 4))
		return is_dated_domain(name + 4);
	if (!strncasecmp(name, "eui.", 4))
		return is_hex(name + 4, 16);
	if (!strncasecmp(name, "naa.", 4))
		return is_hex(name + 4, 16) || is_hex(name + 4, 32);
	return false;
}

int iscsi_name_normalise(const char *name, char normal[SCSI_NAME_MAX])
{
	size_t length = strlen(name);
	if (length >= SCSI_NAME_MAX || !has_form(name))
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] >= 0x7f)
			return -EINVAL;
	for (size_t i = 0; i <= length; i++)
		normal[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 'a' - 'A') : name[i];
	return 0;
}

void iscsi_alias_copy(char *alias, size_t room, const char *value)
{
	size_t at = 0;
	while (*value) {
		size_t size = *value == ' ' ? 1 : character_size((const unsigned char *)value);
		if (at + (size ? size : 1) >= room)
			break;
		if (size)
			memcpy(alias + at, value, size);
		else
			alias[at] = '?';
		at += size ? size : 1;
		value += size ? size : 1;
	}
	alias[at] = '\0';
}
