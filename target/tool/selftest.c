/* SPDX-License-Identifier: MIT */
/*
 * granary-tape selftest: asks each unit of a library which commands it has, sends it those that disturb nobody,
 * and looks whether list and answers agree. A command fails the test where it is mandatory and not listed,
 * where it is listed and not known when it is sent (or the other way round), or where it answers with an error
 * that the state of the unit does not explain.
 */
#include "target/tool/selftest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define LIST_MAX  65535u
#define UNITS_MAX 256u
#define TRIES	  8

struct unit {
	int lun;
	enum selftest_unit kind;
	uint8_t list[LIST_MAX]; /* what REPORT SUPPORTED OPERATION CODES said */
	uint32_t list_size;
	bool reserved; /* by another initiator, who is left in peace */
	bool shown[4096]; /* descriptors that a row has named, by their number */
};

struct listed {
	unsigned number;
	uint8_t opcode;
	int action; /* -1: none */
	uint16_t length;
};

int selftest_send(struct selftest *t, const struct initiator_command *command,
		  struct initiator_answer *answer)
{
	int error = 0;

	for (int tries = 0; tries < TRIES; tries++) {
		error = initiator_run(t->initiator, command, answer);
		if (error || answer->status != STATUS_CHECK || answer->key != SENSE_UNIT_ATTENTION)
			break;
	}
	t->sent++;
	return error;
}

void selftest_show(struct selftest *t, const struct selftest_line *line)
{
	char code[16];

	snprintf(code, sizeof(code), line->action < 0 ? "%02X" : "%02X/%02X", line->opcode,
		 (unsigned)line->action);
	t->failed += line->why != NULL;
	if (t->json) {
		printf("%s\n      {\"code\": \"%s\", \"name\": ", t->lines++ ? "," : "", code);
		tool_print_json(line->name);
		printf(", \"need\": \"%s\", \"answer\": ", line->need);
		tool_print_json(line->answer);
		printf(", \"good\": %s", line->why ? "false, \"why\": " : "true");
		if (line->why)
			tool_print_json(line->why);
		putchar('}');
		return;
	}
	printf("  %-6s %-44s %-12s %s%s%s\n", code, line->name, line->need, line->answer,
	       line->why ? "  FAILED: " : "", line->why ? line->why : "");
}

/* ---- the list --------------------------------------------------------------------------- */

static int unit_ask_list(struct selftest *t, struct unit *u)
{
	static const uint8_t cdb[12] = {0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const struct initiator_command command = {.cdb = cdb, .cdb_size = 12, .in = u->list, .size = LIST_MAX};
	struct initiator_answer a;
	int error = selftest_send(t, &command, &a);

	u->list_size = 0;
	u->reserved = !error && a.status == STATUS_CONFLICT;
	if (!error && a.status == STATUS_GOOD && a.received >= 4) {
		uint32_t says = be_get32(u->list);

		u->list_size = says > a.received - 4 ? a.received : says + 4;
	}
	return error;
}

/* The next one; *at begins with 4. */
static bool unit_next_listed(const struct unit *u, uint32_t *at, unsigned *number, struct listed *listed)
{
	const uint8_t *d = u->list + *at;

	if (*at + 8 > u->list_size)
		return false;
	*listed = (struct listed){.number = (*number)++,
				  .opcode = d[0],
				  .action = d[5] & 1 ? be_get16(d + 2) : -1,
				  .length = be_get16(d + 6)};
	*at += d[5] & 2 ? 20 : 8;
	return true;
}

/* A row without an action stands for all of a command. */
static bool unit_lists(struct unit *u, const struct selftest_row *row)
{
	uint32_t at = 4;
	unsigned number = 0;
	struct listed listed;
	bool found = false;

	while (unit_next_listed(u, &at, &number, &listed)) {
		bool same = listed.opcode == row->cdb[0] &&
			    (listed.action < 0 || !row->has_action || listed.action == (row->cdb[1] & 0x1f));

		found |= same;
		if (same && listed.number < sizeof(u->shown))
			u->shown[listed.number] = true;
	}
	return found;
}

/* Asked for by itself, a listed command is supported, and as long as the list says. */
static const char *unit_ask_one(struct selftest *t, const struct listed *listed)
{
	uint8_t data[64] = {0};
	uint8_t cdb[12] = {0xa3, 0x0c, listed->action < 0 ? 1 : 2, listed->opcode};
	const struct initiator_command command = {.cdb = cdb, .cdb_size = 12, .in = data, .size = sizeof(data)};
	struct initiator_answer a;

	be_put16(cdb + 4, listed->action < 0 ? 0 : (uint16_t)listed->action);
	be_put32(cdb + 6, sizeof(data));
	if (selftest_send(t, &command, &a) != 0 || a.status != STATUS_GOOD || a.received < 5)
		return "it cannot be asked for by itself";
	if ((data[1] & 7) != 3)
		return "asked for by itself, it is not supported";
	if (be_get16(data + 2) != listed->length || data[4] != listed->opcode)
		return "asked for by itself, it is another";
	return NULL;
}

/* ---- rows ------------------------------------------------------------------------------- */

static const char *row_judge(const struct selftest_row *row, bool listed, const struct initiator_answer *a)
{
	bool check = a->status == STATUS_CHECK;
	bool unknown = check && a->key == SENSE_ILLEGAL_REQUEST && a->asc == 0x20;

	if (row->mandatory && !listed)
		return "it is mandatory, and not listed";
	if (row->manner == MANNER_LIST)
		return NULL;
	if (unknown)
		return listed ? "it is listed, and not known" : NULL;
	if (check && row->manner == MANNER_SEND_MEDIUM && a->key == SENSE_NOT_READY)
		return NULL;
	/* Somebody has it reserved: an answer. */
	if (a->status == 0x18)
		return NULL;
	if (a->status != STATUS_GOOD)
		return "an error";
	return listed ? NULL : "it answers, and is not listed";
}

static int row_run(struct selftest *t, struct unit *u, const struct selftest_row *row)
{
	CLEANUP_FREE uint8_t *in = row->in ? mem_zalloc(row->in) : NULL;
	const struct initiator_command command = {
		.cdb = row->cdb, .cdb_size = row->cdb_size, .in = in, .size = row->in};
	struct initiator_answer a = {0};
	bool listed = unit_lists(u, row);
	char words[64];
	int error = 0;

	if (row->manner == MANNER_LIST) {
		snprintf(words, sizeof(words), listed ? "listed" : "not supported");
	} else {
		error = selftest_send(t, &command, &a);
		initiator_words(&a, words, sizeof(words));
	}
	if (error)
		return error;
	selftest_show(t, &(struct selftest_line){
				 .opcode = row->cdb[0],
				 .action = row->has_action ? row->cdb[1] & 0x1f : -1,
				 .name = row->name,
				 .need = row->mandatory ? "mandatory" : "recommended",
				 .answer = words,
				 .why = row_judge(row, listed, &a),
			 });
	return 0;
}

static const char *row_name(const struct listed *listed, enum selftest_unit kind)
{
	for (const struct selftest_row *r = selftest_rows; r->name; r++)
		if (r->cdb[0] == listed->opcode && r->has_action && listed->action == (r->cdb[1] & 0x1f))
			return r->name;
	return selftest_other(listed->opcode, listed->action, kind);
}

/* ---- a unit ------------------------------------------------------------------------------ */

static int unit_identify(struct selftest *t, struct unit *u)
{
	static const uint8_t cdb[6] = {0x12, 0, 0, 0, 96, 0};
	uint8_t data[96] = {0};
	const struct initiator_command command = {.cdb = cdb, .cdb_size = 6, .in = data, .size = sizeof(data)};
	struct initiator_answer a;
	char product[32];
	int error;

	initiator_set_lun(t->initiator, u->lun);
	error = selftest_send(t, &command, &a);
	if (error)
		return error;
	u->kind = data[0] == 8 ? UNIT_CHANGER : data[0] == 1 ? UNIT_DRIVE : 0;
	if (a.status != STATUS_GOOD || a.received < 36)
		u->kind = 0;
	snprintf(product, sizeof(product), "%.8s %.16s %.4s", (char *)data + 8, (char *)data + 16,
		 (char *)data + 32);
	if (!t->json) {
		printf("LUN %d: %s, %s\n", u->lun,
		       u->kind == UNIT_CHANGER ? "changer" : u->kind ? "drive" : "neither changer nor drive",
		       product);
		return 0;
	}
	printf("%s\n    {\"lun\": %d, \"type\": \"%s\", \"product\": ", u->lun ? "," : "", u->lun,
	       u->kind == UNIT_CHANGER ? "changer" : u->kind ? "drive" : "other");
	tool_print_json(product);
	printf(", \"commands\": [");
	t->lines = 0;
	return 0;
}

static int unit_run(struct selftest *t, struct unit *u)
{
	struct listed listed;
	uint32_t at = 4;
	unsigned number = 0;
	int error = unit_identify(t, u);

	if (!error)
		error = unit_ask_list(t, u);
	if (u->reserved) {
		t->reserved++;
		tool_complain("LUN %d: another initiator has reserved it, and it is not tested", u->lun);
	}
	for (const struct selftest_row *r = selftest_rows; !error && !u->reserved && r->name; r++)
		if (u->kind & r->unit)
			error = row_run(t, u, r);
	while (!error && unit_next_listed(u, &at, &number, &listed)) {
		const char *why = unit_ask_one(t, &listed);
		bool shown = listed.number < sizeof(u->shown) && u->shown[listed.number];

		if (!shown || why)
			selftest_show(t, &(struct selftest_line){.opcode = listed.opcode,
								 .action = listed.action,
								 .name = row_name(&listed, u->kind),
								 .need = "-",
								 .answer = "listed",
								 .why = why});
	}
	if (t->json)
		printf("\n    ], \"reserved\": %s}", u->reserved ? "true" : "false");
	return error;
}

static int selftest_luns(struct selftest *t, int luns[UNITS_MAX], unsigned *count)
{
	static const uint8_t cdb[12] = {0xa0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x08};
	uint8_t data[8 + 8 * UNITS_MAX] = {0};
	const struct initiator_command command = {.cdb = cdb, .cdb_size = 12, .in = data, .size = sizeof(data)};
	struct initiator_answer a;
	uint32_t size;
	int error = selftest_send(t, &command, &a);

	*count = 0;
	if (error)
		return error;
	size = a.received < 8 ? 0 : be_get32(data);
	if (a.received >= 8 && size > a.received - 8)
		size = a.received - 8;
	for (uint32_t at = 8; at + 8 <= size + 8 && *count < UNITS_MAX; at += 8)
		luns[(*count)++] = (data[at] & 0x3f) << 8 | data[at + 1];
	if (a.status != STATUS_GOOD || *count == 0) {
		tool_complain("%s: REPORT LUNS names no unit", initiator_name(t->initiator));
		return -EIO;
	}
	return 0;
}

static int selftest_run(struct selftest *t, const char *barcode)
{
	CLEANUP_FREE struct unit *u = mem_alloc(sizeof(*u));
	int luns[UNITS_MAX];
	unsigned count;
	int error = selftest_luns(t, luns, &count);

	if (t->json)
		printf("{\n  \"units\": [");
	for (unsigned n = 0; !error && n < count; n++) {
		if (tool_stopped()) {
			tool_complain("stopped by a signal");
			error = -ECANCELED;
			break;
		}
		memset(u, 0, sizeof(*u));
		u->lun = luns[n];
		error = unit_run(t, u);
	}
	if (t->json)
		printf("\n  ]");
	if (!error && barcode)
		error = selftest_tape(t, barcode, luns, count);
	if (t->json)
		printf(",\n  \"sent\": %u, \"failed\": %u, \"good\": %s\n}\n", t->sent, t->failed,
		       error || t->failed || t->reserved ? "false" : "true");
	else
		printf("%u commands were sent, %u lines failed\n", t->sent, t->failed);
	return error;
}

enum tool_exit verb_selftest(const struct tool_call *call)
{
	CLEANUP_INITIATOR struct initiator *initiator = NULL;
	enum tool_exit status = initiator_open(call, call->arguments[0], true, &initiator);
	struct selftest t = {.initiator = initiator, .json = call->values[OPTION_JSON]};

	if (status != TOOL_DONE)
		return status;
	tool_catch_signals();
	if (selftest_run(&t, call->values[OPTION_TAPE]) || t.failed || t.reserved)
		return TOOL_FAILED;
	return TOOL_DONE;
}
