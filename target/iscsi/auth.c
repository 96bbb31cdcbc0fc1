/* SPDX-License-Identifier: MIT */
/*
 * The security stage: see auth.h. Any misstep ends the login; there is no second try on the same
 * connection, so a challenge is answered once at most.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "target/iscsi/auth.h"

static bool needs_chap(const struct iscsi_access *access)
{
	return access->user[0] || access->secret[0];
}

static enum login_status refuse(const char **why, const char *reason)
{
	*why = reason;
	return LOGIN_AUTHENTICATION;
}

static enum login_status fail(const char **why, int error, const char *reason)
{
	*why = error == -EIO ? "the cryptographic library fails" : reason;
	return error == -EIO ? LOGIN_TARGET_ERROR : LOGIN_AUTHENTICATION;
}

static enum login_status method_step(struct auth *auth, const char *methods,
				     const struct iscsi_access *access, struct text_buffer *answer,
				     const char **why)
{
	bool needed = needs_chap(access);
	const char *method = needed ? "CHAP" : "None";
	if (auth->state != AUTH_START)
		return LOGIN_OK; /* the same again */
	if (!list_has(methods, method))
		return refuse(why, needed ? "it does not offer CHAP"
					  : "it wants to authenticate itself, but no secret is set");
	text_add(answer, key_name(KEY_AUTH_METHOD), "%s", method);
	auth->state = needed ? AUTH_CHAP : AUTH_DONE;
	return LOGIN_OK;
}

static enum login_status algorithm_step(struct auth *auth, const char *algorithms,
					struct text_buffer *answer, const char **why)
{
	if (auth->state != AUTH_CHAP)
		return refuse(why, "CHAP_A out of turn");
	int error = chap_begin(&auth->chap, algorithms, answer);
	if (error)
		return fail(why, error, "no common CHAP algorithm");
	auth->state = AUTH_CHALLENGED;
	return LOGIN_OK;
}

static bool same(const char *a, const char *b)
{
	size_t length = strlen(a);
	return length == strlen(b) && !CRYPTO_memcmp(a, b, length);
}

/* We prove ourselves to the initiator. */
static enum login_status mutual_step(struct auth *auth, const char *id, const char *challenge,
				     const struct iscsi_access *access, struct text_buffer *answer,
				     const char **why)
{
	if (!id || !challenge)
		return refuse(why, "CHAP_I and CHAP_C do not come together");
	if (!access->mutual_secret[0])
		return refuse(why, "it asks for mutual CHAP, but no secret is set for that");
	if (same(access->secret, access->mutual_secret))
		return refuse(why, "the secrets of both directions are the same");
	int error = chap_reply(&auth->chap, access->mutual_user, access->mutual_secret, id, challenge,
			       answer);
	return error ? fail(why, error,
			    error == -ELOOP ? "it reflects our challenge"
					    : "CHAP_I or CHAP_C is malformed")
		     : LOGIN_OK;
}

static enum login_status response_step(struct auth *auth, const struct negotiation *negotiation,
				       const struct iscsi_access *access, const char **why)
{
	const char *name = negotiation_value(negotiation, KEY_CHAP_N);
	const char *response = negotiation_value(negotiation, KEY_CHAP_R);
	const char *id = negotiation_value(negotiation, KEY_CHAP_I);
	const char *challenge = negotiation_value(negotiation, KEY_CHAP_C);
	if (auth->state != AUTH_CHALLENGED)
		return refuse(why, "a CHAP response out of turn");
	if (!name || !response)
		return refuse(why, "CHAP_N and CHAP_R do not come together");
	int error = chap_check(&auth->chap, access->secret, response);
	if (!access->secret[0] || (!error && !same(name, access->user)))
		error = error == -EIO ? error : -EACCES;
	if (error)
		return fail(why, error, error == -EINVAL ? "CHAP_R is malformed"
							  : "the CHAP name or secret is wrong");
	if (id || challenge) {
		enum login_status status = mutual_step(auth, id, challenge, access,
						       negotiation->answer, why);
		if (status)
			return status;
	}
	chap_clear(&auth->chap);
	auth->state = AUTH_DONE;
	return LOGIN_OK;
}

enum login_status auth_step(struct auth *auth, const struct negotiation *negotiation,
			    const struct iscsi_access *access, const char **why)
{
	const char *methods = negotiation_value(negotiation, KEY_AUTH_METHOD);
	const char *algorithms = negotiation_value(negotiation, KEY_CHAP_A);
	enum login_status status = LOGIN_OK;
	if (methods)
		status = method_step(auth, methods, access, negotiation->answer, why);
	if (!status && algorithms)
		return algorithm_step(auth, algorithms, negotiation->answer, why);
	if (!status && (negotiation_value(negotiation, KEY_CHAP_N) ||
			negotiation_value(negotiation, KEY_CHAP_R) ||
			negotiation_value(negotiation, KEY_CHAP_I) ||
			negotiation_value(negotiation, KEY_CHAP_C)))
		return response_step(auth, negotiation, access, why);
	return status;
}

bool auth_is_enough(const struct auth *auth, const struct iscsi_access *access)
{
	return auth->state == AUTH_DONE || (auth->state == AUTH_START && !needs_chap(access));
}
