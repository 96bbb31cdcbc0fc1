/* SPDX-License-Identifier: MIT */
/*
 * Any text as a library's file of persistent reservations: units get what can have been, and nothing else;
 * what the file has when one registers is read again.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "target/service/reservations.h"
#include "tests/fuzz/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig forgets what its scanner has of a string, or of a name of a file, that does not end. */
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

static const struct scsi_opcode opcodes[] = {{0}};
static const struct scsi_vpd_page vpd_pages[] = {{0}};
static const struct scsi_mode_page mode_pages[] = {{0}};
static const struct scsi_log_page log_pages[] = {{0}};
static const struct scsi_class class = {.device_type = 1, .opcodes = opcodes, .vpd_pages = vpd_pages,
					.mode_pages = mode_pages, .log_pages = log_pages};

enum { UNITS = 2 };

struct scene {
	struct scsi_target *target;
	struct scsi_lu *units[UNITS];
	struct scsi_nexus *nexus;
};

/* Sends a command that may be refused. */
static void send(struct scene *s, struct scsi_buffer_pool *pool, unsigned unit, const uint8_t *cdb,
		 const uint8_t *list, size_t size)
{
	struct fuzz_command command;
	fuzz_command_init(&command, s->nexus, cdb, 10);
	command.task.lun = (uint64_t)unit << 48;
	command.task.in_room = 8192;
	fuzz_command_give(&command, pool, list, size, size);
	fuzz_command_run(&command);
	fuzz_command_end(&command);
}

/* Looks at what was restored, and registers, which writes the file. */
static void use(struct scene *s)
{
	static const uint8_t registers[24] = {[8 + 7] = 5, [20] = 1}; /* APTPL */
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(1 << 20);
	s->nexus = fuzz_nexus_open(s->target, "iqn.2026-01.org.granary:a");
	for (unsigned unit = 0; unit < UNITS; unit++) {
		for (uint8_t action = 0; action < 4; action++)
			send(s, pool, unit, (const uint8_t[10]){0x5e, action, [7] = 0x20}, NULL, 0);
		send(s, pool, unit, (const uint8_t[10]){0x5f, 6, [8] = 24}, registers, sizeof(registers));
	}
	fuzz_nexus_close(s->nexus);
	scsi_buffer_pool_free(&pool);
}

/* True: all of it could be. */
static bool serve(const char *config, bool registers)
{
	struct reservations *reservations;
	struct scene s = {.target = scsi_target_new("iqn.2026-01.org.granary:fuzz", (uint8_t[16]){1})};
	bool good = true;
	if (reservations_open(config, &reservations) != 0) {
		scsi_target_free(&s.target);
		return false;
	}
	for (unsigned i = 0; i < UNITS; i++) {
		struct scsi_identity identity = {"FUZZ", "UNIT", "1", {(char)('A' + i)}, {0}, {0}};
		ASSERT(scsi_lu_new(&class, &identity, NULL, &s.units[i]) == 0);
		good = reservations_attach(reservations, s.units[i]) == 0 && good;
		ASSERT(scsi_target_add(s.target, (uint8_t)i, s.units[i]) == 0);
	}
	if (good && registers)
		use(&s);
	for (unsigned i = 0; i < UNITS; i++) {
		scsi_target_remove(s.target, (uint8_t)i);
		scsi_lu_free(&s.units[i]);
	}
	reservations_close(&reservations);
	scsi_target_free(&s.target);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/granary-fuzz-XXXXXX.reservations", config[sizeof(path)] = "";
	int fd = mkstemps(path, (int)strlen(".reservations"));
	log_set_level(LOG_LEVEL_ERROR - 1);
	ASSERT(fd >= 0 && (!size || file_pwrite(fd, data, size, 0) == 0));
	close(fd);
	memcpy(config, path, strlen(path) - strlen(".reservations"));
	strcat(config, ".conf");
	if (serve(config, true))
		ASSERT(serve(config, false));
	unlink(path);
	return 0;
}
