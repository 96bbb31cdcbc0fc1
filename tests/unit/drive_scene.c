/* SPDX-License-Identifier: MIT */
#include "tests/unit/drive_scene.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define SCENE_SIZE UINT64_C(100000000)

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat, (void)kind, (void)walk;
	return remove(path);
}

struct scsi_nexus *scene_open(struct drive_scene *scene, const char *initiator, uint8_t isid)
{
	struct scsi_nexus *nexus;
	struct scsi_port port = {
		.initiator = initiator, .isid = {0x40, 0, 0, 0, 0, isid}, .portal_group = 1};
	assert_int_equal(scsi_nexus_open(scene->target, &port, &nexus), 0);
	return nexus;
}

struct drive_scene *drive_scene_new(const struct drive_scene_options *options)
{
	struct drive_scene *scene = mem_zalloc(sizeof(*scene));
	static const uint8_t uuid[16] = {1};
	const char *base = getenv("TMPDIR");
	struct drive_settings settings = {
		.identity = {.product = "ULT3580-TD8", .revision = "N9M1", .serial = "GR00000001",
			     .naa = {0x60, 1, 2, 3, 4, 5, 6, 7}},
		.generation = (uint8_t)(options->generation ? options->generation : 8),
		.element = 500,
		.buffer = 1u << 20,
		.encryption = options->encryption,
	};
	snprintf(settings.identity.vendor, sizeof(settings.identity.vendor), "%s",
		 options->vendor ? options->vendor : "IBM");
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(scene->folder, sizeof(scene->folder), "%.40s/drive.XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(scene->folder));
	scene->pool = scsi_buffer_pool_new(1 << 20);
	settings.pool = scene->pool;
	scene->target = scsi_target_new("iqn.2026-01.org.granary:test", uuid);
	assert_int_equal(drive_new(&settings, &scene->drive), 0);
	assert_int_equal(scsi_target_add(scene->target, 0, drive_lu(scene->drive)), 0);
	scene->a = scene_open(scene, "iqn.2026-01.org.granary:a", 1);
	scene->b = scene_open(scene, "iqn.2026-01.org.granary:b", 2);
	scene_quiet(scene, scene->a);
	scene_quiet(scene, scene->b);
	return scene;
}

void drive_scene_free(struct drive_scene **out)
{
	struct drive_scene *scene = *out;
	*out = NULL;
	if (scene->a)
		scene_close(&scene->a);
	if (scene->b)
		scene_close(&scene->b);
	scsi_target_remove(scene->target, 0);
	drive_free(&scene->drive);
	scsi_target_free(&scene->target);
	scsi_buffer_pool_free(&scene->pool);
	nftw(scene->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(scene);
}

int drive_scene_setup(void **state)
{
	*state = drive_scene_new(&(struct drive_scene_options){.encryption = false});
	return 0;
}

int drive_scene_setup_crypt(void **state)
{
	*state = drive_scene_new(&(struct drive_scene_options){.encryption = true});
	return 0;
}

int drive_scene_teardown(void **state)
{
	struct drive_scene *scene = *state;
	drive_scene_free(&scene);
	return 0;
}

void scene_quiet(struct drive_scene *scene, struct scsi_nexus *nexus)
{
	for (unsigned i = 0; i < 20; i++) {
		RUN(&scene->r, nexus, 0x00);
		if (scene->r.status != SCSI_CHECK_CONDITION || scene->r.sense.key != SENSE_UNIT_ATTENTION)
			return;
	}
	fail_msg("attentions never end");
}

void scene_reload(struct drive_scene *scene, const char *barcode)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", scene->folder, barcode);
	assert_int_equal(drive_load(scene->drive, path), 0);
	scene_quiet(scene, scene->a);
	scene_quiet(scene, scene->b);
}

void scene_load(struct drive_scene *scene, const char *barcode, const char *medium, uint64_t size)
{
	struct cartridge_info info = {
		.capacity = size ? size : SCENE_SIZE, .partitions = 1, .worm = strstr(medium, "WORM")};
	info.partition_size[0] = info.capacity;
	snprintf(info.barcode, sizeof(info.barcode), "%s", barcode);
	snprintf(info.medium, sizeof(info.medium), "%s", medium);
	assert_int_equal(cartridge_create(scene->folder, &info), 0);
	scene_reload(scene, barcode);
}

void scene_unload(struct drive_scene *scene)
{
	assert_int_equal(drive_unload(scene->drive, true), 0);
}

/* ---- blocks ------------------------------------------------------------------------------------ */

static void block_fill(uint8_t *data, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

void scene_write(struct drive_scene *scene, struct scsi_nexus *nexus, size_t size, unsigned seed)
{
	uint8_t data[4096];
	assert_true(size <= sizeof(data));
	block_fill(data, size, seed);
	SEND(&scene->r, nexus, data, size, 0x0a, 0, 0, (uint8_t)(size >> 8), (uint8_t)size);
}

bool scene_read(struct drive_scene *scene, struct scsi_nexus *nexus, size_t size, unsigned seed)
{
	uint8_t data[4096];
	assert_true(size <= sizeof(data));
	block_fill(data, size, seed);
	RUN(&scene->r, nexus, 0x08, 0, 0, (uint8_t)(size >> 8), (uint8_t)size);
	return scene->r.status == SCSI_GOOD && scene->r.size == size &&
	       memcmp(scene->r.data, data, size) == 0;
}

void scene_mark(struct drive_scene *scene, struct scsi_nexus *nexus)
{
	RUN(&scene->r, nexus, 0x10, 0, 0, 0, 1);
	assert_good(&scene->r);
}

void scene_rewind(struct drive_scene *scene, struct scsi_nexus *nexus)
{
	RUN(&scene->r, nexus, 0x01);
	assert_good(&scene->r);
}

const uint8_t *scene_mode_sense(struct drive_scene *scene, unsigned code, unsigned subpage, unsigned control)
{
	RUN(&scene->r, scene->a, 0x5a, 0x08, (uint8_t)(control << 6 | code), (uint8_t)subpage, 0, 0, 0,
	    0x10, 0);
	assert_good(&scene->r);
	assert_int_equal(be_get16(scene->r.data), scene->r.size - 2);
	return scene->r.data + 8;
}

void scene_mode_select(struct drive_scene *scene, const uint8_t *page, size_t size)
{
	uint8_t list[256] = {0};
	list[3] = 0x10;
	memcpy(list + 8, page, size);
	SEND(&scene->r, scene->a, list, 8 + size, 0x55, 0x10, 0, 0, 0, 0, 0, 0, (uint8_t)(8 + size));
}

void scene_log_sense(struct drive_scene *scene, struct scsi_nexus *nexus, uint8_t code)
{
	RUN(&scene->r, nexus, 0x4d, 0, (uint8_t)(0x40 | code), 0, 0, 0, 0, 0x20, 0);
	assert_good(&scene->r);
	assert_int_equal(scene->r.data[0] & 0x3f, code);
	assert_int_equal(be_get16(scene->r.data + 2), scene->r.size - 4);
}

uint64_t scene_log_value(struct drive_scene *scene, uint16_t code)
{
	const struct answer *r = &scene->r;
	for (size_t at = 4; at + 4 <= r->size; at += 4u + r->data[at + 3]) {
		if (be_get16(r->data + at) != code)
			continue;
		uint64_t value = 0;
		for (unsigned i = 0; i < r->data[at + 3]; i++)
			value = value << 8 | r->data[at + 4 + i];
		return value;
	}
	fail_msg("no parameter %04x", code);
	return 0;
}
