/* SPDX-License-Identifier: MIT */
/*
 * sense-rules PORTAL TARGET [deferred]
 *
 * Drives a library of granary-targetd's through the tables of sense_steps.h and sense_rows.h with
 * two initiators, and sense_sessions.h; says each difference: status, key, code, flags, INFORMATION,
 * residual, data, position. What the library has to hold is said in sense_steps.h. With "deferred" the
 * daemon's first flush has to fail, and nothing else is looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "tests/target/sense_sessions.h"
#include "tests/unit/sense_rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROOM	     (16u << 20)

static struct host *hosts[2];
static unsigned failures;
static uint8_t *room;
static uint16_t first[ROBOT - SLOT + 1]; /* addresses of each kind of element */

static void fault(const char *where, const char *what, long long got, long long wanted)
{
	fprintf(stderr, "%s: %s: got %lld (%#llx), expected %lld (%#llx)\n", where, what, got,
		(unsigned long long)got, wanted, (unsigned long long)wanted);
	failures++;
}

static void check(const char *where, const char *what, long long got, long long wanted)
{
	if (got != wanted)
		fault(where, what, got, wanted);
}

static bool run(char host, int lun, const uint8_t *cdb, const void *out, uint32_t out_size,
		uint32_t in, struct told *told)
{
	return host_run(hosts[host - 'a'], lun, cdb, host_cdb_size(cdb[0]), out_size ? out : NULL,
			out_size, in ? room : NULL, in, told);
}

/* READ POSITION, long form. */
static void check_at(const char *where, uint64_t object)
{
	static const uint8_t cdb[16] = {0x34, 6};
	struct told told;

	if (!run('a', 1, cdb, NULL, 0, 32, &told) || told.key != TOLD_GOOD)
		fault(where, "READ POSITION", told.code, 0);
	else
		check(where, "object", (long long)be_get64(room + 8), (long long)object);
}

static void check_told(const char *where, const struct told *told, unsigned key, uint16_t code,
		       const char *flags, int64_t information)
{
	check(where, "key", told->key, key);
	check(where, "code", told->code, code);
	check(where, "VALID", told->valid, information != INT64_MIN);
	if (information != INT64_MIN)
		check(where, "INFORMATION", told->information, (int32_t)information);
	if (strcmp(told->flags, flags) != 0) {
		fprintf(stderr, "%s: flags '%s', expected '%s'\n", where, told->flags, flags);
		failures++;
	}
}

/* ---- steps ---- */

static void address_put(uint8_t *cdb)
{
	unsigned kind = cdb[0] - SLOT;
	if (cdb[0] >= SLOT && cdb[0] <= ROBOT)
		be_put16(cdb, (uint16_t)(first[kind] + cdb[1]));
}

static void step_command(const struct step *step)
{
	uint8_t cdb[16];
	struct told told;

	memcpy(cdb, step->cdb, sizeof(cdb));
	if (!step->lun)
		for (unsigned i = 4; i <= 8; i += 2)
			address_put(cdb + i);
	if (!step->list)
		memset(room, 0, step->out);
	for (unsigned i = 0; i < (step->times ? step->times : 1); i++) {
		if (!run(step->host, step->lun, cdb, step->list ? (const void *)step->list : room,
			 step->out, step->in, &told)) {
			fault(step->what, "answer", 0, 1);
			return;
		}
		check_told(step->what, &told, step->key, step->code, step->flags,
			   step->information);
		check(step->what, "residual", told.residual, step->residual);
		if (step->field)
			check(step->what, "field", told.field_valid ? told.field : -1, step->field);
	}
	if (step->at != ANYWHERE)
		check_at(step->what, (uint64_t)step->at);
}

/* What is no command. */
static void step_do(const struct step *step)
{
	struct host *host = hosts[step->host - 'a'];
	bool in = true;

	if (step->does == DEED_LOGOUT)
		host_logout(host);
	else if (step->does == DEED_DROP)
		host_drop(host);
	else if (step->does == DEED_LOGIN)
		in = host_login(host);
	else if (step->does == DEED_REPLACE)
		in = host_replace(host);
	else
		check(step->what, "response", host_manage(host, step->function, step->lun), step->response);
	if (in)
		return;
	fprintf(stderr, "%s: no session to go on with\n", step->what);
	exit(1);
}

/* Until there is something else to tell. */
static void step_await(const struct step *step)
{
	struct told told = {.key = TOLD_GOOD};

	for (unsigned tries = 0; tries < 2000 && told.key == TOLD_GOOD; tries++) {
		if (tries)
			usleep(10000);
		if (!run(step->host, step->lun, step->cdb, NULL, 0, 0, &told))
			break;
	}
	check_told(step->what, &told, step->key, step->code, step->flags, step->information);
}

static void step_run(const struct step *step)
{
	if (step->does == DEED_AWAIT)
		step_await(step);
	else if (step->does != DEED_COMMAND)
		step_do(step);
	else
		step_command(step);
}

#define steps_run(steps)                                                                           \
	do                                                                                         \
		for (unsigned n = 0; n < COUNT(steps); n++)                                        \
			step_run(&(steps)[n]);                                                     \
	while (0)

/* ---- rows ---- */

static uint8_t byte_of(uint64_t block, size_t offset)
{
	return (uint8_t)(block * 41 + offset * 7 + offset / 251);
}

static void expect_good(const char *where, const uint8_t *cdb, const void *out, uint32_t out_size)
{
	struct told told;
	if (!run('a', 1, cdb, out, out_size, 0, &told))
		fault(where, "answer", 0, 1);
	else
		check_told(where, &told, TOLD_GOOD, 0, "", INT64_MIN);
}

static void tape_write(void)
{
	for (unsigned block = 0; block < END; block++) {
		uint8_t cdb[16] = {0x0a};
		static const uint8_t mark[16] = {0x10, 0, 0, 0, 1};
		for (size_t i = 0; i < sizes[block]; i++)
			room[i] = byte_of(block, i);
		be_put24(cdb + 2, sizes[block]);
		expect_good("a tape for the rows", sizes[block] ? cdb : mark, room, sizes[block]);
	}
}

static void block_length(uint32_t length)
{
	static const uint8_t cdb[16] = {0x15, 0x10, 0, 0, 12};
	uint8_t list[12] = {0, 0, 0x10, 8};
	be_put24(list + 9, length);
	expect_good("block length", cdb, list, sizeof(list));
}

static void locate(uint64_t object)
{
	uint8_t cdb[16] = {0x92};
	be_put64(cdb + 4, object);
	expect_good("LOCATE", cdb, NULL, 0);
}

/* SPACE(6) takes 24 bits, signed. */
static void space_cdb(uint8_t *cdb, uint8_t code, int64_t count)
{
	bool is_long = count < -0x800000 || count > 0x7fffff;
	cdb[0] = is_long ? 0x91 : 0x11;
	cdb[1] = code;
	if (is_long)
		be_put64(cdb + 4, (uint64_t)count);
	else
		be_put24(cdb + 2, (uint32_t)count & 0xffffff);
}

/* How each op is asked for: opcode and byte 1 of READ and VERIFY; code of SPACE; type of LOCATE. */
static const struct {
	uint8_t opcode, how;
} asks[] = {
	[READ] = {0x08, 0},	 [READ_SILENT] = {0x08, 2},  [FIXED] = {0x08, 1},
	[VERIFY] = {0x13, 0},	 [VERIFY_FIXED] = {0x13, 1}, [BLOCKS] = {0x11, 0},
	[VERIFY_MARKS] = {0x13, 8}, [VERIFY_MARKS_FIXED] = {0x13, 9},
	[VERIFY_ALL] = {0x13, 0x20}, [VERIFY_ALL_FIXED] = {0x13, 0x21},
	[FILEMARKS] = {0x11, 1}, [SEQUENTIAL] = {0x11, 2},   [TO_END] = {0x11, 3},
	[OBJECT] = {0x92, 0},	 [FILE_NUMBER] = {0x92, 1},  [LOCATE_END] = {0x92, 3},
	[LOCATE10] = {0x2b, 4},
};

static void row_cdb(const struct row *row, uint8_t *cdb)
{
	cdb[0] = asks[row->op].opcode;
	cdb[1] = asks[row->op].how;
	switch (cdb[0]) {
	case 0x11:
		space_cdb(cdb, cdb[1], row->count);
		break;
	case 0x2b:
		be_put32(cdb + 3, (uint32_t)row->count);
		break;
	case 0x92:
		cdb[1] = (uint8_t)(cdb[1] << 3);
		be_put64(cdb + 4, (uint64_t)row->count);
		break;
	default:
		be_put24(cdb + 2, (uint32_t)row->count);
	}
}

static uint32_t row_room(const struct row *row)
{
	if (asks[row->op].opcode != 0x08)
		return 0;
	return (uint32_t)row->count * (row->op == FIXED && row->mode ? row->mode : 1);
}

static void check_data(const char *where, const struct row *row)
{
	size_t offset = 0;
	for (uint64_t block = row->at; offset < row->size; block++)
		for (size_t i = 0; i < sizes[block] && offset < row->size; i++, offset++)
			if (room[offset] != byte_of(block, i)) {
				fault(where, "data at", (long long)offset, -1);
				return;
			}
}

static void row_run(unsigned number, const struct row *row)
{
	uint8_t cdb[16] = {0};
	struct told told;
	uint32_t size = row_room(row);
	char where[64];

	snprintf(where, sizeof(where), "row %u: op %d %lld at %llu", number, row->op,
		 (long long)row->count, (unsigned long long)row->at);
	row_cdb(row, cdb);
	locate(row->at);
	memset(room, 0xa5, row->size + 1);
	if (!run('a', 1, cdb, NULL, 0, size, &told)) {
		fault(where, "answer", 0, 1);
		return;
	}
	check_told(where, &told, row->key, row->code, row->flags, row->information);
	check(where, "residual", told.residual, (long long)size - (long long)row->size);
	check_data(where, row);
	/* What has not been told is not in the host's memory either. */
	check(where, "byte behind the data", room[row->size], 0xa5);
	check_at(where, row->to);
}

static void rows_run(void)
{
	uint32_t mode = 0;
	tape_write();
	for (unsigned i = 0; i < COUNT(rows); i++) {
		if (rows[i].mode != mode)
			block_length(mode = rows[i].mode);
		row_run(i, &rows[i]);
	}
	block_length(0);
}

/* ---- the library ---- */

/* MODE SENSE(6) of page 1Dh: where each kind of element begins. */
static bool addresses_read(void)
{
	static const uint8_t cdb[16] = {0x1a, 8, 0x1d, 0, 64};
	struct told told;
	const uint8_t *page = room + 4;

	if (!run('a', 0, cdb, NULL, 0, 64, &told) || told.key != TOLD_GOOD)
		return false;
	first[ROBOT - SLOT] = be_get16(page + 2);
	first[0] = be_get16(page + 6);
	first[PORT - SLOT] = be_get16(page + 10);
	first[DRIVE - SLOT] = be_get16(page + 14);
	return true;
}

static void all_run(void)
{
	steps_run(steps_begin);
	rows_run();
	steps_run(steps_end);
	steps_run(steps_protected);
	steps_run(steps_changer);
	steps_run(steps_sessions);
}

int main(int argc, char **argv)
{
	room = calloc(1, ROOM);
	bool deferred = argc == 4 && strcmp(argv[3], "deferred") == 0;
	if ((argc != 3 && !deferred) || !room) {
		fprintf(stderr, "Usage: sense-rules PORTAL TARGET [deferred]\n");
		return 2;
	}
	hosts[0] = host_open(argv[1], argv[2], "iqn.2026-11.test:a");
	hosts[1] = hosts[0] ? host_open(argv[1], argv[2], "iqn.2026-11.test:b") : NULL;
	if (!hosts[1])
		return 1;
	steps_run(steps_attention);
	if (!addresses_read())
		fault("element addresses", "MODE SENSE", 0, 1);
	if (deferred)
		steps_run(steps_deferred);
	else
		all_run();
	host_close(&hosts[1]);
	host_close(&hosts[0]);
	free(room);
	return failures ? 1 : 0;
}
