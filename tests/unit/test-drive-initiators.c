/* SPDX-License-Identifier: MIT */
/*
 * The commands that programs send to a tape drive, byte by byte as they send them, in their order:
 * tapeinfo of mtx, mkltfs and ltfs, the st driver. Each gets what that program looks for.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/drive_scene.h"

struct step {
	uint8_t cdb[16];
	uint8_t size;	  /* of the CDB */
	uint16_t room;	  /* bytes that the program has for the answer */
	uint16_t offset;  /* in the answer, where what it looks for stands */
	const char *want; /* hexadecimal; "": GOOD is enough */
};

static void run_steps(struct drive_scene *s, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[256] = "";
		const struct step *step = &steps[i];
		run_command(&s->r, s->a, 0, step->cdb, step->size, NULL, 0, step->room);
		if (s->r.status != SCSI_GOOD)
			fail_msg("step %zu, %02x: status %u, %x %04x", i, step->cdb[0], s->r.status,
				 s->r.sense.key, s->r.sense.code);
		assert_true(step->offset + strlen(step->want) / 2 <= s->r.size);
		for (size_t byte = 0; byte < strlen(step->want) / 2; byte++)
			snprintf(text + 2 * byte, 3, "%02x", s->r.data[step->offset + byte]);
		if (strcmp(text, step->want) != 0)
			fail_msg("step %zu, %02x: %s, not %s", i, step->cdb[0], text, step->want);
	}
}
#define STEPS(s, steps) run_steps(s, steps, sizeof(steps) / sizeof((steps)[0]))

/* tapeinfo of mtx 1.3.12. */
static void test_tapeinfo(void **state)
{
	static const struct step steps[] = {
		{{0x12, 0, 0, 0, 96}, 6, 96, 0, "0180"},
		{{0x12, 1, 0x80, 0, 255}, 6, 255, 4, "47523030303030303031"},
		{{0x4d, 0, 0x6e, 0, 0, 0, 0, 0x08, 0x00}, 10, 2048, 0, "ae000140000103"},
		{{0x05}, 6, 6, 0, "008000000001"},
		{{0x00}, 6, 0, 0, ""},
		{{0x1a, 0, 0x0f, 0, 255}, 6, 255, 12, "0f0ec080"},
		{{0x34}, 10, 20, 0, "80000000000000000000000000000000"},
		{{0x4d, 0, 0x71, 0, 0, 0, 0, 0x08, 0x00}, 10, 2048, 0,
		 "b1000020" "0001000400000032" "0002000400000000" "0003000400000032" "0004000400000000"},
		{{0x1a, 0, 0x10, 0, 255}, 6, 255, 12, "100e0000"},
		{{0x1a, 0, 0x11, 0, 255}, 6, 255, 12, "110a0100"},
	};
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", UINT64_C(50) << 20);
	STEPS(s, steps);
}

/* The st driver at every open, and mt's `status`, `setblk 512`, `compression 0`. */
static void test_st(void **state)
{
	static const struct step open_steps[] = {
		{{0x00}, 6, 0, 0, ""},
		{{0x05}, 6, 6, 0, "008000000001"},
		{{0x1a, 0, 0, 0, 12}, 6, 12, 0, "0b8810085e00000000000000"},
	};
	static const uint8_t block[12] = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0x02, 0x00};
	uint8_t page[28];
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	STEPS(s, open_steps);
	SEND(&s->r, s->a, block, 12, 0x15, 0x10, 0, 0, 12);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x1a, 0, 0x0f, 0, 28);
	assert_good(&s->r);
	assert_int_equal(be_get24(s->r.data + 9), 512);
	/* st sends back what it got, the length byte and medium type cleared, DCE off. */
	memcpy(page, s->r.data, 28);
	page[0] = page[1] = 0;
	page[2] &= 0x7f;
	page[14] &= 0x7f;
	SEND(&s->r, s->a, page, 28, 0x15, 0x10, 0, 0, 28);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x1a, 0, 0x0f, 0, 28);
	assert_int_equal(s->r.data[14], 0x40);
	assert_int_equal(be_get24(s->r.data + 9), 512);
}

/* mkltfs: what it reads of the drive, then two partitions and the attributes. */
static void test_mkltfs(void **state)
{
	static const struct step before[] = {
		{{0x00}, 6, 0, 0, ""},
		{{0x12, 0, 0, 0, 80}, 6, 80, 8, "49424d2020202020554c54333538302d54443820202020204e394d31"},
		{{0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 0x20, 0}, 12, 8192, 4, "000000000002000600"},
		{{0x5a, 0, 0x1d, 0, 0, 0, 0, 0, 64}, 10, 64, 16, "1d1e00"},
		{{0x5a, 0, 0x10, 0x01, 0, 0, 0, 0, 64}, 10, 64, 16, "5001001c0002"},
		{{0x4d, 0, 0x57, 0, 0, 0, 0, 0x10, 0x00}, 10, 4096, 4, "000000010100010004"},
		{{0x8c, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x09, 0, 0, 0, 255}, 16, 255, 4, "000980000400000001"},
		{{0x34, 0x06}, 10, 32, 0, "80000000"},
	};
	static const struct step after[] = {
		{{0x8c, 0, 0, 0, 0, 0, 0, 1, 0x08, 0x0c, 0, 0, 0, 255}, 16, 255, 4, "080c00004600000002"},
		{{0x8c, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x0b, 0, 0, 0, 255}, 16, 255, 4, "080b010010322e342e30"},
		{{0x4d, 0, 0x71, 0, 0, 0, 0, 0x10, 0x00}, 10, 4096, 4, "000100040000005a0002000400000004"},
		{{0x34, 0x06}, 10, 32, 0, "80"},
	};
	struct drive_scene *s = *state;
	uint8_t select[28] = {0}, attributes[4 + 5 + 16 + 5 + 70] = {0, 0, 0, 96};
	scene_load(s, "A00001L8", "LTO-8", UINT64_C(100000000));
	STEPS(s, before);
	RUN(&s->r, s->a, 0x5a, 0, 0x11, 0, 0, 0, 0, 0, 28);
	assert_good(&s->r);
	memcpy(select, s->r.data, 28);
	select[0] = select[1] = 0;
	select[19] = 1;
	select[20] = 0x20 | (select[20] & 0x1f);
	select[22] = 6; /* of MB, as this tape is small */
	be_put16(select + 24, 0xffff);
	be_put16(select + 26, 5);
	SEND(&s->r, s->a, select, 28, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 28);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x04, 0, 0x01);
	assert_good(&s->r);
	scene_write(s, s->a, 80, 1); /* its label */
	memcpy(attributes + 4, "\x08\x0b\x01\x00\x10" "2.4.0           ", 21);
	memcpy(attributes + 25, "\x08\x0c\x00\x00\x46", 5);
	RUN(&s->r, s->a, 0x8c, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x09, 0, 0, 0, 255);
	memcpy(attributes + 29, s->r.data + 8, 5); /* length and reference: 4, 2 */
	attributes[29] = 0x46;
	memcpy(attributes + 30, s->r.data + 9, 4);
	for (uint8_t partition = 0; partition < 2; partition++) {
		SEND(&s->r, s->a, attributes, sizeof(attributes), 0x8d, 0, 0, 0, 0, 0, 0, partition, 0, 0,
		     0, 0, 0, sizeof(attributes));
		assert_good(&s->r);
	}
	scene_rewind(s, s->a);
	STEPS(s, after);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, drive_scene_setup, drive_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_tapeinfo),
		CASE(test_st),
		CASE(test_mkltfs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
