/* SPDX-License-Identifier: MIT */
/*
 * Mode and log pages: what is shown, what may be changed, that a list with one
 * wrong byte changes nothing, and who hears of a change.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/scsi-scene.h"

static void header_and_descriptor_come_first(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x1a, 0, 0x10, 0, 255);
	assert_good(&answer);
	assert_int_equal(answer.size, 4 + 8 + 16);
	assert_int_equal(answer.data[0], answer.size - 1);
	assert_int_equal(answer.data[1], 0x88);
	assert_int_equal(answer.data[2], 0x10);
	assert_int_equal(answer.data[3], 8);
	assert_int_equal(answer.data[4], 0x5e);
	assert_int_equal(answer.data[12], 0x10);
	assert_int_equal(answer.data[13], 14);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x10, 0, 255); /* DBD */
	assert_int_equal(answer.size, 4 + 16);
	assert_int_equal(answer.data[3], 0);
	RUN(&answer, scene.a, 0x5a, 0, 0x10, 0, 0, 0, 0, 1, 0);
	assert_int_equal(answer.size, 8 + 8 + 16);
	assert_int_equal(be_get16(answer.data), answer.size - 2);
	assert_int_equal(answer.data[2], 0x88);
	assert_int_equal(be_get16(answer.data + 6), 8);
	/* st asks for page 00h to see the descriptor. */
	RUN(&answer, scene.a, 0x1a, 0, 0, 0, 12);
	assert_good(&answer);
	assert_int_equal(answer.size, 12);
	assert_int_equal(answer.data[0], 11);
	RUN(&answer, scene.a, 0x1a, 0, 0x3f, 0, 4);
	assert_int_equal(answer.size, 4);
	assert_int_equal(answer.wanted, 4);
}

/* The pages of an answer to MODE SENSE(6) without descriptor, as "code/subpage " in hex. */
static void list_pages(char *text, size_t size)
{
	size_t used = 0;
	text[0] = 0;
	for (size_t at = 4; at < answer.size;) {
		const uint8_t *page = answer.data + at;
		bool subpage = page[0] & 0x40;
		used += (size_t)snprintf(text + used, size - used, "%02x/%02x ", page[0] & 0x3f,
					 subpage ? page[1] : 0);
		at += subpage ? 4u + be_get16(page + 2) : 2u + page[1];
		assert_true(at <= answer.size && used < size);
	}
}

static void all_pages_come_in_order(void **state)
{
	char pages[256];
	(void)state;
	RUN(&answer, scene.a, 0x1a, 0x08, 0x3f, 0, 255);
	list_pages(pages, sizeof(pages));
	assert_string_equal(pages, "0a/00 0f/00 10/00 1c/00 21/00 ");
	RUN(&answer, scene.a, 0x1a, 0x08, 0x3f, 0xff, 255);
	list_pages(pages, sizeof(pages));
	assert_string_equal(pages, "0a/00 0a/01 0f/00 10/00 10/01 1c/00 21/00 ");
	RUN(&answer, scene.a, 0x1a, 0x08, 0x10, 0xff, 255);
	list_pages(pages, sizeof(pages));
	assert_string_equal(pages, "10/00 10/01 ");
	RUN(&answer, scene.a, 0x1a, 0x08, 0x10, 0x01, 255);
	list_pages(pages, sizeof(pages));
	assert_string_equal(pages, "10/01 ");
	RUN(&answer, scene.a, 0x1a, 0x08, 0x11, 0, 255);
	assert_field(&answer, 2, 5);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x10, 2, 255);
	assert_field(&answer, 3, 8);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x3f, 1, 255);
	assert_field(&answer, 3, 8);
}

/* Its length has one byte: what does not fit is left out, page by page. */
static void mode_sense_6_tells_the_pages_that_fit(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x1a, 0x08, 0x3f, 0, 255);
	assert_good(&answer);
	assert_int_equal(answer.data[0], answer.size - 1);
	assert_true(answer.size <= 256 && answer.size + 100 > 256);
	/* All of it is told, though there is room for some only. */
	size_t all = answer.size;
	RUN(&answer, scene.a, 0x1a, 0x08, 0x3f, 0, 30);
	assert_int_equal(answer.size, 30);
	assert_int_equal(answer.data[0], all - 1);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x22, 0, 255);
	assert_int_equal(answer.size, 4 + 100);
	RUN(&answer, scene.a, 0x5a, 0x08, 0x3f, 0, 0, 0, 0, 2, 0);
	assert_good(&answer);
	assert_int_equal(answer.size, 8 + all - 4 + 100);
	assert_int_equal(answer.data[answer.size - 100], 0x22);
}

static void page_control_chooses_the_values(void **state)
{
	static const uint8_t list[20] = {0, 0, 0x10, 0, 0x10, 14, 0, 0, 9, 2};
	(void)state;
	SEND(&answer, scene.a, list, sizeof(list), 0x15, 0x10, 0, 0, sizeof(list));
	assert_good(&answer);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x10, 0, 255);
	assert_int_equal(answer.data[4 + 4], 9);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x40 | 0x10, 0, 255);
	assert_int_equal(answer.data[4], 0x10);
	assert_int_equal(answer.data[4 + 4], 0xff);
	assert_int_equal(answer.data[4 + 5], 0);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x80 | 0x10, 0, 255);
	assert_int_equal(answer.data[4 + 4], 1);
	RUN(&answer, scene.a, 0x1a, 0x08, 0xc0 | 0x10, 0, 255);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
	/* What is live is asked for. */
	RUN(&answer, scene.a, 0x01);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x0f, 0, 255);
	assert_int_equal(answer.data[4 + 3], 1);
	/* A reset brings the defaults back. */
	assert_int_equal(manage_wait(scene.a, SCSI_LU_RESET, 0, 0), SCSI_FUNCTION_COMPLETE);
	RUN(&answer, scene.a, 0x00);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x10, 0, 255);
	assert_int_equal(answer.data[4 + 4], 1);
}

static void a_change_is_told_to_the_others_once(void **state)
{
	static const uint8_t list[20] = {0, 0, 0x10, 0, 0x10, 14, 0, 0, 9, 2};
	(void)state;
	SEND(&answer, scene.a, list, sizeof(list), 0x15, 0x10, 0, 0, sizeof(list));
	assert_good(&answer);
	assert_int_equal(answer.out_wanted, 20);
	RUN(&answer, scene.a, 0x00);
	assert_good(&answer);
	RUN(&answer, scene.b, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_MODE_PARAMETERS_CHANGED);
	/* The same again changes nothing. */
	SEND(&answer, scene.a, list, sizeof(list), 0x15, 0x10, 0, 0, sizeof(list));
	assert_good(&answer);
	RUN(&answer, scene.b, 0x00);
	assert_good(&answer);
	assert_int_equal(scene.fake[0].page_changes, 2);
	/* A block descriptor is a change as well; and the header's byte. */
	static const uint8_t density[12] = {0, 0, 0x10, 8, 0x5c};
	SEND(&answer, scene.a, density, sizeof(density), 0x15, 0x10, 0, 0, sizeof(density));
	assert_good(&answer);
	assert_int_equal(scene.fake[0].density, 0x5c);
	RUN(&answer, scene.b, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_MODE_PARAMETERS_CHANGED);
	static const uint8_t unbuffered[4] = {0, 0, 0, 0};
	SEND(&answer, scene.a, unbuffered, 4, 0x15, 0, 0, 0, 4); /* PF=0 without pages */
	assert_good(&answer);
	assert_int_equal(scene.fake[0].device_specific, 0);
	RUN(&answer, scene.b, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_MODE_PARAMETERS_CHANGED);
}

static const struct {
	const char *what;
	uint8_t byte1;
	uint8_t list[40];
	size_t size;
	enum sense_code code;
	int field; /* of the list; -1: none */
} wrong_lists[] = {
	{"header cut", 0x10, {0, 0, 0x10}, 3, ASC_PARAMETER_LIST_LENGTH, -1},
	{"descriptor cut", 0x10, {0, 0, 0x10, 8, 0}, 5, ASC_PARAMETER_LIST_LENGTH, -1},
	{"descriptor of 7", 0x10, {0, 0, 0x10, 7}, 16, ASC_INVALID_FIELD_IN_PARAMETERS, 3},
	{"page header cut", 0x10, {0, 0, 0x10, 0, 0x10}, 5, ASC_PARAMETER_LIST_LENGTH, -1},
	{"page cut", 0x10, {0, 0, 0x10, 0, 0x10, 14, 0}, 19, ASC_PARAMETER_LIST_LENGTH, -1},
	{"unknown page", 0x10, {0, 0, 0x10, 0, 0x11, 2}, 8, ASC_INVALID_FIELD_IN_PARAMETERS, 4},
	{"page 3Fh", 0x10, {0, 0, 0x10, 0, 0x3f, 2}, 8, ASC_INVALID_FIELD_IN_PARAMETERS, 4},
	{"wrong length", 0x10, {0, 0, 0x10, 0, 0x10, 13}, 19, ASC_INVALID_FIELD_IN_PARAMETERS, 5},
	{"fixed bit", 0x10, {0, 0, 0x10, 0, 0x10, 14, 1, 0, 9, 2}, 20,
	 ASC_INVALID_FIELD_IN_PARAMETERS, 6},
	{"half a changeable byte", 0x10, {0, 0, 0x10, 0, 0x10, 14, 0, 0, 9, 2, 0, 0, 0x10}, 20,
	 ASC_INVALID_FIELD_IN_PARAMETERS, 12},
	{"refused by the class", 0x10, {0, 0, 0x10, 0, 0x10, 14, 0, 0, 9, 2, 0, 0, 0, 5}, 20,
	 ASC_INVALID_FIELD_IN_PARAMETERS, 13},
	{"device-specific byte", 0x10, {0, 0, 0x1f, 0}, 4, ASC_INVALID_FIELD_IN_PARAMETERS, 2},
	{"descriptor's field", 0x10, {0, 0, 0x10, 8, 0x5c, 0, 0, 0, 1}, 12,
	 ASC_INVALID_FIELD_IN_PARAMETERS, 8},
	{"subpage without SPF", 0x10, {0, 0, 0x10, 0, 0x50, 0, 0, 12}, 20,
	 ASC_INVALID_FIELD_IN_PARAMETERS, 4},
};

static void wrong_lists_change_nothing(void **state)
{
	uint8_t list[80];
	(void)state;
	scene.fake[0].refuses = true;
	for (size_t i = 0; i < sizeof(wrong_lists) / sizeof(*wrong_lists); i++) {
		SEND(&answer, scene.a, wrong_lists[i].list, wrong_lists[i].size, 0x15,
		     wrong_lists[i].byte1, 0, 0, (uint8_t)wrong_lists[i].size);
		if (answer.status != SCSI_CHECK_CONDITION ||
		    answer.sense.code != wrong_lists[i].code)
			fail_msg("%s: status %d code %04x", wrong_lists[i].what, answer.status,
				 answer.sense.code);
		if (wrong_lists[i].field >= 0)
			assert_parameter(&answer, (unsigned)wrong_lists[i].field);
	}
	/* A good page before the bad one. */
	memset(list, 0, sizeof(list));
	memcpy(list, "\0\0\x10\0\x10\x0e\0\0\x09\x02", 10);
	memcpy(list + 20, "\x0f\x0e\x81", 3);
	SEND(&answer, scene.a, list, 36, 0x15, 0x10, 0, 0, 36);
	assert_parameter(&answer, 22);
	SEND(&answer, scene.a, list, 36, 0x15, 0x00, 0, 0, 36);
	assert_field(&answer, 1, 4); /* PF=0 */
	SEND(&answer, scene.a, list, 20, 0x15, 0x11, 0, 0, 20);
	assert_field(&answer, 1, 0); /* SP=1 */
	SEND(&answer, scene.a, list, 10, 0x15, 0x10, 0, 0, 20); /* less data than said */
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	RUN(&answer, scene.a, 0x1a, 0x08, 0x10, 0, 255);
	assert_int_equal(answer.data[4 + 4], 1);
	assert_int_equal(scene.fake[0].page_changes, 0);
	assert_int_equal(scene.fake[0].density, 0x5e);
	RUN(&answer, scene.b, 0x00);
	assert_good(&answer);
	SEND(&answer, scene.a, NULL, 0, 0x15, 0x10, 0, 0, 0);
	assert_good(&answer);
}

static void what_mode_sense_gives_mode_select_takes(void **state)
{
	uint8_t list[512];
	(void)state;
	RUN(&answer, scene.a, 0x5a, 0, 0x3f, 0xff, 0, 0, 0, 2, 0);
	assert_good(&answer);
	size_t size = answer.size;
	memcpy(list, answer.data, size);
	SEND(&answer, scene.a, list, size, 0x55, 0x10, 0, 0, 0, 0, 0, (uint8_t)(size >> 8),
	     (uint8_t)size);
	assert_good(&answer);
	RUN(&answer, scene.b, 0x00);
	assert_good(&answer);
}

static void d_sense_asks_for_descriptors(void **state)
{
	static const uint8_t list[16] = {0, 0, 0x10, 0, 0x0a, 0x0a, 0x04};
	struct scsi_lu *lu = scene.fake[0].lu;
	(void)state;
	RUN(&answer, scene.a, 0xc0);
	assert_false(answer.sense_descriptor);
	SEND(&answer, scene.a, list, sizeof(list), 0x15, 0x10, 0, 0, sizeof(list));
	assert_good(&answer);
	pthread_mutex_lock(&lu->lock);
	assert_int_equal(scsi_mode_values_locked(lu, 0x0a, 0)[2], 4);
	assert_null(scsi_mode_values_locked(lu, 0x0b, 0));
	pthread_mutex_unlock(&lu->lock);
	RUN(&answer, scene.b, 0xc0);
	assert_true(answer.sense_descriptor);
	RUN(&answer, scene.b, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_MODE_PARAMETERS_CHANGED);
	assert_true(answer.sense_descriptor);
}

/* ---- log pages ---------------------------------------------------------------------------------- */

static void log_pages_are_listed(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x4d, 0, 0x40, 0, 0, 0, 0, 1, 0);
	assert_good(&answer);
	assert_int_equal(answer.size, 4 + 4);
	assert_int_equal(answer.data[0], 0x80);
	assert_memory_equal(answer.data + 4, "\0\x0c\x10\x2e", 4);
	RUN(&answer, scene.a, 0x4d, 0, 0x40, 0xff, 0, 0, 0, 1, 0);
	assert_int_equal(answer.data[0], 0xc0);
	assert_int_equal(answer.data[1], 0xff);
	assert_int_equal(be_get16(answer.data + 2), 12);
	assert_memory_equal(answer.data + 4, "\0\0\0\xff\x0c\0\x0c\2\x10\0\x2e\0", 12);
	RUN(&answer, scene.a, 0x4d, 0, 0x4c, 0xff, 0, 0, 0, 1, 0);
	assert_memory_equal(answer.data + 4, "\x0c\0\x0c\2", 4);
	RUN(&answer, scene.a, 0x4d, 0, 0x51, 0, 0, 0, 0, 1, 0);
	assert_field(&answer, 2, 5);
	RUN(&answer, scene.a, 0x4d, 0, 0x4c, 1, 0, 0, 0, 1, 0);
	assert_field(&answer, 3, 8);
	RUN(&answer, scene.a, 0x4d, 0x01, 0x40, 0, 0, 0, 0, 1, 0); /* SP */
	assert_field(&answer, 1, 0);
	RUN(&answer, scene.a, 0x4d, 0x02, 0x40, 0, 0, 0, 0, 1, 0); /* PPC */
	assert_field(&answer, 1, 1);
}

static void log_parameters_start_at_the_pointer(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x4d, 0, 0x6e, 0, 0, 0, 0, 1, 0);
	assert_good(&answer);
	assert_int_equal(answer.size, 4 + 20);
	assert_int_equal(answer.data[0], 0x80 | 0x2e);
	RUN(&answer, scene.a, 0x4d, 0, 0x6e, 0, 0, 0, 3, 1, 0);
	assert_int_equal(answer.size, 4 + 10);
	assert_int_equal(be_get16(answer.data + 4), 3);
	RUN(&answer, scene.a, 0x4d, 0, 0x6e, 0, 0, 0, 5, 1, 0);
	assert_field(&answer, 5, 8);
	RUN(&answer, scene.a, 0x4d, 0, 0x6e, 0, 0, 0, 0, 0, 6);
	assert_int_equal(answer.size, 6);
	assert_int_equal(be_get16(answer.data + 2), 20);
}

static void log_select_resets(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x4c, 0x02, 0xcc);
	assert_good(&answer);
	assert_int_equal(scene.fake[0].page_changes, 100);
	RUN(&answer, scene.b, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_LOG_PARAMETERS_CHANGED);
	RUN(&answer, scene.a, 0x4c, 0x02, 0xc0); /* all */
	assert_int_equal(scene.fake[0].page_changes, 200);
	RUN(&answer, scene.a, 0x4c, 0x02, 0xd1);
	assert_field(&answer, 2, 8);
	SEND(&answer, scene.a, "abcd", 4, 0x4c, 0x02, 0xcc, 0, 0, 0, 0, 0, 4);
	assert_field(&answer, 7, 8);
	RUN(&answer, scene.a, 0x4c, 0x03, 0xcc); /* SP */
	assert_field(&answer, 1, 0);
	RUN(&answer, scene.a, 0x4c, 0, 0x4c); /* cumulative values, and none given */
	assert_good(&answer);
	assert_int_equal(scene.fake[0].page_changes, 200);
	RUN(&answer, scene.a, 0x4c, 0, 0xcc); /* back to their defaults */
	assert_good(&answer);
	assert_int_equal(scene.fake[0].page_changes, 300);
}

#define IN(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(header_and_descriptor_come_first),
		IN(all_pages_come_in_order),
		IN(mode_sense_6_tells_the_pages_that_fit),
		IN(page_control_chooses_the_values),
		IN(a_change_is_told_to_the_others_once),
		IN(wrong_lists_change_nothing),
		IN(what_mode_sense_gives_mode_select_takes),
		IN(d_sense_asks_for_descriptors),
		IN(log_pages_are_listed),
		IN(log_parameters_start_at_the_pointer),
		IN(log_select_resets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
