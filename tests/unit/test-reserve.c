/* SPDX-License-Identifier: MIT */
/*
 * A drive is reserved in the way that it knows, another's reservation is respected, and what was taken is
 * given back: against a drive that answers from a script.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "target/tool/reserve.h"

struct initiator {
	struct initiator_answer answers[8]; /* in turn; GOOD after the last */
	unsigned count, sent;
	uint8_t opcodes[8], actions[8], parameters[8][24];
	int lun;
	bool lost;
};

int initiator_run(struct initiator *i, const struct initiator_command *command,
		  struct initiator_answer *answer)
{
	unsigned n = i->sent++;

	if (i->lost)
		return -EIO;
	assert_true(n < 8);
	assert_int_equal(i->lun, 3);
	i->opcodes[n] = command->cdb[0];
	i->actions[n] = command->cdb[1];
	if (command->out)
		memcpy(i->parameters[n], command->out, command->size);
	*answer = n < i->count ? i->answers[n] : (struct initiator_answer){0};
	return 0;
}

void initiator_set_lun(struct initiator *i, int lun)
{
	i->lun = lun;
}

bool initiator_is_lost(const struct initiator *i)
{
	return i->lost;
}

void initiator_words(const struct initiator_answer *answer, char *words, size_t size)
{
	snprintf(words, size, "%X", answer->key);
}

static const struct initiator_answer attention = {.status = STATUS_CHECK, .key = SENSE_UNIT_ATTENTION},
				     unknown = {.status = STATUS_CHECK, .key = SENSE_ILLEGAL_REQUEST},
				     conflict = {.status = STATUS_CONFLICT},
				     not_ready = {.status = STATUS_CHECK, .key = SENSE_NOT_READY};

static int take(struct initiator *i, struct reserve *r, char words[128])
{
	words[0] = 0;
	return reserve_take(i, 3, r, words, 128);
}

static void test_session(void **state)
{
	struct initiator i = {.answers = {attention, attention}, .count = 2};
	struct reserve r;
	char words[128];

	(void)state;
	assert_int_equal(take(&i, &r, words), 0);
	assert_int_equal(r.kind, RESERVE_SESSION);
	i.lun = 7;
	reserve_drop(&i, &r);
	assert_int_equal(i.sent, 4);
	assert_memory_equal(i.opcodes, "\x16\x16\x16\x17", 4);
	reserve_drop(&i, &r);
	assert_int_equal(i.sent, 4);
}

static void test_persistent(void **state)
{
	struct initiator i = {.answers = {unknown, attention}, .count = 2};
	struct reserve r;
	char words[128];
	static const uint8_t none[8];

	(void)state;
	assert_int_equal(take(&i, &r, words), 0);
	assert_int_equal(r.kind, RESERVE_PERSISTENT);
	assert_memory_equal(i.opcodes, "\x16\x5f\x5f\x5f", 4);
	assert_int_equal(i.actions[2], 0);
	assert_int_equal(i.actions[3], 1);
	assert_memory_equal(i.parameters[2] + 8, r.key, 8);
	assert_memory_not_equal(r.key, none, 8);
	assert_memory_equal(i.parameters[3], r.key, 8);
	reserve_drop(&i, &r);
	assert_int_equal(i.sent, 5);
	assert_int_equal(i.actions[4], 0);
	assert_memory_equal(i.parameters[4], r.key, 8);
	assert_memory_equal(i.parameters[4] + 8, none, 8);
}

static void test_conflict(void **state)
{
	struct initiator session = {.answers = {conflict}, .count = 1};
	struct initiator registered = {.answers = {unknown, conflict}, .count = 2};
	struct initiator reserved = {.answers = {unknown, {0}, conflict}, .count = 3};
	struct reserve r;
	char words[128];

	(void)state;
	assert_int_equal(take(&session, &r, words), -EBUSY);
	assert_string_equal(words, RESERVE_CONFLICT);
	assert_int_equal(r.kind, RESERVE_NONE);
	assert_int_equal(take(&registered, &r, words), -EBUSY);
	assert_int_equal(registered.sent, 2);
	/* The registration goes again. */
	assert_int_equal(take(&reserved, &r, words), -EBUSY);
	assert_int_equal(r.kind, RESERVE_NONE);
	assert_int_equal(reserved.sent, 4);
	assert_memory_equal(reserved.parameters[3], reserved.parameters[1] + 8, 8);
}

static void test_other_answers(void **state)
{
	struct initiator neither = {.answers = {unknown, unknown}, .count = 2};
	struct initiator odd = {.answers = {not_ready}, .count = 1};
	struct initiator lost = {.lost = true};
	struct reserve r;
	char words[128];

	(void)state;
	assert_int_equal(take(&neither, &r, words), 0);
	assert_int_equal(r.kind, RESERVE_NONE);
	reserve_drop(&neither, &r);
	assert_int_equal(neither.sent, 2);
	assert_int_equal(take(&odd, &r, words), -EIO);
	assert_string_equal(words, "2");
	assert_int_equal(take(&lost, &r, words), -EIO);
	r.kind = RESERVE_SESSION;
	lost.sent = 0;
	reserve_drop(&lost, &r);
	assert_int_equal(lost.sent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_persistent),
		cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_other_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
