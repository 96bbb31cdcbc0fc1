/* SPDX-License-Identifier: MIT */
/*
 * Any commands against a tape drive that encrypts and has a small cartridge in it: blocks, pages,
 * attributes, keys. The position stays within the tape, and what is left is a cartridge. A command is
 * 16 bytes of CDB, a byte that says which nexus (bit 0) and whether the robot reloads before it (bit 7),
 * a byte for the room, a byte for the size of data-out in the unit of bits 1-2 of the first, and its
 * bytes: all of them where the unit is 1, else the first 64, which are repeated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "target/tape/drive.h"
#include "tests/fuzz/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS_MAX 48u
#define HEADER_SIZE  19u
#define REPEATED     64u
#define TAPE_SIZE    (3u << 20)

struct scene {
	char folder[40], path[64];
	struct scsi_buffer_pool *pool;
	struct scsi_target *target;
	struct scsi_nexus *nexuses[2];
	struct drive *drive;
};

/* ---- the scene ---------------------------------------------------------------------------------- */

static void scene_open(struct scene *s)
{
	struct cartridge_info info = {.barcode = "FUZZ01L8", .medium = "LTO-8", .capacity = TAPE_SIZE,
				      .partitions = 1, .partition_size = {TAPE_SIZE}};
	struct drive_settings settings = {
		.identity = {.vendor = "IBM", .product = "ULT3580-TD8", .revision = "H990",
			     .serial = "1013000101", .naa = {0x50, 1, 2, 3, 4, 5, 6, 7}},
		.generation = 8, .buffer = 1u << 20, .encryption = true,
	};
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(s->folder, access("/dev/shm", W_OK) ? "/tmp/fuzz-tape-XXXXXX" : "/dev/shm/fuzz-tape-XXXXXX");
	ASSERT(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/%s", s->folder, info.barcode);
	ASSERT(cartridge_create(s->folder, &info) == 0);
	s->pool = settings.pool = scsi_buffer_pool_new(1u << 20);
	ASSERT(drive_new(&settings, &s->drive) == 0);
	s->target = scsi_target_new("iqn.2024-01.example:fuzz", (uint8_t[16]){1});
	ASSERT(scsi_target_add(s->target, 0, drive_lu(s->drive)) == 0);
	s->nexuses[0] = fuzz_nexus_open(s->target, "iqn.2024-01.example:a");
	s->nexuses[1] = fuzz_nexus_open(s->target, "iqn.2024-01.example:b");
	ASSERT(drive_load(s->drive, s->path) == 0);
}

static void scene_close(struct scene *s)
{
	char line[64];
	for (unsigned i = 0; i < 2; i++)
		fuzz_nexus_close(s->nexuses[i]);
	scsi_target_remove(s->target, 0);
	drive_free(&s->drive);
	scsi_target_free(&s->target);
	scsi_buffer_pool_free(&s->pool);
	struct cartridge *cartridge = NULL;
	ASSERT(cartridge_open(s->path, CARTRIDGE_READ, &cartridge) == 0);
	ASSERT(cartridge_close(&cartridge) == 0);
	snprintf(line, sizeof(line), "rm -rf %s", s->folder);
	ASSERT(system(line) == 0);
}

/* ---- commands ------------------------------------------------------------------------------------- */

static void reload(struct scene *s)
{
	int error = drive_unload(s->drive, true);
	ASSERT(error == 0);
	ASSERT(drive_load(s->drive, s->path) == 0);
}

/* Bytes that it has used. */
static size_t run_command(struct scene *s, const uint8_t *data, size_t size)
{
	static const uint16_t units[4] = {1, 16, 257, 4096};
	struct fuzz_command command;
	uint8_t how = data[16];
	size_t unit = units[how >> 1 & 3], out = data[18] * unit;
	size_t have = unit > 1 && out > REPEATED ? REPEATED : out;
	if (have > size - HEADER_SIZE)
		have = size - HEADER_SIZE;
	if (how & 0x80)
		reload(s);
	fuzz_command_init(&command, s->nexuses[how & 1], data, 16);
	command.task.in_room = (size_t)data[17] * 1031;
	fuzz_command_give(&command, s->pool, data + HEADER_SIZE, have, out);
	fuzz_command_run(&command);
	fuzz_command_end(&command);
	return HEADER_SIZE + have;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scene scene = {0};
	scene_open(&scene);
	for (unsigned i = 0; i < COMMANDS_MAX && size >= HEADER_SIZE; i++) {
		size_t used = run_command(&scene, data, size);
		struct drive_state state;
		drive_get_state(scene.drive, &state);
		ASSERT(state.file <= state.object && state.present);
		data += used;
		size -= used;
	}
	scene_close(&scene);
	return 0;
}
