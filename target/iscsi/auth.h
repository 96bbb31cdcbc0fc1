/* SPDX-License-Identifier: MIT */
/*
 * The security stage of a login:
 *
 *   START      -> DONE        AuthMethod=None, where none is needed
 *   START      -> CHAP        AuthMethod=CHAP
 *   CHAP       -> CHALLENGED  CHAP_A
 *   CHALLENGED -> DONE        CHAP_N and CHAP_R that are right
 */
#ifndef TARGET_ISCSI_AUTH_H
#define TARGET_ISCSI_AUTH_H

#include "target/iscsi/chap.h"
#include "target/iscsi/keys.h"

enum auth_state { AUTH_START, AUTH_CHAP, AUTH_CHALLENGED, AUTH_DONE };

/* Starts as zeroes. */
struct auth {
	enum auth_state state;
	struct chap chap;
};

/* The keys of one request. LOGIN_OK, or the status with which the login ends and why, for the log. */
enum login_status auth_step(struct auth *auth, const struct negotiation *negotiation,
			    const struct iscsi_access *access, const char **why);
/* Nothing more has to be proven. */
bool auth_is_enough(const struct auth *auth, const struct iscsi_access *access);

#endif
