/* SPDX-License-Identifier: MIT */
/*
 * The part of the self test that needs a tape: finds its slot and an empty drive in READ ELEMENT STATUS, the drive's
 * LUN by its serial number, moves the tape there, runs the steps, and moves it back whatever they gave.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/tool/reserve.h"
#include "target/tool/selftest.h"

#define ELEMENTS_MAX 65280u
#define TAG_SIZE     36u
#define PATTERN	     0x5a
#define READY_TRIES  300 /* of 100 ms */

struct place {
	unsigned slot, drive; /* element addresses; 0: not found */
	int lun;
	struct reserve reserve; /* of the drive */
	bool conflict;		/* an empty drive was passed over that another initiator has reserved */
};

/* Whether this drive's identifier in READ ELEMENT STATUS ends with the serial number of a LUN. */
static int place_lun(struct selftest *t, const uint8_t *identifier, size_t size, const int *luns,
		     unsigned count)
{
	static const uint8_t cdb[6] = {0x12, 1, 0x80, 0, 252, 0};

	for (unsigned n = 0; n < count; n++) {
		uint8_t data[252] = {0};
		const struct initiator_command command = {
			.cdb = cdb, .cdb_size = 6, .in = data, .size = sizeof(data)};
		struct initiator_answer a;
		size_t length;

		initiator_set_lun(t->initiator, luns[n]);
		if (selftest_send(t, &command, &a) != 0 || a.status != STATUS_GOOD || a.received < 5 ||
		    (data[0] & 0x1f) != 1)
			continue;
		length = data[3] < a.received - 4 ? data[3] : a.received - 4;
		if (length > 0 && memmem(identifier, size, data + 4, length))
			return luns[n];
	}
	return -1;
}

static bool place_reserve(struct selftest *t, struct place *place)
{
	char words[128];
	int error = reserve_take(t->initiator, place->lun, &place->reserve, words, sizeof(words));

	place->conflict |= error == -EBUSY;
	return error == 0;
}

static void place_element(struct selftest *t, struct place *place, unsigned type, const uint8_t *d,
			  size_t size, const char *barcode, const int *luns, unsigned count)
{
	size_t length = strlen(barcode);
	bool full = d[2] & 1;

	if (type == 2 && full && !place->slot && size >= 12 + TAG_SIZE &&
	    memcmp(d + 12, barcode, length) == 0 && (d[12 + length] == ' ' || d[12 + length] == 0))
		place->slot = be_get16(d);
	if (type == 4 && !full && !place->drive && size > 12) {
		place->lun = place_lun(t, d + 12, size - 12, luns, count);
		place->drive = place->lun < 0 || !place_reserve(t, place) ? 0 : be_get16(d);
	}
}

static int place_find(struct selftest *t, struct place *place, const char *barcode, const int *luns,
		      unsigned count)
{
	static const uint8_t cdb[12] = {0xb8, 0x10, 0, 0, 0xff, 0xff, 0x01, 0, 0xff, 0};
	CLEANUP_FREE uint8_t *data = mem_zalloc(ELEMENTS_MAX);
	const struct initiator_command command = {
		.cdb = cdb, .cdb_size = 12, .in = data, .size = ELEMENTS_MAX};
	struct initiator_answer a;
	int error = selftest_send(t, &command, &a);

	if (error || a.status != STATUS_GOOD)
		return error ? error : -EIO;
	for (uint32_t page = 8; page + 8 <= a.received;) {
		unsigned type = data[page], each = be_get16(data + page + 2);
		uint32_t bytes = be_get24(data + page + 5), end;

		if (each < 12 || bytes > a.received - page - 8)
			break;
		end = page + 8 + bytes;
		for (uint32_t at = page + 8; at + each <= end; at += each)
			place_element(t, place, type, data + at, each, barcode, luns, count);
		page = end;
	}
	initiator_set_lun(t->initiator, luns[0]);
	return 0;
}

static int tape_move(struct selftest *t, unsigned from, unsigned to, int changer)
{
	uint8_t cdb[12] = {0xa5};
	struct initiator_answer a;
	char words[64];
	int error;

	be_put16(cdb + 4, (uint16_t)from);
	be_put16(cdb + 6, (uint16_t)to);
	initiator_set_lun(t->initiator, changer);
	error = selftest_send(t, &(struct initiator_command){.cdb = cdb, .cdb_size = 12}, &a);
	if (error)
		return error;
	initiator_words(&a, words, sizeof(words));
	selftest_show(t, &(struct selftest_line){.opcode = 0xa5, .action = -1, .name = "MOVE MEDIUM",
						 .need = "scratch tape", .answer = words,
						 .why = a.status == STATUS_GOOD ? NULL : "an error"});
	return a.status == STATUS_GOOD ? 0 : -EIO;
}

static int tape_wait(struct selftest *t)
{
	static const uint8_t cdb[6] = {0};
	struct initiator_answer a = {0};

	for (int tries = 0; tries < READY_TRIES; tries++) {
		int error = selftest_send(t, &(struct initiator_command){.cdb = cdb, .cdb_size = 6}, &a);

		if (error || a.status == STATUS_GOOD)
			return error;
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	}
	return -ETIMEDOUT;
}

static const char *step_judge(const struct selftest_step *s, const struct initiator_answer *a,
			      const uint8_t *in)
{
	if (a->status != s->status || (a->status == STATUS_CHECK && (a->key != s->key || a->asc != s->asc ||
								     a->ascq != s->ascq)))
		return "another answer was due";
	if (a->status == STATUS_CHECK && (a->filemark != s->filemark || a->ili != s->ili))
		return "its flags are wrong";
	if (s->ili && (!a->valid || a->information != s->information))
		return "the difference in length is wrong";
	for (uint32_t i = 0; s->cdb[0] == 0x08 && s->status == STATUS_GOOD && i < a->received; i++)
		if (in[i] != PATTERN)
			return "other data was written";
	return NULL;
}

static int step_run(struct selftest *t, const struct selftest_step *s)
{
	uint32_t size = s->in > s->out ? s->in : s->out;
	CLEANUP_FREE uint8_t *data = mem_zalloc(size + 1);
	const struct initiator_command command = {
		.cdb = s->cdb, .cdb_size = s->cdb_size, .in = s->in ? data : NULL,
		.out = s->out ? data : NULL, .size = size};
	struct initiator_answer a;
	char words[64];
	int error;

	if (s->out)
		memset(data, PATTERN, size);
	error = selftest_send(t, &command, &a);
	if (error)
		return error;
	initiator_words(&a, words, sizeof(words));
	selftest_show(t, &(struct selftest_line){.opcode = s->cdb[0], .action = -1, .name = s->name,
						 .need = "scratch tape", .answer = words,
						 .why = step_judge(s, &a, data)});
	return 0;
}

static int tape_steps(struct selftest *t, const struct place *place, int changer)
{
	int error = tape_move(t, place->slot, place->drive, changer), back;

	if (error)
		return error == -EIO ? 0 : error;
	initiator_set_lun(t->initiator, place->lun);
	error = tape_wait(t);
	if (error)
		tool_complain("the drive does not get ready with the tape");
	if (!error)
		error = selftest_guard(t);
	for (const struct selftest_step *s = selftest_steps; !error && s->name; s++)
		error = tool_stopped() ? -ECANCELED : step_run(t, s);
	if (error == -ECANCELED)
		tool_complain("stopped by a signal: the tape goes back to its slot");
	back = tape_move(t, place->drive, place->slot, changer);
	return error ? error : back == -EIO ? 0 : back;
}

int selftest_tape(struct selftest *t, const char *barcode, const int *luns, unsigned count)
{
	struct place place = {.lun = -1};
	int error;

	if (strlen(barcode) == 0 || strlen(barcode) > 32) {
		tool_complain("\"%s\" is no barcode", barcode);
		return -EINVAL;
	}
	initiator_set_lun(t->initiator, luns[0]);
	error = place_find(t, &place, barcode, luns, count);
	if (!error && (!place.slot || !place.drive)) {
		tool_complain(!place.slot      ? "tape %s is in no slot"
			      : place.conflict ? "there is no drive for tape %s: " RESERVE_CONFLICT
					       : "there is no empty drive for tape %s",
			      barcode);
		error = -ENOENT;
	}
	if (error) {
		reserve_drop(t->initiator, &place.reserve);
		return error;
	}
	t->lines = 0;
	if (t->json)
		printf(",\n  \"tape\": {\"lun\": %d, \"steps\": [", place.lun);
	else
		printf("Tape %s in LUN %d\n", barcode, place.lun);
	error = tape_steps(t, &place, luns[0]);
	reserve_drop(t->initiator, &place.reserve);
	if (t->json)
		printf("\n    ]}");
	return error;
}
