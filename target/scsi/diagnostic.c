/* SPDX-License-Identifier: MIT */
/*
 * SEND and RECEIVE DIAGNOSTIC (the self-test: the unit is there, so it is well), READ
 * and WRITE BUFFER (descriptor, echo buffer of each nexus), and the clock that an
 * initiator may set.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "target/scsi/common.h"
#include "target/scsi/self_test.h"

/* ---- diagnostics (SPC-5 6.42, 6.32) ------------------------------------------------------ */

#define SELF_TEST_BIT 0x04

static bool self_test_is_known(unsigned code)
{
	return code != 3 && code != 7; /* reserved */
}

void send_diagnostic_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint16_t size = be_get16(task->cdb + 3);
	unsigned code = task->cdb[1] >> 5;
	task->out_wanted = size;
	if (!self_test_is_known(code) || (code && task->cdb[1] & SELF_TEST_BIT)) {
		scsi_invalid_cdb(task, 1, 7);
		return;
	}
	if (!size) {
		if (code || task->cdb[1] & SELF_TEST_BIT)
			self_test_done(lu, code);
		return;
	}
	const uint8_t *list = scsi_parameters(task, size);
	if (!list)
		return;
	/* The only page: 00h, which asks for the list of pages. */
	if (size < 4)
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	else if (list[0] || be_get16(list + 2))
		scsi_invalid_parameter(task, list[0] ? 0 : 2, 7);
}

void receive_diagnostic_run(struct scsi_lu *lu, struct scsi_task *task)
{
	static const uint8_t supported[5] = {0, 0, 0, 1, 0};
	(void)lu;
	if (task->cdb[2])
		scsi_invalid_cdb(task, 2, 7);
	else
		(void)scsi_reply(task, supported, sizeof(supported), be_get16(task->cdb + 3));
}

/* ---- buffers (SPC-5 6.22, 6.48) ---------------------------------------------------------- */

enum buffer_mode { BUFFER_DESCRIPTOR = 0x03, BUFFER_ECHO = 0x0a, BUFFER_ECHO_DESCRIPTOR = 0x0b };

static void read_echo(struct scsi_lu *lu, struct scsi_task *task, uint32_t allocation)
{
	uint8_t data[SCSI_ECHO_MAX];
	size_t size = 0;
	{
		LOCK_SCOPE(&lu->lock);
		struct scsi_itl *itl = itl_of(task);
		size = itl->echo_size;
		if (size)
			memcpy(data, itl->echo, size);
	}
	if (size)
		(void)scsi_reply(task, data, size, allocation);
	else
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE);
}

void read_buffer_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint32_t allocation = be_get24(task->cdb + 6);
	uint8_t descriptor[4] = {0};
	switch (task->cdb[1] & 0x1f) {
	case BUFFER_DESCRIPTOR: /* no buffer has data, whichever it is */
		(void)scsi_reply(task, descriptor, sizeof(descriptor), allocation);
		break;
	case BUFFER_ECHO_DESCRIPTOR:
		be_put16(descriptor + 2, SCSI_ECHO_MAX);
		(void)scsi_reply(task, descriptor, sizeof(descriptor), allocation);
		break;
	case BUFFER_ECHO:
		read_echo(lu, task, allocation);
		break;
	default:
		scsi_invalid_cdb(task, 1, 4);
		break;
	}
}

static int echo_keep(struct scsi_lu *lu, struct scsi_task *task, const uint8_t *data, size_t size)
{
	LOCK_SCOPE(&lu->lock);
	struct scsi_itl *itl = itl_of(task);
	if (!itl->echo)
		itl->echo = mem_try_alloc(1, SCSI_ECHO_MAX);
	if (!itl->echo)
		return -ENOMEM;
	memcpy(itl->echo, data, size);
	itl->echo_size = size;
	return 0;
}

void write_buffer_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint32_t size = be_get24(task->cdb + 6);
	task->out_wanted = size;
	if ((task->cdb[1] & 0x1f) != BUFFER_ECHO) {
		scsi_invalid_cdb(task, 1, 4);
		return;
	}
	if (size > SCSI_ECHO_MAX) {
		scsi_invalid_cdb(task, 6, 7);
		return;
	}
	const uint8_t *data = scsi_parameters(task, size);
	if (data && size && echo_keep(lu, task, data, size))
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
}

/* ---- the clock (SPC-5 6.39, 6.45) -------------------------------------------------------- */

#define TIMESTAMP_OTHER 0x03 /* set by means outside of the standard: the host's clock */
#define TIMESTAMP_SET	0x02 /* set by SET TIMESTAMP */
#define NS_PER_MS	1000000

static void put_be48(uint8_t *data, uint64_t value)
{
	be_put16(data, (uint16_t)(value >> 32));
	be_put32(data + 2, (uint32_t)value);
}

void report_timestamp_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint8_t data[12] = {0};
	int64_t now = clock_real_ns() / NS_PER_MS;
	be_put16(data, sizeof(data) - 2);
	{
		LOCK_SCOPE(&lu->lock);
		data[2] = lu->unit->timestamp_set ? TIMESTAMP_SET : TIMESTAMP_OTHER;
		put_be48(data + 4, (uint64_t)(now + lu->unit->timestamp_offset));
	}
	(void)scsi_reply(task, data, sizeof(data), be_get32(task->cdb + 6));
}

void set_timestamp_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint32_t size = be_get32(task->cdb + 6);
	task->out_wanted = size;
	if (!size)
		return;
	const uint8_t *list = scsi_parameters(task, 12);
	if (!list)
		return;
	if (size < 12) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
		return;
	}
	uint64_t timestamp = (uint64_t)be_get16(list + 4) << 32 | be_get32(list + 6);
	{
		LOCK_SCOPE(&lu->lock);
		lu->unit->timestamp_set = true;
		lu->unit->timestamp_offset = (int64_t)timestamp - clock_real_ns() / NS_PER_MS;
	}
	scsi_attention(lu, task->nexus, ASC_TIMESTAMP_CHANGED);
}
