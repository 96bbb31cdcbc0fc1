/* SPDX-License-Identifier: MIT */
/* Who may log in: the rows of struct iscsi_access against an initiator and its address. */
#ifndef TARGET_ISCSI_ACCESS_H
#define TARGET_ISCSI_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "target/iscsi/iscsi.h"
#include "target/iscsi/login.h"

/* The first row that matches the (normalised) name and the peer. LOGIN_OK and *row is its copy, all
 * "" where there is no list (`rows` NULL); else LOGIN_AUTHORIZATION. */
enum login_status access_find(const struct iscsi_access *rows, size_t count, const char *initiator,
			      const struct sockaddr *peer, struct iscsi_access *row);
/* Whether a row can be used: a network that is one, a secret for each user, different ones for both
 * directions. 0 or -EINVAL with *why. Short secrets are let pass: access_is_weak(). */
int access_check(const struct iscsi_access *row, const char **why);
/* A secret of less than the 12 bytes that RFC 7143 9.2.1 asks for. */
bool access_is_weak(const struct iscsi_access *row);
/* A list before it is used for `name`: what is wrong or weak is logged. 0 or -EINVAL. */
int access_list_check(const char *name, const struct iscsi_access *rows, size_t count);

/* An address within "192.0.2.0/24", "2001:db8::/32", a single address; IPv4 that came through an
 * IPv6 socket counts as IPv4. -EINVAL for a network that is none, else 0 or 1. */
int network_has(const char *network, const struct sockaddr *address);

#endif
