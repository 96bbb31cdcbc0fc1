/* SPDX-License-Identifier: MIT */
/*
 * Remote tapes: SSC commands in variable block mode, as st sends them. Invariant: after a block that was
 * larger than the buffer the tape is moved back over it, and it is read again.
 */
#include "target/tool/remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"

#define REMOTE_FIRST   (1u << 20) /* bytes that are asked for until a block is larger */
#define REMOTE_WAIT_S  60	  /* for a drive that loads */
#define REMOTE_ATTRIBUTES 65536u /* bytes of a list */
#define REMOTE_TRIES   16	  /* unit attentions */
#define BLOCK_LENGTH_AT 9	  /* in a mode header of 4 bytes and a block descriptor */

static int remote_fail(struct remote *r, const char *what, const struct initiator_answer *a)
{
	char words[128];

	initiator_words(a, words, sizeof(words));
	snprintf(r->trouble, sizeof(r->trouble), "%s: %s", what, words);
	return -EIO;
}

static int remote_run(struct remote *r, const struct initiator_command *command,
		      struct initiator_answer *a)
{
	int error = initiator_run(r->initiator, command, a);

	if (error)
		snprintf(r->trouble, sizeof(r->trouble), "the session is lost");
	return error;
}

/* Six bytes and no data. */
static int remote_simple(struct remote *r, uint8_t opcode, uint8_t second, int32_t count,
			 struct initiator_answer *a)
{
	uint8_t cdb[6] = {opcode, second};

	be_put24(cdb + 2, (uint32_t)count & 0xffffff);
	return remote_run(r, &(struct initiator_command){.cdb = cdb, .cdb_size = sizeof(cdb)}, a);
}

static int remote_wait_ready(struct remote *r)
{
	struct initiator_answer a;
	time_t until = time(NULL) + REMOTE_WAIT_S;
	int attentions = 0;

	for (;;) {
		int error = remote_simple(r, 0x00, 0, 0, &a);

		if (error || a.status == STATUS_GOOD)
			return error;
		if (a.status == STATUS_CHECK && a.key == SENSE_UNIT_ATTENTION && attentions++ < REMOTE_TRIES)
			continue;
		if (a.status != STATUS_CHECK || a.key != SENSE_NOT_READY || a.asc != 0x04 ||
		    a.ascq != 0x01 || time(NULL) >= until || tool_stopped())
			break;
		nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	}
	if (a.key == SENSE_NOT_READY && a.asc == 0x3a) {
		snprintf(r->trouble, sizeof(r->trouble), "there is no tape in the drive");
		return -EIO;
	}
	if (a.status == STATUS_CHECK && a.key == SENSE_ILLEGAL_REQUEST && a.asc == 0x25) {
		snprintf(r->trouble, sizeof(r->trouble), "the target has no LUN %d",
			 initiator_lun(r->initiator));
		return -EIO;
	}
	return remote_fail(r, "the drive is not ready", &a);
}

static int remote_set_variable(struct remote *r)
{
	uint8_t mode[12] = {0};
	static const uint8_t sense[6] = {0x1a, 0, 0, 0, sizeof(mode), 0};
	static const uint8_t select[6] = {0x15, 0x10, 0, 0, sizeof(mode), 0};
	struct initiator_answer a;
	int error = remote_run(r, &(struct initiator_command){.cdb = sense, .cdb_size = 6, .in = mode,
							      .size = sizeof(mode)}, &a);

	if (error)
		return error;
	if (a.status != STATUS_GOOD || a.received < sizeof(mode) || mode[3] < 8)
		return remote_fail(r, "it is no tape drive; MODE SENSE", &a);
	if (be_get24(mode + BLOCK_LENGTH_AT) == 0)
		return 0;
	mode[0] = mode[1] = 0; /* reserved where they are sent */
	mode[2] &= 0x7f;       /* write protection */
	be_put24(mode + 5, 0);
	be_put24(mode + BLOCK_LENGTH_AT, 0);
	error = remote_run(r, &(struct initiator_command){.cdb = select, .cdb_size = 6, .out = mode,
							  .size = sizeof(mode)}, &a);
	if (!error && a.status != STATUS_GOOD)
		error = remote_fail(r, "MODE SELECT", &a);
	return error;
}

int remote_open(struct remote *r, const struct tool_call *call, const char *url)
{
	enum tool_exit status;
	int error;

	tool_catch_signals();
	*r = (struct remote){0};
	status = initiator_open(call, url, false, &r->initiator);
	if (status != TOOL_DONE)
		return status == TOOL_USAGE ? -EINVAL : status == TOOL_UNREACHABLE ? -ENOTCONN : -EACCES;
	error = reserve_take(r->initiator, initiator_lun(r->initiator), &r->reserve, r->trouble,
			     sizeof(r->trouble));
	if (!error)
		error = remote_wait_ready(r);
	if (!error)
		error = remote_set_variable(r);
	if (error)
		tool_complain("%s: %s", url, r->trouble);
	return error;
}

void remote_close(struct remote *r)
{
	if (r->initiator)
		reserve_drop(r->initiator, &r->reserve);
	initiator_close(&r->initiator);
	free(r->data);
	r->data = NULL;
}

int remote_rewind(struct remote *r)
{
	struct initiator_answer a;
	int error = remote_simple(r, 0x01, 0, 0, &a);

	return error || a.status == STATUS_GOOD ? error : remote_fail(r, "REWIND", &a);
}

int remote_partition(struct remote *r, unsigned partition)
{
	uint8_t cdb[10] = {0x2b, 0x02, 0, 0, 0, 0, 0, 0, (uint8_t)partition};
	struct initiator_answer a;
	int error = remote_run(r, &(struct initiator_command){.cdb = cdb, .cdb_size = sizeof(cdb)}, &a);

	if (error || a.status == STATUS_GOOD)
		return error;
	/* A drive that knows no partitions, or a tape that has one. */
	if (partition == 0 && a.status == STATUS_CHECK && a.key == SENSE_ILLEGAL_REQUEST)
		return remote_rewind(r);
	if (a.status == STATUS_CHECK && a.key == SENSE_ILLEGAL_REQUEST) {
		snprintf(r->trouble, sizeof(r->trouble), "the tape has no partition %u", partition);
		return -EIO;
	}
	return remote_fail(r, "LOCATE", &a);
}

int remote_attributes(struct remote *r, unsigned partition, uint8_t **list, size_t *size)
{
	uint8_t cdb[16] = {0x8c, 0, 0, 0, 0, 0, 0, (uint8_t)partition};
	uint8_t *data = mem_zalloc(REMOTE_ATTRIBUTES);
	struct initiator_answer a;
	uint32_t says;
	int error;

	*list = NULL;
	*size = 0;
	be_put32(cdb + 10, REMOTE_ATTRIBUTES);
	error = remote_run(r, &(struct initiator_command){.cdb = cdb, .cdb_size = sizeof(cdb), .in = data,
							  .size = REMOTE_ATTRIBUTES}, &a);
	if (error || a.status != STATUS_GOOD || a.received < 4) {
		free(data);
		return error;
	}
	says = be_get32(data);
	*size = says < a.received - 4 ? says : a.received - 4;
	memmove(data, data + 4, *size);
	*list = data;
	return 0;
}

int remote_end_of_data(struct remote *r)
{
	struct initiator_answer a;
	int error = remote_simple(r, 0x11, 3, 0, &a);

	return error || a.status == STATUS_GOOD ? error : remote_fail(r, "SPACE to the end of data", &a);
}

int remote_skip_files(struct remote *r, uint32_t count)
{
	struct initiator_answer a;
	int error = count ? remote_simple(r, 0x11, 1, (int32_t)count, &a) : 0;

	if (error || count == 0 || a.status == STATUS_GOOD)
		return error;
	if (a.key != SENSE_BLANK_CHECK)
		return remote_fail(r, "SPACE", &a);
	snprintf(r->trouble, sizeof(r->trouble), "the tape has no file %" PRIu32, count);
	return -ENXIO;
}

static int remote_fit(struct remote *r, uint32_t size)
{
	uint8_t *data = mem_try_resize(r->data, size, 1);

	if (!data) {
		snprintf(r->trouble, sizeof(r->trouble), "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	r->data = data;
	r->capacity = size;
	return 0;
}

/* A block of `size` bytes was read in part. */
static int remote_read_larger(struct remote *r, uint32_t size)
{
	struct initiator_answer a;
	int error;

	if (size > CARTRIDGE_BLOCK_MAX) {
		snprintf(r->trouble, sizeof(r->trouble), "a block of %" PRIu32 " bytes is larger than %u",
			 size, CARTRIDGE_BLOCK_MAX);
		return -EIO;
	}
	error = remote_fit(r, size);
	if (!error)
		error = remote_simple(r, 0x11, 0, -1, &a);
	if (!error && a.status != STATUS_GOOD)
		error = remote_fail(r, "SPACE back over a block", &a);
	return error;
}

int remote_read(struct remote *r, struct source_item *item)
{
	struct initiator_answer a;
	uint8_t cdb[6] = {0x08};
	int error = r->data ? 0 : remote_fit(r, REMOTE_FIRST);

	while (!error) {
		be_put24(cdb + 2, r->capacity);
		error = remote_run(r, &(struct initiator_command){.cdb = cdb, .cdb_size = 6, .in = r->data,
								  .size = r->capacity}, &a);
		if (error)
			break;
		if (a.status == STATUS_GOOD || (a.status == STATUS_CHECK && a.key == 0 && a.ili &&
						a.information >= 0)) {
			uint32_t size = a.status == STATUS_GOOD ? r->capacity
								: r->capacity - (uint32_t)a.information;

			*item = (struct source_item){.kind = SOURCE_BLOCK, .data = r->data, .size = size};
			return size > 0 && size <= a.received ? 0 : remote_fail(r, "READ, too few bytes", &a);
		}
		if (a.status == STATUS_CHECK && ((a.key == 0 && a.filemark) || a.key == SENSE_BLANK_CHECK)) {
			*item = (struct source_item){.kind = a.filemark ? SOURCE_FILEMARK : SOURCE_END};
			return 0;
		}
		if (a.status != STATUS_CHECK || a.key != 0 || !a.ili || a.information == INT32_MIN)
			return remote_fail(r, "READ", &a);
		error = remote_read_larger(r, r->capacity + (uint32_t)-a.information);
	}
	return error;
}

int remote_write(struct remote *r, const void *data, uint32_t size, bool *full)
{
	struct initiator_answer a;
	uint8_t cdb[6] = {0x0a};
	int error;

	*full = false;
	be_put24(cdb + 2, size);
	error = remote_run(r, &(struct initiator_command){.cdb = cdb, .cdb_size = 6, .out = data, .size = size},
			   &a);
	if (error || a.status == STATUS_GOOD)
		return error;
	*full = a.status == STATUS_CHECK && a.key == 0 && a.eom;
	if (*full)
		return 0;
	remote_fail(r, "WRITE", &a);
	return a.status == STATUS_CHECK && a.key == SENSE_VOLUME_OVERFLOW ? -ENOSPC : -EIO;
}

int remote_filemark(struct remote *r)
{
	struct initiator_answer a;
	int error = remote_simple(r, 0x10, 0, 1, &a);

	if (error || a.status == STATUS_GOOD || (a.status == STATUS_CHECK && a.key == 0 && a.eom))
		return error;
	return remote_fail(r, "WRITE FILEMARKS", &a);
}
