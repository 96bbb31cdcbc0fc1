/* SPDX-License-Identifier: MIT */
/*
 * The part of the self test that protects blocks: with each method that the drive offers, one block with its
 * protection information is written and read back, with it and without, and one that is wrong is refused.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "target/tape/guard.h"
#include "target/tool/selftest.h"

#define BLOCK	  1000u
#define PROTECTED (BLOCK + GUARD_SIZE)
#define LIST_SIZE 40u
#define LBP_BOTH  0xc0

/* What is sent, and what is due: where `key` is not 0, a CHECK CONDITION. */
struct guard_step {
	const char *name;
	uint8_t cdb[10], cdb_size;
	const uint8_t *out, *expected; /* expected: what a READ gives */
	uint32_t size;
	unsigned key, asc, ascq;
};

static const char *step_judge(const struct guard_step *s, const struct initiator_answer *a, const uint8_t *in)
{
	if (s->key) {
		bool right = a->status == STATUS_CHECK && a->key == s->key && a->asc == s->asc && a->ascq == s->ascq;
		return right ? NULL : "another answer was due";
	}
	if (a->status != STATUS_GOOD)
		return "another answer was due";
	if (s->expected && (a->received != s->size || memcmp(in, s->expected, s->size) != 0))
		return "other data came back";
	return NULL;
}

static int step_run(struct selftest *t, const struct guard_step *s)
{
	uint8_t in[PROTECTED] = {0};
	const struct initiator_command command = {
		.cdb = s->cdb, .cdb_size = s->cdb_size, .in = s->expected ? in : NULL, .out = s->out, .size = s->size};
	struct initiator_answer a;
	char words[64];
	int error = selftest_send(t, &command, &a);

	if (error)
		return error;
	initiator_words(&a, words, sizeof(words));
	selftest_show(t, &(struct selftest_line){.opcode = s->cdb[0], .action = -1, .name = s->name,
						 .need = "scratch tape", .answer = words,
						 .why = step_judge(s, &a, in)});
	return 0;
}

static void list_fill(uint8_t list[LIST_SIZE], uint8_t method)
{
	memset(list, 0, LIST_SIZE);
	list[3] = 0x10; /* buffered mode */
	memcpy(list + 8, "\x4a\xf0\x00\x1c", 4);
	list[12] = method;
	list[13] = method ? GUARD_SIZE : 0;
	list[14] = method ? LBP_BOTH : 0;
}

static int guard_method(struct selftest *t, enum guard_method method)
{
	uint8_t on[LIST_SIZE], off[LIST_SIZE], block[PROTECTED], wrong[PROTECTED];
	const struct guard_step steps[] = {
		{"REWIND", {0x01}, 6},
		{method == GUARD_CRC32C ? "MODE SELECT(10), CRC32C" : "MODE SELECT(10), Reed-Solomon CRC",
		 {0x55, 0x10, 0, 0, 0, 0, 0, 0, LIST_SIZE}, 10, .out = on, .size = LIST_SIZE},
		{"WRITE(6), a protected block", {0x0a, 0, 0, PROTECTED >> 8, PROTECTED & 0xff}, 6, .out = block,
		 .size = PROTECTED},
		{"WRITE(6), one that is wrong", {0x0a, 0, 0, PROTECTED >> 8, PROTECTED & 0xff}, 6, .out = wrong,
		 .size = PROTECTED, .key = 4, .asc = 0x10, .ascq = 1},
		{"REWIND", {0x01}, 6},
		{"READ(6), a protected block", {0x08, 0, 0, PROTECTED >> 8, PROTECTED & 0xff}, 6,
		 .expected = block, .size = PROTECTED},
		{"REWIND", {0x01}, 6},
		{"MODE SELECT(10), no protection", {0x55, 0x10, 0, 0, 0, 0, 0, 0, LIST_SIZE}, 10, .out = off,
		 .size = LIST_SIZE},
		{"READ(6), the block alone", {0x08, 0, 0, BLOCK >> 8, BLOCK & 0xff}, 6, .expected = block,
		 .size = BLOCK},
	};
	int error = 0;

	list_fill(on, (uint8_t)method);
	list_fill(off, GUARD_NONE);
	for (unsigned i = 0; i < BLOCK; i++)
		block[i] = (uint8_t)(i * 7 + i / 256);
	guard_put(method, block, BLOCK, block + BLOCK);
	memcpy(wrong, block, sizeof(wrong));
	wrong[BLOCK / 2] ^= 1;
	for (unsigned i = 0; !error && i < sizeof(steps) / sizeof(steps[0]); i++)
		error = step_run(t, &steps[i]);
	return error;
}

int selftest_guard(struct selftest *t)
{
	static const uint8_t cdb[6] = {0x12, 1, 0xb5, 0, 252};
	uint8_t data[252] = {0};
	const struct initiator_command command = {.cdb = cdb, .cdb_size = 6, .in = data, .size = sizeof(data)};
	struct initiator_answer a;
	int error = selftest_send(t, &command, &a);

	/* SSC-5 8.6.8: a drive without the page protects nothing. */
	if (error || a.status != STATUS_GOOD)
		return error;
	uint32_t end = 4u + be_get16(data + 2);
	if (end > a.received)
		end = a.received;
	for (uint32_t at = 8; !error && at + 4 <= end; at += data[at] + 1u) {
		const uint8_t *d = data + at;
		bool known = d[1] == GUARD_REED_SOLOMON || d[1] == GUARD_CRC32C;

		if (known && (d[2] & 0x3f) == GUARD_SIZE && (d[3] & LBP_BOTH) == LBP_BOTH)
			error = tool_stopped() ? -ECANCELED : guard_method(t, d[1]);
	}
	return error;
}
