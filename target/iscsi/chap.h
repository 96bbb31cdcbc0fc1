/* SPDX-License-Identifier: MIT */
/* CHAP (RFC 1994, RFC 7143 12.1.3): one exchange with an initiator, and back for mutual. */
#ifndef TARGET_ISCSI_CHAP_H
#define TARGET_ISCSI_CHAP_H

#include <stddef.h>
#include <stdint.h>

#include "target/iscsi/text.h"

#define CHAP_DIGEST_MAX	   32u
#define CHAP_CHALLENGE_MAX 1024u /* bytes that an initiator may send */

struct chap_algorithm;

/* Starts as zeroes. */
struct chap {
	const struct chap_algorithm *algorithm;
	uint8_t id;
	uint8_t challenge[CHAP_DIGEST_MAX]; /* ours */
};

/* Chooses the strongest algorithm of the initiator's list (CHAP_A) and writes CHAP_A, CHAP_I and
 * CHAP_C with a new random challenge. 0, -ENOTSUP: none in common; -EIO: no random numbers. */
int chap_begin(struct chap *chap, const char *list, struct text_buffer *answer);
/* Checks the initiator's CHAP_R. 0, -EACCES: it is wrong; -EINVAL: it is no such digest; -EIO. */
int chap_check(const struct chap *chap, const char *secret, const char *response);
/* Answers the initiator's CHAP_I and CHAP_C with CHAP_N and CHAP_R. 0; -EINVAL: they are malformed;
 * -ELOOP: it is our own challenge that comes back; -EIO. */
int chap_reply(const struct chap *chap, const char *user, const char *secret, const char *id,
	       const char *challenge, struct text_buffer *answer);
void chap_clear(struct chap *chap);

/* A binary value: 0x and hex digits, 0b and base64, or a decimal number (its bytes, without
 * leading zeroes, big-endian). 0, -EINVAL, -EMSGSIZE over `room` bytes. */
int binary_parse(const char *string, uint8_t *data, size_t room, size_t *size);

#endif
