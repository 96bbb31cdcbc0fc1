/* SPDX-License-Identifier: MIT */
/*
 * granary-scsi(7) tells the truth: its table of commands is what REPORT SUPPORTED OPERATION CODES
 * answers, for every drive, with encryption and without, and every changer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/changer_support.h"
#undef CDB /* each has its own */
#include "tests/unit/drive_scene.h"

#include "target/changer/personality.h"

#define COMMANDS_MAX 128u

struct command {
	unsigned opcode, length;
	int action; /* -1: none */
	char kinds[8];
};

struct table {
	struct command commands[COMMANDS_MAX];
	size_t count;
};

static int command_compare(const void *a, const void *b)
{
	const struct command *left = a, *right = b;
	if (left->opcode != right->opcode)
		return left->opcode < right->opcode ? -1 : 1;
	return left->action - right->action;
}

/* ".It 34h/06h Ta 10 Ta READ POSITION Ta T": the rows of the page. */
static bool row_read(const char *line, struct command *command)
{
	int used = 0;
	const char *kinds = strrchr(line, 'a');
	*command = (struct command){.action = -1};
	if (sscanf(line, ".It %2xh%n", &command->opcode, &used) != 1 || !used || !kinds)
		return false;
	line += used;
	if (*line == '/' && sscanf(line, "/%2xh%n", (unsigned *)&command->action, &used) == 1)
		line += used;
	return sscanf(line, " Ta %u Ta", &command->length) == 1 &&
	       sscanf(kinds, "a %7[TEC ]", command->kinds) == 1;
}

static void page_read(struct table *table)
{
	char path[512], line[512];
	const char *top = getenv("top_srcdir");
	snprintf(path, sizeof(path), "%s/man/granary-scsi.7", top ? top : ".");
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s cannot be opened", path);
	table->count = 0;
	while (fgets(line, sizeof(line), file))
		if (row_read(line, &table->commands[table->count]))
			assert_in_range(++table->count, 1, COMMANDS_MAX - 1);
	fclose(file);
	assert_in_range(table->count, 60, COMMANDS_MAX - 1);
}

/* The rows that one of `kinds` has, against an answer of REPORT SUPPORTED OPERATION CODES. */
static void check_answer(const struct table *page, const char *kinds, const uint8_t *data, size_t size)
{
	struct table told = {.count = 0}, written = {.count = 0};
	assert_int_equal(be_get32(data), size - 4);
	for (size_t at = 4; at < size; at += 8) {
		bool has_action = data[at + 5] & 1;
		told.commands[told.count++] = (struct command){
			.opcode = data[at], .length = be_get16(data + at + 6),
			.action = has_action ? be_get16(data + at + 2) : -1};
	}
	for (size_t i = 0; i < page->count; i++)
		if (strpbrk(page->commands[i].kinds, kinds))
			written.commands[written.count++] = page->commands[i];
	qsort(told.commands, told.count, sizeof(told.commands[0]), command_compare);
	qsort(written.commands, written.count, sizeof(written.commands[0]), command_compare);
	for (size_t i = 0; i < told.count && i < written.count; i++) {
		const struct command *a = &told.commands[i], *b = &written.commands[i];
		if (a->opcode != b->opcode || a->action != b->action || a->length != b->length)
			fail_msg("%s: the unit has %02x/%d of %u bytes, the page %02x/%d of %u", kinds,
				 a->opcode, a->action, a->length, b->opcode, b->action, b->length);
	}
	assert_int_equal(told.count, written.count);
}

static const uint8_t report_all[16] = {0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x20};

static void test_drives(void **state)
{
	const struct drive_model *model;
	struct table page;
	unsigned n;
	(void)state;
	page_read(&page);
	for (n = 0; (model = drive_model_at(n)); n++) {
		for (unsigned encryption = 0; encryption < 2; encryption++) {
			struct drive_scene *s = drive_scene_new(&(struct drive_scene_options){
				.vendor = model->vendor, .generation = model->generation,
				.encryption = encryption});
			run_command(&s->r, s->a, 0, report_all, 12, NULL, 0, 8192);
			assert_good(&s->r);
			check_answer(&page, encryption ? "TE" : "T", s->r.data, s->r.size);
			drive_scene_free(&s);
		}
	}
	assert_in_range(n, 12, 100);
}

static void test_changers(void **state)
{
	const struct personality *personality;
	static struct reply reply;
	struct table page;
	unsigned n;
	(void)state;
	page_read(&page);
	for (n = 0; (personality = personality_at(n)); n++) {
		struct element elements[] = {
			{.address = personality->first_transport, .type = ELEMENT_TRANSPORT},
			{.address = personality->first_drive, .type = ELEMENT_DRIVE},
			{.address = personality->first_storage, .type = ELEMENT_STORAGE},
		};
		if (elements[1].address > elements[2].address) {
			struct element swap = elements[1];
			elements[1] = elements[2];
			elements[2] = swap;
		}
		struct rig *rig = rig_new(personality, elements, 3);
		rig_settle(rig);
		rig_command(rig, 0, report_all, 12, &reply);
		assert_int_equal(reply.status, SCSI_GOOD);
		check_answer(&page, "C", reply.data, reply.size);
		rig_free(&rig);
	}
	assert_in_range(n, 5, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drives),
		cmocka_unit_test(test_changers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
