/* SPDX-License-Identifier: MIT */
/*
 * VERIFY(6): a READ whose bytes go nowhere. They are read all the same, so that the cartridge
 * compares them with their checksums.
 */
#include <errno.h>

#include "target/tape/drive_ahead.h"
#include "target/tape/drive_read.h"

#define VERIFY_PIECE (4u << 20)

static int verify_bytes(struct drive *drive, const struct read_plan *plan)
{
	uint64_t bytes = plan->stored ? plan->blocks * plan->stored : plan->bytes;
	for (uint64_t done = 0; done < bytes;) {
		size_t part = bytes - done < VERIFY_PIECE ? (size_t)(bytes - done) : VERIFY_PIECE;
		struct scsi_buffer *buffer = NULL;
		int error = ahead_read(drive, drive->partition, plan->offset + done, part, &buffer);
		if (error)
			return error;
		scsi_buffer_release(&buffer);
		done += part;
	}
	return 0;
}

static void verify_blocks(struct drive *drive, struct scsi_task *task, struct read_request request)
{
	uint32_t step = request.length;
	while (!scsi_is_aborted(task)) {
		struct read_request part = read_first_blocks(&request, step);
		struct read_plan plan;
		int error = read_plan(drive, &part, drive->object, &plan);
		if (!error)
			error = verify_bytes(drive, &plan);
		if (error == -EIO && request.fixed && part.length > 1) {
			step = part.length / 2;
			continue;
		}
		if (error) {
			read_tell_failure(drive, task, error, request.length);
			return;
		}
		read_advance(drive, &plan, plan.end == READ_FILEMARK, 0);
		request.length -= request.fixed ? plan.good : 0;
		if (plan.end == READ_COMPLETE && request.fixed && request.length)
			continue;
		read_tell_end(drive, task, &request, &plan, request.length);
		if (plan.end != READ_BROKEN)
			return;
	}
}

/* BYTCMP would compare with data-out, VTE and VBF choose where to stop: none is offered. */
static void run_verify(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	struct read_request request = read_request_of(drive, task);
	request.silent = false;
	if (!drive_ready(drive, task) || !read_request_valid(drive, task, &request))
		return;
	bool early = task->cdb[1] & 0x04 && drive_early(drive, task, ASC_OPERATION_RUNNING);
	int error = drive_drain(drive);
	if (error) {
		drive_check_flush(drive, task, error);
	} else if (request.length) {
		drive_set_activity(drive, "verifying");
		verify_blocks(drive, task, request);
		drive_set_activity(drive, "idle");
	}
	drive_early_end(drive, task, early);
}

const struct scsi_opcode drive_verify_opcodes[] = {
	{
		.opcode = 0x13, .length = 6, .usage = {0x13, 0x05, 0xff, 0xff, 0xff}, .timeout = 1200,
		.flags = SCSI_IF_WRITE_EXCLUSIVE,
		.name = "VERIFY(6)", .run = run_verify, .waits = drive_waits,
	},
	{0},
};
