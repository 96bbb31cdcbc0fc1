/* SPDX-License-Identifier: MIT */
/* A server with targets for the test of logins. libiscsi's headers and ours have the same names for
 * different things: this one has neither. */
#ifndef TESTS_TARGET_LOGIN_SITE_H
#define TESTS_TARGET_LOGIN_SITE_H

#include <stdbool.h>
#include <stdint.h>

#define SITE_TARGETS 8

/* As struct iscsi_access; NULL for "". */
struct site_row {
	const char *initiator, *network, *user, *secret, *mutual_user, *mutual_secret;
};

struct site;
struct site *site_new(void); /* aborts when it cannot */
void site_free(struct site **site);
void site_add(struct site *site, const char *name, const struct site_row *row);
/* `name` NULL: of discovery; `row` NULL: open to all. 0 or -errno. */
int site_access(struct site *site, const char *name, const struct site_row *row);
uint16_t site_port(const struct site *site);
uint16_t site_port6(const struct site *site); /* 0: there is no IPv6 here */
uint64_t site_login_failures(const struct site *site);

#endif
