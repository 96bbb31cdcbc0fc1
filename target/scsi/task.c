/* SPDX-License-Identifier: MIT */
/*
 * What a command answers with: status, sense, data-in. Data is cut here to what
 * the initiator has room for, and nowhere else.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/assert.h"
#include "target/scsi/unit.h"

static void task_drop_data(struct scsi_task *task)
{
	for (unsigned i = 0; i < task->in_count; i++)
		scsi_buffer_release(&task->in[i].buffer);
	task->in_count = 0;
	task->in_size = 0;
}

void scsi_task_clear(struct scsi_task *task)
{
	task_drop_data(task);
	scsi_buffer_release(&task->out);
	/* The slices are many and unused: they stay as they are. */
	memset(task->cdb, 0, sizeof(task->cdb));
	memset(&task->sense, 0, sizeof(task->sense));
	task->cdb_size = 0;
	task->in_room = 0;
	task->status = SCSI_GOOD;
	task->sense_descriptor = false;
	task->tells_earlier = false;
	task->in_wanted = 0;
	task->out_wanted = 0;
	task->out_taken = 0;
	task->lu = NULL;
	task->row = NULL;
	task->original = NULL;
	task->job = NULL;
	__atomic_store_n(&task->aborted, false, __ATOMIC_RELAXED);
}

void scsi_good(struct scsi_task *task)
{
	task->status = SCSI_GOOD;
}

void scsi_check_sense(struct scsi_task *task, const struct sense *sense)
{
	task->status = SCSI_CHECK_CONDITION;
	task->sense = *sense;
	task->tells_earlier = false;
}

void scsi_check_earlier(struct scsi_task *task, const struct sense *sense)
{
	scsi_check_sense(task, sense);
	task->tells_earlier = true;
}

void scsi_check(struct scsi_task *task, enum sense_key key, enum sense_code code)
{
	scsi_check_sense(task, &(struct sense){.key = key, .code = (uint16_t)code});
}

static void check_field(struct scsi_task *task, enum sense_code code, bool in_cdb, unsigned byte,
			unsigned bit)
{
	scsi_check_sense(task, &(struct sense){
				       .key = SENSE_ILLEGAL_REQUEST,
				       .code = (uint16_t)code,
				       .field_valid = true,
				       .field_in_cdb = in_cdb,
				       .field_byte = (uint16_t)byte,
				       .field_bit = (uint8_t)bit,
			       });
}

void scsi_invalid_cdb(struct scsi_task *task, unsigned byte, unsigned bit)
{
	check_field(task, ASC_INVALID_FIELD_IN_CDB, true, byte, bit);
}

void scsi_invalid_parameter(struct scsi_task *task, unsigned byte, unsigned bit)
{
	check_field(task, ASC_INVALID_FIELD_IN_PARAMETERS, false, byte, bit);
}

void scsi_reply_slice(struct scsi_task *task, struct scsi_buffer *buffer, size_t offset, size_t size)
{
	ASSERT(offset <= buffer->capacity && size <= buffer->capacity - offset);
	task->in_wanted += size;
	size_t room = task->in_room - task->in_size;
	if (size > room)
		size = room;
	if (!size || task->in_count == SCSI_SLICES)
		return;
	struct scsi_slice *slice = &task->in[task->in_count++];
	slice->buffer = scsi_buffer_hold(buffer);
	slice->offset = offset;
	slice->size = size;
	task->in_size += size;
}

int scsi_reply(struct scsi_task *task, const void *data, size_t size, uint64_t allocation)
{
	if (size > allocation)
		size = (size_t)allocation;
	size_t room = task->in_room - task->in_size;
	size_t copied = size < room ? size : room;
	if (!copied) {
		task->in_wanted += size;
		return 0;
	}
	struct scsi_buffer *buffer = scsi_buffer_get(task->nexus->target->pool, copied);
	if (!buffer) {
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
		return -ENOMEM;
	}
	memcpy(buffer->data, data, copied);
	buffer->size = copied;
	scsi_reply_slice(task, buffer, 0, copied);
	task->in_wanted += size - copied;
	scsi_buffer_release(&buffer);
	return 0;
}

const uint8_t *scsi_parameters(struct scsi_task *task, size_t size)
{
	static const uint8_t none[1];
	if (task->out && task->out->size >= size) {
		task->out_taken = task->out->size < task->out_wanted ? task->out->size : task->out_wanted;
		return task->out->data;
	}
	if (!size)
		return none;
	scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	return NULL;
}

bool scsi_brings_secret(const uint8_t *cdb)
{
	return cdb[0] == 0xb5; /* SECURITY PROTOCOL OUT */
}

bool scsi_is_aborted(const struct scsi_task *task)
{
	return __atomic_load_n(&task->aborted, __ATOMIC_ACQUIRE);
}
