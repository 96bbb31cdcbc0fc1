/* SPDX-License-Identifier: MIT */
/*
 * The rows of the commands that every unit has (SPC-5), and the shortest of them.
 */
#include "target/scsi/common.h"

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/scsi/mode.h"
#include "target/scsi/reserve.h"

static void test_unit_ready_run(struct scsi_lu *lu, struct scsi_task *task)
{
	LOCK_SCOPE(&lu->lock);
	if (lu->class->ready)
		lu->class->ready(lu, task);
}

/* What is pending is data here, and told by it; else what TEST UNIT READY would say (SPC-5 6.39). */
static void request_sense_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint8_t data[SENSE_SIZE_MAX];
	struct sense sense = {.key = SENSE_NO_SENSE};
	if (!lu) {
		sense = (struct sense){.key = SENSE_ILLEGAL_REQUEST, .code = ASC_LUN_NOT_SUPPORTED};
	} else {
		LOCK_SCOPE(&lu->lock);
		if (!attention_take_locked(lu, itl_of(task), &sense) && lu->class->ready) {
			lu->class->ready(lu, task);
			if (task->status == SCSI_CHECK_CONDITION)
				sense = task->sense;
			scsi_good(task);
		}
	}
	size_t size = sense_encode(&sense, task->cdb[1] & 1, data, sizeof(data));
	(void)scsi_reply(task, data, size, task->cdb[4]);
}

/* For each nexus; removal is prevented while any of them wants it so (SPC-5 6.18). */
static void prevent_allow_run(struct scsi_lu *lu, struct scsi_task *task)
{
	bool prevents = task->cdb[4] & 1;
	LOCK_SCOPE(&lu->lock);
	struct scsi_itl *itl = itl_of(task);
	/* A session that ends has been looked at already, or will be. */
	if (itl->prevents == prevents || scsi_nexus_is_closing_locked(task->nexus))
		return;
	itl->prevents = prevents;
	lu->unit->prevents += prevents ? 1u : -1u;
}

bool scsi_removal_prevented_locked(const struct scsi_lu *lu)
{
	return lu->unit->prevents > 0;
}

/* ---- the table --------------------------------------------------------------------------- */

#define BESIDE	   (SCSI_WHILE_BUSY | SCSI_KEEPS_ATTENTION | SCSI_IF_RESERVED)
#define QUICK	   30   /* seconds */
#define SELF_TEST  300

#define ROW(code, size, text, function, more, ...)                                                 \
	{.opcode = (code), .length = (size), .usage = {(code), __VA_ARGS__}, .timeout = QUICK,     \
	 .flags = (more), .name = (text), .run = (function)}
#define ACTION(code, service, size, text, function, more, ...)                                     \
	{.opcode = (code), .has_action = true, .action = (service), .length = (size),              \
	 .usage = {(code), (service), __VA_ARGS__}, .timeout = QUICK, .flags = (more),             \
	 .name = (text), .run = (function)}
#define PR_IN(service, text)                                                                       \
	ACTION(0x5e, service, 10, "PERSISTENT RESERVE IN, " text, persistent_in_run,               \
	       SCSI_IF_RESERVED, 0, 0, 0, 0, 0, 0xff, 0xff)
#define PR_OUT(service, text)                                                                      \
	{.opcode = 0x5f, .has_action = true, .action = (service), .length = 10,                    \
	 .usage = {0x5f, (service), 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff}, .timeout = QUICK,         \
	 .flags = SCSI_IF_RESERVED, .name = "PERSISTENT RESERVE OUT, " text,                       \
	 .run = persistent_out_run, .waits = persistent_out_waits}

const struct scsi_opcode scsi_common_opcodes[] = {
	ROW(0x00, 6, "TEST UNIT READY", test_unit_ready_run, SCSI_WHILE_BUSY | SCSI_IF_PERSISTENT, 0),
	ROW(0x03, 6, "REQUEST SENSE", request_sense_run, BESIDE | SCSI_NO_LU, 0x01, 0, 0, 0xff),
	ROW(0x12, 6, "INQUIRY", inquiry_run, BESIDE | SCSI_NO_LU, 0x01, 0xff, 0xff, 0xff),
	ROW(0x15, 6, "MODE SELECT(6)", mode_select_run, 0, 0x10, 0, 0, 0xff),
	ROW(0x16, 6, "RESERVE(6)", reserve_run, SCSI_IF_RESERVED, 0),
	ROW(0x17, 6, "RELEASE(6)", release_run, SCSI_IF_RESERVED, 0),
	ROW(0x1a, 6, "MODE SENSE(6)", mode_sense_run, SCSI_IF_WRITE_EXCLUSIVE, 0x08, 0xff, 0xff, 0xff),
	ROW(0x1c, 6, "RECEIVE DIAGNOSTIC RESULTS", receive_diagnostic_run, SCSI_IF_WRITE_EXCLUSIVE,
	    0x01, 0xff, 0xff, 0xff),
	{.opcode = 0x1d, .length = 6, .usage = {0x1d, 0xf7, 0, 0xff, 0xff}, .timeout = SELF_TEST,
	 .name = "SEND DIAGNOSTIC", .run = send_diagnostic_run},
	ROW(0x1e, 6, "PREVENT ALLOW MEDIUM REMOVAL", prevent_allow_run, 0, 0, 0, 0, 0x01),
	ROW(0x3b, 10, "WRITE BUFFER", write_buffer_run, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff),
	ROW(0x3c, 10, "READ BUFFER", read_buffer_run, SCSI_IF_WRITE_EXCLUSIVE, 0x1f, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff),
	ROW(0x4c, 10, "LOG SELECT", log_select_run, 0, 0x02, 0xff, 0xff, 0, 0, 0, 0xff, 0xff),
	ROW(0x4d, 10, "LOG SENSE", log_sense_run, SCSI_IF_RESERVED, 0, 0xff, 0xff, 0, 0xff, 0xff, 0xff,
	    0xff),
	ROW(0x55, 10, "MODE SELECT(10)", mode_select_run, 0, 0x10, 0, 0, 0, 0, 0, 0xff, 0xff),
	ROW(0x56, 10, "RESERVE(10)", reserve_run, SCSI_IF_RESERVED, 0),
	ROW(0x57, 10, "RELEASE(10)", release_run, SCSI_IF_RESERVED, 0),
	/* LLBAA may be set: there are no long addresses to tell. */
	ROW(0x5a, 10, "MODE SENSE(10)", mode_sense_run, SCSI_IF_WRITE_EXCLUSIVE, 0x18, 0xff, 0xff, 0,
	    0, 0, 0xff, 0xff),
	PR_IN(0, "READ KEYS"),
	PR_IN(1, "READ RESERVATION"),
	PR_IN(2, "REPORT CAPABILITIES"),
	PR_IN(3, "READ FULL STATUS"),
	PR_OUT(0, "REGISTER"),
	PR_OUT(1, "RESERVE"),
	PR_OUT(2, "RELEASE"),
	PR_OUT(3, "CLEAR"),
	PR_OUT(4, "PREEMPT"),
	PR_OUT(5, "PREEMPT AND ABORT"),
	PR_OUT(6, "REGISTER AND IGNORE EXISTING KEY"),
	PR_OUT(7, "REGISTER AND MOVE"),
	ROW(0xa0, 12, "REPORT LUNS", report_luns_run, BESIDE | SCSI_NO_LU, 0, 0xff, 0, 0, 0, 0xff, 0xff,
	    0xff, 0xff),
	ACTION(0xa3, 0x05, 12, "REPORT IDENTIFYING INFORMATION", report_identifying_run,
	       SCSI_IF_RESERVED, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xfe),
	ACTION(0xa3, 0x0c, 12, "REPORT SUPPORTED OPERATION CODES", report_opcodes_run,
	       SCSI_IF_WRITE_EXCLUSIVE, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
	ACTION(0xa3, 0x0d, 12, "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", report_functions_run,
	       SCSI_IF_WRITE_EXCLUSIVE, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff),
	ACTION(0xa3, 0x0f, 12, "REPORT TIMESTAMP", report_timestamp_run, SCSI_IF_PERSISTENT, 0, 0, 0, 0,
	       0xff, 0xff, 0xff, 0xff),
	ACTION(0xa4, 0x0f, 12, "SET TIMESTAMP", set_timestamp_run, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff,
	       0xff),
	{0},
};
