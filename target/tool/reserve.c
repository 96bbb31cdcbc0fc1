/* SPDX-License-Identifier: MIT */
/* Reserve: the commands behind it (SPC-2 7.21, 7.23; SPC-4 6.14). */
#include "target/tool/reserve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/bytes.h"

#define RESERVE_TRIES 16 /* unit attentions */
#define PARAMETERS    24u

enum { RESERVE_6 = 0x16, RELEASE_6 = 0x17, PERSISTENT_OUT = 0x5f };
enum { PROUT_REGISTER = 0, PROUT_RESERVE = 1 };
#define EXCLUSIVE_ACCESS 3u

static int reserve_run(struct initiator *i, const struct initiator_command *command,
		       struct initiator_answer *a)
{
	for (int tries = 0; tries < RESERVE_TRIES; tries++) {
		int error = initiator_run(i, command, a);

		if (error || a->status != STATUS_CHECK || a->key != SENSE_UNIT_ATTENTION)
			return error;
	}
	return 0;
}

/* The drive does not know the command. */
static bool reserve_unknown(const struct initiator_answer *a)
{
	return a->status == STATUS_CHECK && a->key == SENSE_ILLEGAL_REQUEST;
}

static int reserve_session(struct initiator *i, uint8_t opcode, struct initiator_answer *a)
{
	const uint8_t cdb[6] = {opcode};

	return reserve_run(i, &(struct initiator_command){.cdb = cdb, .cdb_size = sizeof(cdb)}, a);
}

static int reserve_persistent(struct initiator *i, uint8_t action, const uint8_t *key,
			      const uint8_t *new_key, struct initiator_answer *a)
{
	uint8_t cdb[10] = {PERSISTENT_OUT, action, action == PROUT_RESERVE ? EXCLUSIVE_ACCESS : 0};
	uint8_t parameters[PARAMETERS] = {0};

	be_put32(cdb + 5, PARAMETERS);
	if (key)
		memcpy(parameters, key, 8);
	if (new_key)
		memcpy(parameters + 8, new_key, 8);
	return reserve_run(i, &(struct initiator_command){.cdb = cdb, .cdb_size = sizeof(cdb),
							  .out = parameters, .size = PARAMETERS}, a);
}

/* Registers and reserves. */
static int reserve_take_persistent(struct initiator *i, struct reserve *r, struct initiator_answer *a)
{
	int error;

	if (getrandom(r->key, sizeof(r->key), 0) != sizeof(r->key))
		return -EIO;
	r->key[0] |= 1; /* 0 is no key */
	error = reserve_persistent(i, PROUT_REGISTER, NULL, r->key, a);
	if (error || a->status != STATUS_GOOD)
		return error;
	r->kind = RESERVE_PERSISTENT;
	error = reserve_persistent(i, PROUT_RESERVE, r->key, NULL, a);
	if (!error && a->status != STATUS_GOOD) {
		struct initiator_answer ignored;

		reserve_persistent(i, PROUT_REGISTER, r->key, NULL, &ignored);
		r->kind = RESERVE_NONE;
	}
	return error;
}

int reserve_take(struct initiator *i, int lun, struct reserve *r, char *words, size_t size)
{
	struct initiator_answer a = {0};
	int error;

	*r = (struct reserve){.lun = lun};
	initiator_set_lun(i, lun);
	error = reserve_session(i, RESERVE_6, &a);
	if (!error && a.status == STATUS_GOOD)
		r->kind = RESERVE_SESSION;
	if (!error && reserve_unknown(&a))
		error = reserve_take_persistent(i, r, &a);
	if (error)
		snprintf(words, size, "the session is lost");
	if (error || a.status == STATUS_GOOD || reserve_unknown(&a))
		return error;
	if (a.status == STATUS_CONFLICT) {
		snprintf(words, size, "%s", RESERVE_CONFLICT);
		return -EBUSY;
	}
	initiator_words(&a, words, size);
	return -EIO;
}

void reserve_drop(struct initiator *i, struct reserve *r)
{
	struct initiator_answer a;
	enum reserve_kind kind = r->kind;

	r->kind = RESERVE_NONE;
	if (kind == RESERVE_NONE || initiator_is_lost(i))
		return;
	initiator_set_lun(i, r->lun);
	if (kind == RESERVE_SESSION)
		reserve_session(i, RELEASE_6, &a);
	else
		reserve_persistent(i, PROUT_REGISTER, r->key, NULL, &a); /* releases it too */
}
