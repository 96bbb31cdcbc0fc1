/* SPDX-License-Identifier: MIT */
/*
 * What is done with the tape in a drive of any iSCSI library: import reads all of it, `read` and `write`
 * are what dd does with /dev/nst0, without a kernel that knows iSCSI.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/tool/remote.h"

#define DRIVE_BLOCK 65536u

/* ---- as a source of import --------------------------------------------------------------- */

static int drive_start(struct source *s)
{
	struct remote *r = mem_zalloc(sizeof(*r));
	uint64_t partition = 0;
	int error;

	s->state = r;
	error = remote_open(r, s->call, s->name);
	if (!error && s->call->values[OPTION_PARTITION] &&
	    !tool_number(s->call->values[OPTION_PARTITION], "--partition", CARTRIDGE_PARTITIONS - 1,
			 &partition))
		return -EINVAL;
	if (!error && (error = remote_partition(r, (unsigned)partition)) != 0)
		tool_complain("%s: %s", s->name, r->trouble);
	return error;
}

/* What hosts write: 0800h to 0BFFh, and vendors' own from 1400h to 17FFh. The barcode is the new one's. */
static bool drive_keeps(uint16_t id)
{
	return id != 0x0806 && ((id >= 0x0800 && id <= 0x0bff) || (id >= 0x1400 && id <= 0x17ff));
}

static int drive_attributes(struct source *s, struct cartridge *c, unsigned *count)
{
	const char *chosen = s->call->values[OPTION_PARTITION];
	struct remote *r = s->state;
	CLEANUP_FREE uint8_t *list = NULL;
	size_t size;
	int error = remote_attributes(r, chosen ? (unsigned)(*chosen - '0') : 0, &list, &size);

	if (error)
		return source_damaged(s, "READ ATTRIBUTE: %s", r->trouble);
	for (size_t at = 0; at + 5 <= size && at + 5 + be_get16(list + at + 3) <= size;
	     at += 5 + be_get16(list + at + 3)) {
		const struct cartridge_attribute attribute = {.id = be_get16(list + at),
							      .format = list[at + 2] & 3,
							      .length = be_get16(list + at + 3),
							      .value = list + at + 5};

		if (!drive_keeps(attribute.id) || attribute.length == 0)
			continue;
		error = cartridge_set_attribute(c, 0, &attribute);
		if (error)
			return source_damaged(s, "attribute %04Xh of the medium: %s", attribute.id,
					      strerror(-error));
		++*count;
	}
	return 0;
}

static int drive_next(struct source *s, struct source_item *item)
{
	struct remote *r = s->state;
	int error = remote_read(r, item);

	if (error)
		source_damaged(s, "object %" PRIu64 ": %s", s->blocks, r->trouble);
	return error;
}

static void drive_end(struct source *s)
{
	if (s->state)
		remote_close(s->state);
	free(TAKE(s->state));
}

const struct source_class source_drive = {
	.name = "drive",
	.title = "a drive",
	.start = drive_start,
	.next = drive_next,
	.end = drive_end,
	.attributes = drive_attributes,
};

/* ---- read, write ------------------------------------------------------------------------- */

/* Where the tape stands, unless --file says another place. */
static enum tool_exit drive_position(struct remote *r, const struct tool_call *call)
{
	const char *file = call->values[OPTION_FILE];
	uint64_t number = 0;
	int error = 0;

	if (file && call->values[OPTION_APPEND]) {
		tool_complain("--file or --append, not both");
		return TOOL_USAGE;
	}
	if (file && !tool_number(file, "--file", INT32_MAX >> 8, &number))
		return TOOL_USAGE;
	if (file && !(error = remote_rewind(r)))
		error = remote_skip_files(r, (uint32_t)number);
	if (call->values[OPTION_APPEND])
		error = remote_end_of_data(r);
	if (error)
		tool_complain("%s: %s", initiator_name(r->initiator), r->trouble);
	return error ? TOOL_FAILED : TOOL_DONE;
}

static enum tool_exit drive_open(struct remote *r, const struct tool_call *call)
{
	int error;

	/* A wrong option is found before anybody is troubled. */
	signal(SIGPIPE, SIG_IGN);
	error = remote_open(r, call, call->arguments[0]);
	if (error)
		return error == -ENOTCONN ? TOOL_UNREACHABLE : error == -EINVAL ? TOOL_USAGE : TOOL_FAILED;
	return drive_position(r, call);
}

enum tool_exit verb_read(const struct tool_call *call)
{
	CLEANUP_REMOTE struct remote r = {0};
	struct source_item item = {.kind = SOURCE_BLOCK};
	enum tool_exit status = drive_open(&r, call);
	bool any = false;
	int error;

	while (status == TOOL_DONE && item.kind == SOURCE_BLOCK) {
		error = remote_read(&r, &item);
		if (error) {
			tool_complain("%s: %s", call->arguments[0], r.trouble);
			return TOOL_FAILED;
		}
		if (item.kind == SOURCE_END && !any) {
			tool_complain("%s: the end of the data", call->arguments[0]);
			return TOOL_FAILED;
		}
		if (tool_stopped()) {
			tool_complain("%s: stopped by a signal", call->arguments[0]);
			return TOOL_FAILED;
		}
		any = true;
		error = item.kind == SOURCE_BLOCK ? tool_output(item.data, item.size, initiator_session(r.initiator))
					       : 0;
		if (error == -EPIPE)
			return TOOL_DONE;
		if (error) {
			tool_complain("standard output: %s",
				      error == -ECANCELED ? "stopped by a signal" : strerror(-error));
			return TOOL_FAILED;
		}
	}
	return status;
}

/* Up to a whole block of standard input; 0 at its end, -errno. */
static ssize_t drive_input(struct initiator *i, uint8_t *block, size_t size)
{
	size_t have = 0;

	while (have < size) {
		int error = tool_wait(STDIN_FILENO, POLLIN, initiator_session(i));
		ssize_t n = error ? 0 : read(STDIN_FILENO, block + have, size - have);

		if (error)
			return error;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static enum tool_exit drive_write_all(struct remote *r, uint8_t *block, uint32_t size)
{
	uint64_t written = 0;
	bool full = false;
	ssize_t n;
	int error = 0;

	while ((n = drive_input(r->initiator, block, size)) > 0) {
		if (full) {
			error = -ENOSPC;
			break;
		}
		error = remote_write(r, block, (uint32_t)n, &full);
		if (error)
			break;
		written += (uint64_t)n;
	}
	if (n == -ECANCELED)
		tool_complain("%s: stopped by a signal after %" PRIu64 " bytes, without a filemark",
			      initiator_name(r->initiator), written);
	else if (n == -ENOTCONN)
		tool_complain("%s: the session is lost", initiator_name(r->initiator));
	else if (n < 0)
		tool_complain("standard input: %s", strerror((int)-n));
	if (error == -ENOSPC)
		tool_complain("the tape is full after %" PRIu64 " bytes", written);
	else if (error)
		tool_complain("%s: %s", initiator_name(r->initiator), r->trouble);
	/* What was written is to be readable, also when there was more of it. */
	if ((!error || error == -ENOSPC) && n != -ECANCELED && n != -ENOTCONN && remote_filemark(r) != 0) {
		tool_complain("%s: %s", initiator_name(r->initiator), r->trouble);
		error = -EIO;
	}
	return error || n < 0 ? TOOL_FAILED : TOOL_DONE;
}

enum tool_exit verb_write(const struct tool_call *call)
{
	CLEANUP_REMOTE struct remote r = {0};
	CLEANUP_FREE uint8_t *block = NULL;
	uint64_t size = DRIVE_BLOCK;
	enum tool_exit status;

	if (call->values[OPTION_BLOCK_SIZE] &&
	    !tool_size(call->values[OPTION_BLOCK_SIZE], "--block-size", &size))
		return TOOL_USAGE;
	if (size == 0 || size > CARTRIDGE_BLOCK_MAX) {
		tool_complain("--block-size: 1 to %u bytes", CARTRIDGE_BLOCK_MAX);
		return TOOL_USAGE;
	}
	block = mem_alloc(size);
	status = drive_open(&r, call);
	return status == TOOL_DONE ? drive_write_all(&r, block, (uint32_t)size) : status;
}
