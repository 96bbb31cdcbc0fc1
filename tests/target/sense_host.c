/* SPDX-License-Identifier: MIT */
#include "tests/target/sense_host.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "lib/base/bytes.h"

#define SENSE_BEFORE 2 /* libiscsi leaves SenseLength before the sense data */
#define SENSE_LEAST  18

struct host {
	struct iscsi_context *session; /* NULL: there is none */
	const char *portal, *target, *initiator;
	uint32_t qualifier; /* of the ISID: the port stays the same */
};

void host_fail(const struct told *told, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, " (key %x, code %04x, flags %s, information %d, field %u)\n", told->key, told->code,
		told->flags, told->information, told->field);
	exit(1);
}

static struct iscsi_context *session_open(const struct host *host)
{
	struct iscsi_context *session = iscsi_create_context(host->initiator);

	if (!session)
		abort();
	iscsi_set_isid_oui(session, 0x5345, host->qualifier);
	iscsi_set_targetname(session, host->target);
	iscsi_set_session_type(session, ISCSI_SESSION_NORMAL);
	iscsi_set_noautoreconnect(session, 1);
	if (!iscsi_connect_sync(session, host->portal) && !iscsi_login_sync(session))
		return session;
	fprintf(stderr, "%s: %s\n", host->portal, iscsi_get_error(session));
	iscsi_destroy_context(session);
	return NULL;
}

void host_logout(struct host *host)
{
	iscsi_logout_sync(host->session);
	host_drop(host);
}

void host_drop(struct host *host)
{
	if (host->session)
		iscsi_destroy_context(host->session);
	host->session = NULL;
}

bool host_login(struct host *host)
{
	host->session = session_open(host);
	return host->session != NULL;
}

bool host_replace(struct host *host)
{
	struct iscsi_context *old = host->session;
	bool in = host_login(host);

	iscsi_destroy_context(old);
	return in;
}

static void managed(struct iscsi_context *session, int status, void *data, void *context)
{
	(void)session;
	*(int *)context = status == SCSI_STATUS_GOOD && data ? (int)*(uint32_t *)data : -1;
}

int host_manage(struct host *host, unsigned function, int lun)
{
	enum { PENDING = 1000 };
	int response = PENDING;

	if (iscsi_task_mgmt_async(host->session, lun, (enum iscsi_task_mgmt_funcs)function, 0xffffffff, 0,
				  managed, &response))
		return -1;
	while (response == PENDING) {
		struct pollfd ready = {.fd = iscsi_get_fd(host->session),
				       .events = (short)iscsi_which_events(host->session)};
		if (poll(&ready, 1, 300000) <= 0 || iscsi_service(host->session, ready.revents) < 0) {
			fprintf(stderr, "task management %u: no response\n", function);
			return -1;
		}
	}
	return response;
}

struct host *host_open(const char *portal, const char *target, const char *initiator)
{
	static uint32_t opened;
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		abort();
	*host = (struct host){
		.portal = portal, .target = target, .initiator = initiator, .qualifier = ++opened};
	if (host_login(host))
		return host;
	free(host);
	return NULL;
}

void host_close(struct host **host_pointer)
{
	struct host *host = *host_pointer;

	*host_pointer = NULL;
	if (host->session)
		host_logout(host);
	free(host);
}

size_t host_cdb_size(uint8_t opcode)
{
	static const uint8_t sizes[8] = {6, 10, 10, 0, 16, 12, 0, 0};
	return sizes[opcode >> 5];
}

static bool told_sense(struct told *told, const uint8_t *sense, size_t size)
{
	if (size < SENSE_LEAST || (sense[0] & 0x7e) != 0x70) {
		fprintf(stderr, "CHECK CONDITION with %zu bytes of sense\n", size);
		return false;
	}
	char *flag = told->flags;
	for (unsigned i = 0; i < 3; i++)
		if (sense[2] & 0x80 >> i)
			*flag++ = "FEI"[i];
	if (sense[0] & 1)
		*flag++ = 'D';
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
