/* SPDX-License-Identifier: MIT */
#include "tests/target/sense_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "lib/base/bytes.h"

#define SENSE_BEFORE 2 /* libiscsi leaves SenseLength before the sense data */
#define SENSE_LEAST  18

struct host {
	struct iscsi_context *session;
};

struct host *host_open(const char *portal, const char *target, const char *initiator)
{
	struct host *host = calloc(1, sizeof(*host));
	struct iscsi_context *session = iscsi_create_context(initiator);

	if (!host || !session)
		abort();
	host->session = session;
	iscsi_set_targetname(session, target);
	iscsi_set_session_type(session, ISCSI_SESSION_NORMAL);
	iscsi_set_noautoreconnect(session, 1);
	if (!iscsi_connect_sync(session, portal) && !iscsi_login_sync(session))
		return host;
	fprintf(stderr, "%s: %s\n", portal, iscsi_get_error(session));
	iscsi_destroy_context(session);
	free(host);
	return NULL;
}

void host_close(struct host **host_pointer)
{
	struct host *host = *host_pointer;

	*host_pointer = NULL;
	iscsi_logout_sync(host->session);
	iscsi_destroy_context(host->session);
	free(host);
}

static bool told_sense(struct told *told, const uint8_t *sense, size_t size)
{
	if (size < SENSE_LEAST || (sense[0] & 0x7f) != 0x70) {
		fprintf(stderr, "CHECK CONDITION with %zu bytes of sense\n", size);
		return false;
	}
	char *flag = told->flags;
	for (unsigned i = 0; i < 3; i++)
		if (sense[2] & 0x80 >> i)
			*flag++ = "FEI"[i];
	told->key = sense[2] & 0x0f;
	told->code = be_get16(sense + 12);
	told->valid = sense[0] & 0x80;
	told->information = (int32_t)be_get32(sense + 3);
	told->field_valid = sense[15] & 0x80;
	told->field = told->field_valid ? be_get16(sense + 16) : 0;
	return true;
}

static bool told_result(struct told *told, const struct scsi_task *task)
{
	*told = (struct told){.key = TOLD_GOOD};
	if (task->residual_status == SCSI_RESIDUAL_UNDERFLOW)
		told->residual = (int64_t)task->residual;
	else if (task->residual_status == SCSI_RESIDUAL_OVERFLOW)
		told->residual = -(int64_t)task->residual;
	switch (task->status) {
	case SCSI_STATUS_GOOD:
		return true;
	case SCSI_STATUS_RESERVATION_CONFLICT:
		told->key = TOLD_CONFLICT;
		return true;
	case SCSI_STATUS_CHECK_CONDITION:
		return task->datain.size > SENSE_BEFORE &&
		       told_sense(told, task->datain.data + SENSE_BEFORE,
				  (size_t)task->datain.size - SENSE_BEFORE);
	default:
		fprintf(stderr, "status %x\n", (unsigned)task->status);
		return false;
	}
}

bool host_run(struct host *host, int lun, const uint8_t *cdb, size_t cdb_size, const void *out,
	      size_t out_size, void *in, size_t in_size, struct told *told)
{
	uint8_t copy[SCSI_CDB_MAX_SIZE];
	struct iscsi_data data = {.size = out_size, .data = (uint8_t *)(uintptr_t)out};
	int way = out ? SCSI_XFER_WRITE : in ? SCSI_XFER_READ : SCSI_XFER_NONE;
	size_t size = out ? out_size : in ? in_size : 0;

	memcpy(copy, cdb, cdb_size);
	struct scsi_task *task = scsi_create_task((int)cdb_size, copy, way, (int)size);
	if (!task || (in && scsi_task_add_data_in_buffer(task, (int)in_size, in)))
		abort();
	bool answered =
		iscsi_scsi_command_sync(host->session, lun, task, out ? &data : NULL) != NULL;
	if (!answered)
		fprintf(stderr, "CDB %02x: %s\n", cdb[0], iscsi_get_error(host->session));
	answered = answered && told_result(told, task);
	scsi_free_scsi_task(task);
	return answered;
}
