/* SPDX-License-Identifier: MIT */
/*
 * Any commands against a library while its drives and its disk fail: every
 * cartridge is in exactly one place, what is saved is what is told, and element
 * status never has more bytes than it says. A command is 12 bytes of CDB, a byte
 * of faults, a byte for the room; SEND VOLUME TAG takes 40 bytes more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "lib/base/log.h"
#include "target/changer/changer.h"
#include "target/changer/personality.h"
#include "tests/fuzz/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ELEMENTS = 8, DRIVES = 2, CARTRIDGES = 4, COMMANDS_MAX = 64, RECORD = 14, LIST = 40 };

static const struct element elements[ELEMENTS] = {
	{.address = 1, .type = ELEMENT_TRANSPORT},
	{.address = 2, .type = ELEMENT_IMPORT_EXPORT, .barcode = "GRN002LY", .imported = true},
	{.address = 3, .type = ELEMENT_IMPORT_EXPORT},
	{.address = 4, .type = ELEMENT_DRIVE, .barcode = "GRN004L8", .source = 6},
	{.address = 5, .type = ELEMENT_DRIVE},
	{.address = 6, .type = ELEMENT_STORAGE},
	{.address = 7, .type = ELEMENT_STORAGE, .barcode = "CLN007L8"},
	{.address = 8, .type = ELEMENT_STORAGE, .barcode = "GRN008L6"},
};

enum fault { FAIL_LOAD = 1, REFUSE_LOAD = 2, PREVENT = 4, FAIL_FLUSH = 8, FAIL_SAVE = 16, EJECT = 32 };

struct library {
	struct scsi_identity identity;
	bool full[DRIVES];
	uint8_t faults;
	struct element saved[ELEMENTS];
};

struct drive_slot {
	struct library *library;
	unsigned number;
};

static int drive_load(void *context, const char *path)
{
	struct drive_slot *slot = context;
	(void)path;
	if (slot->library->full[slot->number])
		return -EBUSY;
	if (slot->library->faults & (FAIL_LOAD | REFUSE_LOAD))
		return slot->library->faults & FAIL_LOAD ? -EIO : -EMEDIUMTYPE;
	slot->library->full[slot->number] = true;
	return 0;
}

static int drive_unload(void *context, bool force)
{
	struct drive_slot *slot = context;
	if (!slot->library->full[slot->number])
		return -ENOMEDIUM;
	if (slot->library->faults & PREVENT && !force)
		return -EPERM;
	slot->library->full[slot->number] = false;
	return slot->library->faults & FAIL_FLUSH ? -EIO : 0;
}

static int library_path(void *context, const char *barcode, char *path, size_t size)
{
	(void)context;
	(void)snprintf(path, size, "/%s", barcode);
	return 0;
}

static int library_save(void *context, const struct element *now, size_t count)
{
	struct library *library = context;
	ASSERT(count == ELEMENTS);
	if (library->faults & FAIL_SAVE)
		return -EIO;
	memcpy(library->saved, now, sizeof(library->saved));
	return 0;
}

static int library_hook(void *context, const char *what, const char *barcode,
			const struct element *from, const struct element *to)
{
	struct library *library = context;
	/* An eject is asked before the move, the others are told after it. */
	if (strcmp(what, "eject") == 0)
		ASSERT(strcmp(from->barcode, barcode) == 0);
	if (strcmp(what, "load") == 0)
		ASSERT(strcmp(to->barcode, barcode) == 0);
	return library->faults & EJECT;
}

/* ---- what always holds ------------------------------------------------------------------------- */

static void check_inventory(struct changer *changer, const struct library *library)
{
	struct element *now = NULL;
	size_t count = 0;
	unsigned cartridges = 0;
	ASSERT(changer_inventory(changer, &now, &count) == 0 && count == ELEMENTS);
	for (size_t i = 0; i < count; i++) {
		ASSERT(strcmp(now[i].barcode, library->saved[i].barcode) == 0);
		ASSERT(now[i].source == library->saved[i].source);
		cartridges += now[i].barcode[0] != '\0';
		for (size_t k = 0; k < i; k++)
			ASSERT(!now[i].barcode[0] || strcmp(now[i].barcode, now[k].barcode) != 0);
		/* A drive may lack what it could not take back; it never has what nobody knows of. */
		if (now[i].type == ELEMENT_DRIVE && library->full[now[i].address - 4])
			ASSERT(now[i].barcode[0] != '\0');
	}
	ASSERT(cartridges == CARTRIDGES);
	free(now);
}

static void check_answer(const struct scsi_task *task)
{
	uint8_t header[8];
	ASSERT(task->in_size <= task->in_room && task->in_count <= 1);
	ASSERT(task->status != SCSI_CHECK_CONDITION || task->in_size == 0);
	if ((task->cdb[0] != 0xb8 && task->cdb[0] != 0xb5) || task->in_size < sizeof(header))
		return;
	memcpy(header, task->in[0].buffer->data + task->in[0].offset, sizeof(header));
	ASSERT(task->in_size <= sizeof(header) + be_get24(header + 5));
	ASSERT(be_get16(header + 2) <= ELEMENTS);
}

/* Bytes of the input that it took; 0: there is no command left. */
static size_t run_command(struct library *library, struct scsi_nexus *nexus,
			  struct scsi_buffer_pool *pool, const uint8_t *data, size_t size)
{
	struct fuzz_command command;
	uint8_t cdb[16] = {0};
	size_t list = size >= RECORD && data[0] == 0xb6 ? LIST : 0;
	if (size < RECORD + list)
		return 0;
	memcpy(cdb, data, 12);
	fuzz_command_init(&command, nexus, cdb, sizeof(cdb));
	command.task.in_room = (size_t)data[13] * 8;
	library->faults = data[12];
	fuzz_command_give(&command, pool, data + RECORD, list, list);
	fuzz_command_run(&command);
	check_answer(&command.task);
	fuzz_command_end(&command);
	library->faults = 0;
	return RECORD + list;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t uuid[16];
	struct library library = {.identity = {"IBM", "DRIVE", "1", "SERIAL", {0}, {0}}};
	struct drive_slot slots[DRIVES] = {{&library, 0}, {&library, 1}};
	struct changer_drive drives[DRIVES];
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(1 << 20);
	for (unsigned i = 0; i < DRIVES; i++)
		drives[i] = (struct changer_drive){&slots[i], &library.identity, drive_load, drive_unload};
	struct changer_settings settings = {
		.identity = library.identity, .elements = elements, .element_count = ELEMENTS,
		.personality = personality_at(size % 5), .drives = drives, .drive_count = DRIVES,
		.pool = pool, .context = &library, .cartridge_path = library_path,
		.save = library_save, .hook = library_hook,
	};
	struct scsi_target *target = scsi_target_new("iqn.2026-01.org.granary:fuzz", uuid);
	struct changer *changer;
	log_set_level(LOG_LEVEL_ERROR);
	memcpy(library.saved, elements, sizeof(elements));
	ASSERT(changer_new(&settings, &changer) == 0);
	ASSERT(scsi_target_add(target, 0, changer_lu(changer)) == 0);
	struct scsi_nexus *nexus = fuzz_nexus_open(target, "a");
	for (unsigned i = 0; i < COMMANDS_MAX; i++) {
		size_t used = run_command(&library, nexus, pool, data, size);
		if (!used)
			break;
		data += used;
		size -= used;
		check_inventory(changer, &library);
	}
	fuzz_nexus_close(nexus);
	scsi_target_remove(target, 0);
	changer_free(&changer);
	scsi_target_free(&target);
	scsi_buffer_pool_free(&pool);
	return 0;
}
