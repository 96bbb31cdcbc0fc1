/* SPDX-License-Identifier: MIT */
/*
 * Who has asked for logical block protection: the mode page of each initiator port, and what is told of it.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/guard_scene.h"

/* ---- the mode page --------------------------------------------------------------------------------- */

static const struct {
	unsigned generation;
	uint8_t method, length, flags;
	int wrong; /* offset in the page, or -1 */
} page_rows[] = {
	{4, NONE, 0, 0, -1}, {4, RS, 4, WR, 4},
	{5, RS, 4, WR, -1},  {5, CRC, 4, WR, 4}, {6, RS, 4, W, -1}, {6, CRC, 4, W, 4},
	{7, RS, 4, WR, -1},  {7, CRC, 4, WR, -1}, {9, CRC, 4, R, -1}, {9, RS, 4, R, -1},
	{8, 3, 4, WR, 4},    {8, 0xf0, 4, WR, 4}, {8, CRC, 0, WR, 5}, {8, CRC, 8, WR, 5}, {8, RS, 2, WR, 5},
	{8, CRC, 4, WR | 0x20, 6}, /* RBDP */
	{8, CRC, 4, WR | 0x01, 6}, {8, NONE, 0, 0x20, 6},
	{8, NONE, 4, WR, -1}, /* means nothing without a method */
};

static void test_page(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(page_rows) / sizeof(page_rows[0]); i++) {
		struct drive_scene *s = drive_scene_new(
			&(struct drive_scene_options){.generation = page_rows[i].generation});
		uint8_t page[32];
		guard_page_of(page, page_rows[i].method, page_rows[i].length, page_rows[i].flags);
		scene_mode_select(s, page, sizeof(page));
		if (page_rows[i].wrong < 0)
			assert_good(&s->r);
		else
			assert_parameter(&s->r, 8 + (unsigned)page_rows[i].wrong);
		if (page_rows[i].wrong >= 0 || !page_rows[i].method)
			guard_page_of(page, NONE, 0, 0);
		assert_memory_equal(scene_mode_sense(s, 0x0a, 0xf0, CURRENT), page, sizeof(page));
		drive_scene_free(&s);
	}
}

/* INQUIRY and its pages say it from LTO-5 on, and the methods of the generation. */
static void test_inquiry(void **state)
{
	(void)state;
	static const uint8_t methods[] = {0, 0, 0, 0, 3, 1, 4, 0xc0, 3, 2, 4, 0xc0};
	static const uint8_t policy[] = {0x0a, 0xf0, 3, 0, 0x3f, 0xff, 0, 0};
	for (unsigned generation = 4; generation <= 9; generation++) {
		struct drive_scene *s =
			drive_scene_new(&(struct drive_scene_options){.generation = generation});
		bool guards = generation >= 5;
		RUN(&s->r, s->a, 0x12, 0, 0, 0, 96);
		assert_int_equal(s->r.data[5] & 1, guards);
		RUN(&s->r, s->a, 0x12, 1, 0x86, 0, 96);
		assert_int_equal(s->r.data[4] >> 3 & 7, guards);
		RUN(&s->r, s->a, 0x12, 1, 0x87, 0, 96);
		assert_int_equal(s->r.size, guards ? 12 : 8);
		assert_memory_equal(s->r.data + 4, policy + (guards ? 0 : 4), guards ? 8 : 4);
		RUN(&s->r, s->a, 0x12, 1, 0xb5, 0, 96);
		if (guards) {
			size_t size = generation >= 7 ? 12 : 8;
			assert_int_equal(s->r.size, 4 + size);
			assert_memory_equal(s->r.data + 4, methods, size);
		} else {
			assert_field(&s->r, 2, 7);
		}
		drive_scene_free(&s);
	}
}

/* ---- who ---------------------------------------------------------------------------------------------- */

/* It is each nexus' own: others have nothing of it, and are not told. */
static void test_nexus(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[32];
	scene_load(s, "A00001L8", "LTO-8", 0);
	guard_protect(s, s->a, CRC, WR);
	RUN(&s->r, s->b, 0x00);
	assert_good(&s->r); /* no 2Ah/01h */
	RUN(&s->r, s->b, 0x5a, 8, 0x0a, 0xf0, 0, 0, 0, 0x10, 0);
	guard_page_of(page, NONE, 0, 0);
	assert_memory_equal(s->r.data + 8, page, sizeof(page));
	guard_write(s, 100, 1, CRC);
	scene_write(s, s->b, 200, 3);
	assert_good(&s->r);
	guard_rewind(s, s->b);
	uint8_t data[104];
	guard_block(data, 100, 1, NONE);
	RUN(&s->r, s->b, 0x08, 0, 0, 0, 100);
	assert_good(&s->r);
	assert_memory_equal(s->r.data, data, 100);
	assert_true(scene_read(s, s->b, 200, 3));

	/* Both at once, each in its way. */
	guard_protect(s, s->b, RS, R);
	guard_rewind(s, s->b);
	guard_block(data, 100, 1, RS);
	RUN(&s->r, s->b, 0x08, 0, 0, 0, 104);
	assert_memory_equal(s->r.data, data, 104);
	guard_rewind(s, s->a);
	guard_block(data, 100, 1, CRC);
	RUN(&s->r, s->a, 0x08, 0, 0, 0, 104);
	assert_memory_equal(s->r.data, data, 104);
}

/* It goes with its session, and with a reset. */
static void test_reset(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[32];
	guard_page_of(page, NONE, 0, 0);
	scene_load(s, "A00001L8", "LTO-8", 0);
	guard_protect(s, s->a, CRC, WR);
	assert_int_equal(manage_wait(s->a, SCSI_LU_RESET, 0, 0), SCSI_FUNCTION_COMPLETE);
	scene_quiet(s, s->a);
	assert_memory_equal(scene_mode_sense(s, 0x0a, 0xf0, CURRENT), page, sizeof(page));
	guard_write(s, 100, 1, NONE);
}

/* The session of host `name` is lost, and the next one begins. */
static void again(struct drive_scene *s, const char *name, uint8_t isid)
{
	scene_close(&s->a);
	s->a = scene_open(s, name, isid);
	scene_quiet(s, s->a);
}

/* A setting is that of a port: it is there in its next session, and in no other's. */
static void test_lost_session(void **state)
{
	struct drive_scene *s = *state;
	uint8_t none[32], set[32];
	guard_page_of(none, NONE, 0, 0);
	guard_page_of(set, CRC, 4, WR);
	scene_load(s, "A00001L8", "LTO-8", 0);
	guard_protect(s, s->a, CRC, WR);
	again(s, "iqn.2026-01.org.granary:a", 1);
	assert_memory_equal(scene_mode_sense(s, 0x0a, 0xf0, CURRENT), set, sizeof(set));
	guard_write(s, 100, 1, CRC);
	again(s, "iqn.2026-01.org.granary:a", 2);
	assert_memory_equal(scene_mode_sense(s, 0x0a, 0xf0, CURRENT), none, sizeof(none));
	again(s, "iqn.2026-01.org.granary:c", 1);
	assert_memory_equal(scene_mode_sense(s, 0x0a, 0xf0, CURRENT), none, sizeof(none));
	again(s, "iqn.2026-01.org.granary:a", 1);
	guard_protect(s, s->a, NONE, 0);
	again(s, "iqn.2026-01.org.granary:a", 1);
	assert_memory_equal(scene_mode_sense(s, 0x0a, 0xf0, CURRENT), none, sizeof(none));
	guard_write(s, 100, 1, NONE);
}

/* Of too many that are not here the first is forgotten; those that are here stay. */
static void test_too_many(void **state)
{
	enum { KEPT = 256 };
	struct drive_scene *s = *state;
	uint8_t none[32], set[32];
	char name[64];
	guard_page_of(none, NONE, 0, 0);
	guard_page_of(set, CRC, 4, WR);
	scene_load(s, "A00001L8", "LTO-8", 0);
	guard_protect(s, s->b, CRC, WR);
	scene_quiet(s, s->a);
	/* With b there is one too many. */
	for (unsigned i = 0; i < KEPT; i++) {
		snprintf(name, sizeof(name), "iqn.2026-01.org.granary:many.%u", i);
		again(s, name, 1);
		guard_protect(s, s->a, CRC, WR);
	}
	for (unsigned i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "iqn.2026-01.org.granary:many.%u", i);
		again(s, name, 1);
		assert_memory_equal(scene_mode_sense(s, 0x0a, 0xf0, CURRENT), i ? set : none, sizeof(set));
	}
	scene_close(&s->a);
	s->a = s->b;
	s->b = NULL;
	scene_quiet(s, s->a);
	assert_memory_equal(scene_mode_sense(s, 0x0a, 0xf0, CURRENT), set, sizeof(set));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, drive_scene_setup, drive_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page), cmocka_unit_test(test_inquiry), TEST(test_nexus),
		TEST(test_reset), TEST(test_lost_session), TEST(test_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
