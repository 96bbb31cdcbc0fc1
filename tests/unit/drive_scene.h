/* SPDX-License-Identifier: MIT */
/*
 * A tape drive as LUN 0 of a target, cartridges in a folder of the test's, and two initiators.
 */
#ifndef TESTS_UNIT_DRIVE_SCENE_H
#define TESTS_UNIT_DRIVE_SCENE_H

#include "tests/unit/scsi-fake.h"

#include "target/tape/drive.h"

struct drive_scene {
	char folder[64];
	struct scsi_buffer_pool *pool;
	struct scsi_target *target;
	struct drive *drive;
	struct scsi_nexus *a, *b;
	struct answer r; /* of the last command */
};

struct drive_scene_options {
	const char *vendor; /* NULL: IBM */
	unsigned generation; /* 0: 8 */
	bool encryption;
};

/* With no cartridge; power-on attentions have been told. */
struct drive_scene *drive_scene_new(const struct drive_scene_options *options);
void drive_scene_free(struct drive_scene **scene);
/* cmocka's: without encryption, and with; *state is the scene. */
int drive_scene_setup(void **state);
int drive_scene_setup_crypt(void **state);
int drive_scene_teardown(void **state);

/* Makes a cartridge (size 0: 100 MB) and loads it; attentions of the load have been told. */
void scene_load(struct drive_scene *scene, const char *barcode, const char *medium, uint64_t size);
void scene_reload(struct drive_scene *scene, const char *barcode);
void scene_unload(struct drive_scene *scene);
/* TEST UNIT READY until nothing is left to be told. */
void scene_quiet(struct drive_scene *scene, struct scsi_nexus *nexus);
struct scsi_nexus *scene_open(struct drive_scene *scene, const char *initiator, uint8_t isid);

/* One variable block of `size` bytes that depend on `seed`. */
void scene_write(struct drive_scene *scene, struct scsi_nexus *nexus, size_t size, unsigned seed);
/* Reads one: true when it is that block. The answer is in scene->r. */
bool scene_read(struct drive_scene *scene, struct scsi_nexus *nexus, size_t size, unsigned seed);
void scene_mark(struct drive_scene *scene, struct scsi_nexus *nexus);
void scene_rewind(struct drive_scene *scene, struct scsi_nexus *nexus);

/* The page's bytes by MODE SENSE(10) without block descriptor; until the next command. */
enum { CURRENT, CHANGEABLE, DEFAULT, SAVED };
const uint8_t *scene_mode_sense(struct drive_scene *scene, unsigned code, unsigned subpage, unsigned control);
/* LOG SENSE of a whole page; scene->r has it. */
void scene_log_sense(struct drive_scene *scene, struct scsi_nexus *nexus, uint8_t code);
/* A parameter's value as a number; the last LOG SENSE has it. */
uint64_t scene_log_value(struct drive_scene *scene, uint16_t code);
/* Sends a page back (its PS bit is off already). */
void scene_mode_select(struct drive_scene *scene, const uint8_t *page, size_t size);

#endif
