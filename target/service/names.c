/* SPDX-License-Identifier: MIT */
/*
 * Names. A library's name becomes a part of its iSCSI name, which has small
 * letters only (RFC 7143 4.2.7.1), and the name of a file and a folder. A
 * barcode becomes the name of a folder.
 */
#include "target/service/names.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "target/service/library.h"

#define SMALL	"abcdefghijklmnopqrstuvwxyz"
#define CAPITAL "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

static bool name_has_only(const char *text, const char *characters)
{
	return text[strspn(text, characters)] == '\0';
}

const char *name_check_library(const char *name)
{
	if (!*name || !strchr(SMALL DIGITS, *name) || !name_has_only(name, SMALL DIGITS "-."))
		return "must begin with a small letter or a digit and have only those, dashes and dots";
	if (strlen(name) > LIBRARY_NAME_MAX)
		return "must have at most 63 characters";
	if (strcmp(name, LIBRARY_DISCOVERY) == 0)
		return "stands for the discovery of all libraries";
	return NULL;
}

const char *name_check_barcode(const char *barcode)
{
	if (!*barcode || !strchr(CAPITAL DIGITS, *barcode) ||
	    !name_has_only(barcode, CAPITAL DIGITS "-_"))
		return "must begin with a capital letter or a digit and have only those, dashes and "
		       "underscores";
	if (strlen(barcode) > BARCODE_MAX)
		return "must have at most 32 characters";
	return NULL;
}

static bool name_is_iscsi(const char *name)
{
	return strncmp(name, "iqn.", 4) == 0 || strncmp(name, "eui.", 4) == 0 ||
	       strncmp(name, "naa.", 4) == 0;
}

const char *name_check_iscsi(const char *name)
{
	if (!name_is_iscsi(name))
		return "must begin with iqn., eui. or naa.";
	if (!name_has_only(name, SMALL DIGITS CAPITAL "-.:"))
		return "must have only letters, digits, dashes, dots and colons";
	if (strlen(name) >= SCSI_NAME_MAX)
		return "must have at most 223 characters";
	return NULL;
}

const char *name_check_initiator(const char *pattern)
{
	size_t length = strlen(pattern);

	if (length == 0 || strcmp(pattern, "*") == 0)
		return NULL;
	if (length >= SCSI_NAME_MAX)
		return "must have at most 223 characters";
	if (pattern[length - 1] != '*' && !name_is_iscsi(pattern))
		return "must begin with iqn., eui. or naa.";
	/* Some initiators have underscores, which they should not. */
	for (size_t i = 0; i + 1 < length || (i < length && pattern[i] != '*'); i++)
		if (!strchr(SMALL DIGITS CAPITAL "-.:_", pattern[i]))
			return "must be an iSCSI name, or the beginning of one and a '*'";
	return NULL;
}

const char *name_check_network(const char *network)
{
	static const char wrong[] = "must be an address or a network, such as 192.0.2.0/24 or 2001:db8::/32";
	char address[64], *slash, *end;
	unsigned char bytes[16];
	long most, bits;

	if (!*network)
		return NULL;
	if (strlen(network) >= sizeof(address))
		return wrong;
	strcpy(address, network);
	slash = strchr(address, '/');
	if (slash)
		*slash++ = '\0';
	most = inet_pton(AF_INET, address, bytes) == 1	  ? 32
	       : inet_pton(AF_INET6, address, bytes) == 1 ? 128
							  : -1;
	if (most < 0)
		return wrong;
	if (!slash)
		return NULL;
	bits = strtol(slash, &end, 10);
	return !*slash || !name_has_only(slash, DIGITS) || *end || bits < 0 || bits > most ? wrong
											   : NULL;
}

static bool name_is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

const char *name_check_user(const char *user)
{
	if (!*user || strlen(user) >= ISCSI_SECRET_MAX)
		return "must have 1 to 255 characters";
	return name_is_printable(user) ? NULL : "must have no control characters";
}

const char *name_check_secret(const char *secret)
{
	size_t length = strlen(secret);

	if (length < SECRET_LEAST || length >= ISCSI_SECRET_MAX)
		return "must have 12 to 255 characters";
	return name_is_printable(secret) ? NULL : "must have no control characters";
}
