/* SPDX-License-Identifier: MIT */
/*
 * The changer with real drives and real cartridges: what a host writes to a tape
 * in one drive it reads in another; media that a drive does not take stay in
 * their slots; PREVENT on a drive holds the tape; a restart finds tapes in their
 * drives; the drives' identifiers are the same in both units' words.
 */
#include <dirent.h>
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/bytes.h"
#include "lib/base/log.h"
#include "target/tape/cartridge.h"
#include "target/tape/drive.h"
#include "tests/unit/changer_support.h"

enum { DRIVES = 2, ELEMENTS = 7, BLOCK = 4096 };

struct library {
	struct rig rig; /* hosts, target, pool */
	char folder[64];
	struct drive *drives[DRIVES];
	struct element elements[ELEMENTS];
	size_t saved;
};

static struct reply reply;

static const struct element fresh[ELEMENTS] = {
	{ .address = 1, .type = ELEMENT_TRANSPORT },
	{ .address = 500, .type = ELEMENT_DRIVE },
	{ .address = 501, .type = ELEMENT_DRIVE },
	{ .address = 1000, .type = ELEMENT_STORAGE, .barcode = "GRN000L8" },
	{ .address = 1001, .type = ELEMENT_STORAGE, .barcode = "GRN001L6" },
	{ .address = 1002, .type = ELEMENT_STORAGE, .barcode = "GRN002L7" },
	{ .address = 1003, .type = ELEMENT_STORAGE },
};

/* ---- the library ---------------------------------------------------------------------------- */

static int library_path(void *context, const char *barcode, char *path, size_t size)
{
	struct library *library = context;

	snprintf(path, size, "%s/%s", library->folder, barcode);
	return access(path, F_OK) == 0 ? 0 : -ENOENT;
}

static int library_save(void *context, const struct element *elements, size_t count)
{
	struct library *library = context;

	assert_int_equal(count, ELEMENTS);
	memcpy(library->elements, elements, sizeof(library->elements));
	library->saved++;
	return 0;
}

static int robot_load(void *drive, const char *path)
{
	return drive_load(drive, path);
}

static int robot_unload(void *drive, bool force)
{
	return drive_unload(drive, force);
}

static void make_drives(struct library *library, struct changer_drive bays[DRIVES],
			struct scsi_identity identities[DRIVES])
{
	const struct drive_model *model = drive_model_find("ibm-td8");

	for (unsigned i = 0; i < DRIVES; i++) {
		struct drive_settings settings = {
			.generation = model->generation,
			.element = (uint16_t)(500 + i),
			.buffer = 4 << 20,
			.pool = library->rig.pool,
			.identity = { .naa = { 0x50, 0, 0, 0, 0, 0, 0, (uint8_t)i } },
		};

		snprintf(settings.identity.vendor, 9, "%s", model->vendor);
		snprintf(settings.identity.product, 17, "%s", model->product);
		snprintf(settings.identity.revision, 5, "%s", model->revision);
		snprintf(settings.identity.serial, 33, "GRND%06u", i);
		identities[i] = settings.identity;
		assert_int_equal(drive_new(&settings, &library->drives[i]), 0);
		bays[i] = (struct changer_drive){
			.drive = library->drives[i],
			.identity = &identities[i],
			.load = robot_load,
			.unload = robot_unload,
		};
	}
}

static void library_start(struct library *library)
{
	static const uint8_t uuid[16] = { 9 };
	struct rig *rig = &library->rig;
	struct changer_drive bays[DRIVES];
	struct scsi_identity identities[DRIVES];
	struct changer_settings settings = {
		.identity = { .vendor = "STK", .product = "L700", .serial = "LIB0000001" },
		.personality = personality_find("stk-l700"),
		.elements = library->elements,
		.element_count = ELEMENTS,
		.drives = bays,
		.drive_count = DRIVES,
		.context = library,
		.cartridge_path = library_path,
		.save = library_save,
	};

	rig->lun = 0;
	rig->pool = settings.pool = scsi_buffer_pool_new(16 << 20);
	assert_non_null(rig->pool);
	make_drives(library, bays, identities);
	assert_int_equal(changer_new(&settings, &rig->changer), 0);
	rig->target = scsi_target_new("iqn.2026-01.test:drives", uuid);
	assert_non_null(rig->target);
	assert_int_equal(scsi_target_add(rig->target, 0, changer_lu(rig->changer)), 0);
	for (unsigned i = 0; i < DRIVES; i++)
		assert_int_equal(scsi_target_add(rig->target, (uint8_t)(i + 1),
						 drive_lu(library->drives[i])),
				 0);
	for (unsigned i = 0; i < 2; i++) {
		struct scsi_port port = {
			.initiator = "iqn.2026-01.test:host",
			.isid = { 0x80, 0, 0, 0, 0, (uint8_t)i },
			.portal_group = 1,
		};

		assert_int_equal(scsi_nexus_open(rig->target, &port, &rig->hosts[i]), 0);
	}
	rig_settle(rig);
}

static void nexus_closed(void *context)
{
	sem_post(context);
}

static void library_stop(struct library *library)
{
	struct rig *rig = &library->rig;

	for (unsigned i = 0; i < 2; i++) {
		sem_t closed;

		sem_init(&closed, 0, 0);
		scsi_nexus_close(rig->hosts[i], nexus_closed, &closed);
		while (sem_wait(&closed) != 0)
			assert_int_equal(errno, EINTR);
		sem_destroy(&closed);
	}
	for (unsigned i = 0; i <= DRIVES; i++)
		scsi_target_remove(rig->target, (uint8_t)i);
	changer_free(&rig->changer);
	for (unsigned i = 0; i < DRIVES; i++)
		drive_free(&library->drives[i]);
	scsi_target_free(&rig->target);
	scsi_buffer_pool_free(&rig->pool);
}

static void make_cartridge(const struct library *library, const char *barcode, const char *medium)
{
	struct cartridge_info info = { .capacity = 64 << 20, .partitions = 1 };

	snprintf(info.barcode, sizeof(info.barcode), "%s", barcode);
	snprintf(info.medium, sizeof(info.medium), "%s", medium);
	info.partition_size[0] = info.capacity;
	assert_int_equal(cartridge_create(library->folder, &info), 0);
}

static int setup(void **state)
{
	static struct library library;

	memset(&library, 0, sizeof(library));
	memcpy(library.elements, fresh, sizeof(fresh));
	snprintf(library.folder, sizeof(library.folder), "%s/granary-changer-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(library.folder) == NULL)
		return -1;
	make_cartridge(&library, "GRN000L8", "LTO-8");
	make_cartridge(&library, "GRN001L6", "LTO-6");
	make_cartridge(&library, "GRN002L7", "LTO-7");
	library_start(&library);
	*state = &library;
	return 0;
}

static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char name[512];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) != 0)
			remove_folder(name);
	}
	if (folder != NULL)
		closedir(folder);
	(void)rmdir(path);
}

static int teardown(void **state)
{
	struct library *library = *state;

	library_stop(library);
	remove_folder(library->folder);
	assert_int_not_equal(access(library->folder, F_OK), 0);
	return 0;
}

/* ---- what hosts do ----------------------------------------------------------------------------- */

static void to_drive(struct library *library, uint8_t drive)
{
	library->rig.lun = (uint8_t)(drive + 1);
}

static uint32_t move(struct library *library, uint16_t from, uint16_t to)
{
	library->rig.lun = 0;
	rig_move(&library->rig, from, to, &reply);
	return reply_code(&reply);
}

static uint32_t on_drive(struct library *library, uint8_t drive, const uint8_t *cdb, size_t size)
{
	to_drive(library, drive);
	rig_command(&library->rig, 0, cdb, size, &reply);
	return reply_code(&reply);
}

/* The unit attentions of a new tape, and whatever else is to be told. */
static void settle_drive(struct library *library, uint8_t drive)
{
	to_drive(library, drive);
	rig_settle(&library->rig);
}

static void write_block(struct library *library, uint8_t drive, uint8_t fill)
{
	uint8_t block[BLOCK];

	memset(block, fill, sizeof(block));
	to_drive(library, drive);
	rig_send(&library->rig, 0, CDB(0x0a, 0, 0, BLOCK >> 8, BLOCK & 0xff, 0), block, sizeof(block),
		 0, &reply);
	assert_int_equal(reply_code(&reply), 0);
}

/* What is written in one drive is read in the other, without a filemark or an unload between. */
static void test_tape_travels(void **state)
{
	struct library *library = *state;

	assert_int_equal(move(library, 1000, 500), 0);
	assert_int_equal(on_drive(library, 0, CDB(0, 0, 0, 0, 0, 0)), 0x062900);
	assert_int_equal(on_drive(library, 0, CDB(0, 0, 0, 0, 0, 0)), 0x062800);
	settle_drive(library, 0);
	write_block(library, 0, 'a');
	write_block(library, 0, 'b');
	assert_int_equal(move(library, 500, 501), 0);
	assert_int_equal(on_drive(library, 0, CDB(0, 0, 0, 0, 0, 0)), 0x023a00);
	settle_drive(library, 1);
	assert_int_equal(on_drive(library, 1, CDB(0x08, 0, 0, BLOCK >> 8, BLOCK & 0xff, 0)), 0);
	assert_int_equal(reply.size, BLOCK);
	assert_int_equal(reply.data[0], 'a');
	assert_int_equal(on_drive(library, 1, CDB(0x08, 0, 0, BLOCK >> 8, BLOCK & 0xff, 0)), 0);
	assert_int_equal(reply.data[BLOCK - 1], 'b');
	/* Unloaded by the host first, as mt offline does: the robot takes it all the same. */
	assert_int_equal(on_drive(library, 1, CDB(0x1b, 0, 0, 0, 0, 0)), 0);
	assert_int_equal(move(library, 501, 1003), 0);
	assert_string_equal(library->elements[6].barcode, "GRN000L8");
}

/* LTO-6 in an LTO-8 drive is 30/00, and the tape is in its slot; LTO-7 goes. */
static void test_wrong_medium(void **state)
{
	struct library *library = *state;

	assert_int_equal(move(library, 1001, 500), 0x053000);
	assert_string_equal(rig_element(&library->rig, 1001).barcode, "GRN001L6");
	assert_int_equal(library->saved, 0);
	assert_int_equal(move(library, 1002, 500), 0);
	settle_drive(library, 0);
	/* The wrong one in its place: the right one is back, and can be used. */
	library->rig.lun = 0;
	rig_exchange(&library->rig, 1001, 500, 1003, &reply);
	assert_int_equal(reply_code(&reply), 0x053000);
	settle_drive(library, 0);
	assert_int_equal(on_drive(library, 0, CDB(0, 0, 0, 0, 0, 0)), 0);
	assert_string_equal(rig_element(&library->rig, 500).barcode, "GRN002L7");
}

/* A host that prevents removal holds its tape against the robot, until it lets go. */
static void test_prevented(void **state)
{
	struct library *library = *state;

	assert_int_equal(move(library, 1000, 500), 0);
	settle_drive(library, 0);
	assert_int_equal(on_drive(library, 0, CDB(0x1e, 0, 0, 0, 1, 0)), 0);
	assert_int_equal(move(library, 500, 1000), 0x055302);
	assert_int_equal(on_drive(library, 0, CDB(0, 0, 0, 0, 0, 0)), 0);
	assert_int_equal(on_drive(library, 0, CDB(0x1e, 0, 0, 0, 0, 0)), 0);
	assert_int_equal(move(library, 500, 1000), 0);
}

/* A library that is started again has its tapes in their drives, with what was synced on them. */
static void test_restart(void **state)
{
	struct library *library = *state;

	assert_int_equal(move(library, 1000, 501), 0);
	settle_drive(library, 1);
	write_block(library, 1, 'r');
	assert_int_equal(on_drive(library, 1, CDB(0x10, 0, 0, 0, 1, 0)), 0);
	library_stop(library);
	library_start(library);
	assert_int_equal(rig_element(&library->rig, 501).source, 1000);
	settle_drive(library, 1);
	assert_int_equal(on_drive(library, 1, CDB(0x08, 0, 0, BLOCK >> 8, BLOCK & 0xff, 0)), 0);
	assert_int_equal(reply.data[0], 'r');
	assert_int_equal(move(library, 501, 1000), 0);
}

/* The identifier that the library gives for a drive is the one that the drive gives for itself. */
static void test_identifiers(void **state)
{
	struct library *library = *state;
	uint8_t mine[64];
	size_t size;

	for (uint8_t i = 0; i < DRIVES; i++) {
		const uint8_t status[12] = { 0xb8, 4, 0x01, (uint8_t)(0xf4 + i), 0, 1, 1, 0, 1 };

		library->rig.lun = 0;
		rig_command(&library->rig, 0, status, sizeof(status), &reply);
		assert_int_equal(reply_code(&reply), 0);
		assert_int_equal(be_get16(reply.data + 16), 500 + i);
		size = reply.data[31];
		assert_in_range(size, 25, sizeof(mine));
		memcpy(mine, reply.data + 32, size);
		assert_int_equal(on_drive(library, i, CDB(0x12, 1, 0x83, 0, 0xff, 0)), 0);
		assert_int_equal(reply.data[4] & 0x0f, 2);
		assert_int_equal(reply.data[5], 1);
		assert_int_equal(reply.data[7], size);
		assert_memory_equal(reply.data + 8, mine, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tape_travels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_medium, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prevented, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identifiers, setup, teardown),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
