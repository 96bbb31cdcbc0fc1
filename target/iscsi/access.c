/* SPDX-License-Identifier: MIT */
/*
 * Access lists: see access.h. A row whose network cannot be read matches nobody: a mistake in a
 * configuration must not let anybody in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/log.h"
#include "target/iscsi/access.h"

#define SECRET_GOOD 12u /* bytes */

struct address {
	int family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
};

static int address_of(const struct sockaddr *socket, struct address *address)
{
	*address = (struct address){.family = socket->sa_family};
	if (socket->sa_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, socket, sizeof(v4));
		memcpy(address->bytes, &v4.sin_addr, 4);
		return 0;
	}
	if (socket->sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	struct sockaddr_in6 v6;
	memcpy(&v6, socket, sizeof(v6));
	if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
		address->family = AF_INET;
		memcpy(address->bytes, v6.sin6_addr.s6_addr + 12, 4);
	} else {
		memcpy(address->bytes, &v6.sin6_addr, 16);
	}
	return 0;
}

static int prefix_parse(const char *text, unsigned limit, unsigned *bits)
{
	size_t length = strlen(text);
	if (length < 1 || length > 3 || strspn(text, "0123456789") != length)
		return -EINVAL;
	*bits = (unsigned)strtoul(text, NULL, 10);
	return *bits <= limit ? 0 : -EINVAL;
}

static int network_parse(const char *network, struct address *address, unsigned *bits)
{
	char host[64];
	size_t length = strcspn(network, "/");
	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, network, length);
	host[length] = '\0';
	*address = (struct address){.family = strchr(host, ':') ? AF_INET6 : AF_INET};
	if (inet_pton(address->family, host, address->bytes) != 1)
		return -EINVAL;
	*bits = address->family == AF_INET ? 32 : 128;
	return network[length] ? prefix_parse(network + length + 1, *bits, bits) : 0;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || !((a[whole] ^ b[whole]) & (0xff00 >> rest & 0xff));
}

int network_has(const char *network, const struct sockaddr *socket)
{
	struct address wanted, address;
	unsigned bits;
	int error = network_parse(network, &wanted, &bits);
	if (error)
		return error;
	return !address_of(socket, &address) && address.family == wanted.family &&
	       same_prefix(wanted.bytes, address.bytes, bits);
}

static bool initiator_matches(const char *pattern, const char *name)
{
	size_t length = strlen(pattern);
	if (!length)
		return true;
	if (pattern[length - 1] == '*')
		return !strncasecmp(pattern, name, length - 1);
	return !strcasecmp(pattern, name);
}

static bool row_matches(const struct iscsi_access *row, const char *initiator,
			const struct sockaddr *peer)
{
	if (!initiator_matches(row->initiator, initiator))
		return false;
	return !row->network[0] || (peer && network_has(row->network, peer) == 1);
}

enum login_status access_find(const struct iscsi_access *rows, size_t count, const char *initiator,
			      const struct sockaddr *peer, struct iscsi_access *row)
{
	if (!rows) {
		*row = (struct iscsi_access){0};
		return LOGIN_OK;
	}
	for (size_t i = 0; i < count; i++) {
		if (row_matches(&rows[i], initiator, peer)) {
			*row = rows[i];
			return LOGIN_OK;
		}
	}
	return LOGIN_AUTHORIZATION;
}

static bool is_text(const char *string, size_t room)
{
	size_t length = strnlen(string, room);
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)string[i] < ' ' || string[i] == 0x7f)
			return false;
	}
	return length < room;
}

int access_check(const struct iscsi_access *row, const char **why)
{
	struct address address;
	unsigned bits;
	*why = NULL;
	if (!is_text(row->initiator, sizeof(row->initiator)) ||
	    !is_text(row->network, sizeof(row->network)) || !is_text(row->user, sizeof(row->user)) ||
	    !is_text(row->secret, sizeof(row->secret)) ||
	    !is_text(row->mutual_user, sizeof(row->mutual_user)) ||
	    !is_text(row->mutual_secret, sizeof(row->mutual_secret)))
		*why = "a value that is too long or has control characters";
	else if (row->network[0] && network_parse(row->network, &address, &bits))
		*why = "a network that is none";
	else if (!row->user[0] != !row->secret[0])
		*why = "a user needs a secret, and a secret a user";
	else if (!row->mutual_user[0] != !row->mutual_secret[0])
		*why = "a user needs a secret in the other direction too";
	else if (row->mutual_user[0] && !row->user[0])
		*why = "mutual CHAP needs CHAP";
	else if (row->secret[0] && !strcmp(row->secret, row->mutual_secret))
		*why = "both directions have the same secret";
	return *why ? -EINVAL : 0;
}

static bool is_short(const char *secret)
{
	size_t length = strlen(secret);
	return length && length < SECRET_GOOD;
}

bool access_is_weak(const struct iscsi_access *row)
{
	return is_short(row->secret) || is_short(row->mutual_secret);
}

int access_list_check(const char *name, const struct iscsi_access *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *why;
		int error = access_check(&rows[i], &why);
		if (error) {
			log_error("%s: row %zu of the access list: %s", name, i + 1, why);
			return error;
		}
		if (access_is_weak(&rows[i]))
			log_warning("%s: row %zu of the access list has a secret of less than %u bytes",
				    name, i + 1, SECRET_GOOD);
	}
	return 0;
}
