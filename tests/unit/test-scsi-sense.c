/* SPDX-License-Identifier: MIT */
/*
 * Sense data byte by byte in both forms, and buffers: who lets go last gives back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/fault.h"
#include "target/scsi/buffer.h"
#include "target/scsi/sense.h"

static const struct {
	struct sense sense;
	uint8_t fixed[18];
	uint8_t descriptor[40];
	size_t descriptor_size;
} encodings[] = {
	{{.key = SENSE_NOT_READY, .code = ASC_NO_MEDIUM},
	 {0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x3a, 0},
	 {0x72, 2, 0x3a, 0}, 8},
	/* READ at a filemark, 10 blocks not read. */
	{{.code = ASC_FILEMARK, .filemark = true, .information_valid = true, .information = 10},
	 {0xf0, 0, 0x80, 0, 0, 0, 10, 10, 0, 0, 0, 0, 0, 1},
	 {0x72, 0, 0, 1, 0, 0, 0, 16, 0, 10, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 10, 4, 2, 0, 0x80}, 24},
	/* A block that is longer by 4 than what was asked for. */
	{{.ili = true, .information_valid = true, .information = -4},
	 {0xf0, 0, 0x20, 0xff, 0xff, 0xff, 0xfc, 10},
	 {0x72, 0, 0, 0, 0, 0, 0, 16, 0, 10, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc,
	  4, 2, 0, 0x20},
	 24},
	/* More than 32 bits: VALID is 0 in fixed form. */
	{{.key = SENSE_BLANK_CHECK, .code = ASC_END_OF_DATA, .information_valid = true,
	  .information = 0x123456789},
	 {0x70, 0, 8, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 5},
	 {0x72, 8, 0, 5, 0, 0, 0, 12, 0, 10, 0x80, 0, 0, 0, 0, 1, 0x23, 0x45, 0x67, 0x89}, 20},
	{{.key = SENSE_ILLEGAL_REQUEST, .code = ASC_INVALID_FIELD_IN_CDB, .field_valid = true,
	  .field_in_cdb = true, .field_byte = 1, .field_bit = 4},
	 {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0xcc, 0, 1},
	 {0x72, 5, 0x24, 0, 0, 0, 0, 8, 2, 6, 0, 0, 0xcc, 0, 1, 0}, 16},
	{{.key = SENSE_ILLEGAL_REQUEST, .code = ASC_INVALID_FIELD_IN_PARAMETERS, .field_valid = true,
	  .field_byte = 300, .field_bit = 8},
	 {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x26, 0, 0, 0x80, 1, 44},
	 {0x72, 5, 0x26, 0, 0, 0, 0, 8, 2, 6, 0, 0, 0x80, 1, 44, 0}, 16},
	{{.key = SENSE_VOLUME_OVERFLOW, .code = ASC_END_OF_MEDIUM, .deferred = true, .eom = true},
	 {0x71, 0, 0x4d, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 2},
	 {0x73, 13, 0, 2, 0, 0, 0, 4, 4, 2, 0, 0x40}, 12},
};

static void sense_is_encoded(void **state)
{
	uint8_t data[SENSE_SIZE_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		const struct sense *sense = &encodings[i].sense;
		assert_int_equal(sense_encode(sense, false, data, sizeof(data)), 18);
		assert_memory_equal(data, encodings[i].fixed, 18);
		assert_int_equal(sense_encode(sense, true, data, sizeof(data)),
				 encodings[i].descriptor_size);
		assert_memory_equal(data, encodings[i].descriptor, encodings[i].descriptor_size);
	}
	memset(data, 0xee, sizeof(data));
	assert_int_equal(sense_encode(&encodings[0].sense, false, data, 5), 5);
	assert_int_equal(data[5], 0xee);
}

static void sense_has_words(void **state)
{
	char text[128];
	(void)state;
	assert_string_equal(sense_text(&encodings[4].sense, text, sizeof(text)),
			    "ILLEGAL REQUEST 24/00 invalid field in CDB");
	assert_string_equal(sense_text(&encodings[6].sense, text, sizeof(text)),
			    "VOLUME OVERFLOW 00/02 end of partition or medium EOM (deferred)");
	assert_string_equal(
		sense_text(&(struct sense){.key = SENSE_ABORTED, .code = 0x9912}, text, sizeof(text)),
		"ABORTED COMMAND 99/12");
}

static void buffers_come_back(void **state)
{
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(1 << 20);
	(void)state;
	struct scsi_buffer *buffer = scsi_buffer_get(pool, 5000), *same;
	assert_non_null(buffer);
	assert_true(buffer->capacity >= 5000);
	assert_int_equal((uintptr_t)buffer->data % 4096, 0);
	uint8_t *data = buffer->data;
	same = scsi_buffer_hold(buffer);
	scsi_buffer_release(&buffer);
	assert_null(buffer);
	same->data[4999] = 1; /* still there */
	scsi_buffer_release(&same);
	buffer = scsi_buffer_get(pool, 8192);
	assert_ptr_equal(buffer->data, data);
	assert_int_equal(buffer->size, 0);
	struct scsi_buffer *large = scsi_buffer_get(pool, 4 << 20);
	scsi_buffer_release(&large); /* more than is kept */
	assert_null(scsi_buffer_get(pool, SIZE_MAX));
	/* The pool goes with its last buffer. */
	scsi_buffer_pool_free(&pool);
	assert_null(pool);
	buffer->data[0] = 2;
	scsi_buffer_release(&buffer);
}

static void without_memory_there_is_no_buffer(void **state)
{
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(0);
	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		fault_set(i == 1 ? "mem:1" : "mem:2");
		assert_null(scsi_buffer_get(pool, 100));
	}
	fault_set(NULL);
	struct scsi_buffer *buffer = scsi_buffer_get(pool, 100);
	assert_non_null(buffer);
	scsi_buffer_release(&buffer);
	scsi_buffer_pool_free(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sense_is_encoded),
		cmocka_unit_test(sense_has_words),
		cmocka_unit_test(buffers_come_back),
		cmocka_unit_test(without_memory_there_is_no_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
