/* SPDX-License-Identifier: MIT */
#include "tests/unit/cartridge_support.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

struct cartridge_info scene_info(const char *barcode, const char *medium)
{
	struct cartridge_info info = {.capacity = UINT64_C(12000000000000), .partitions = 1};
	snprintf(info.barcode, sizeof(info.barcode), "%s", barcode);
	snprintf(info.medium, sizeof(info.medium), "%s", medium);
	info.partition_size[0] = info.capacity;
	info.worm = strstr(medium, "WORM") != NULL;
	return info;
}

int scene_setup(void **state)
{
	struct scene *s = mem_zalloc(sizeof(*s));
	struct cartridge_info info = scene_info("A00001L8", "LTO-8");
	const char *base = getenv("TMPDIR");
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(s->folder, sizeof(s->folder), "%.40s/cartridge.XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/A00001L8", s->folder);
	assert_int_equal(cartridge_create(s->folder, &info), 0);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &s->c), 0);
	*state = s;
	return 0;
}

int scene_teardown(void **state)
{
	struct scene *s = *state;
	fault_set(NULL);
	cartridge_close(&s->c);
	remove_tree(s->folder);
	free(s);
	return 0;
}

void scene_reopen(struct scene *s, enum cartridge_mode mode)
{
	assert_int_equal(cartridge_close(&s->c), 0);
	assert_int_equal(cartridge_open(s->path, mode, &s->c), 0);
}

const char *scene_file(const struct scene *s, const char *name)
{
	static char paths[4][256];
	static unsigned turn;
	char *path = paths[turn++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", s->path, name);
	return path;
}

uint64_t scene_size(const struct scene *s, const char *name)
{
	struct stat st;
	assert_int_equal(stat(scene_file(s, name), &st), 0);
	return (uint64_t)st.st_size;
}

void fill_bytes(uint8_t *data, size_t size, uint32_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t n = 0; n < size; n++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[n] = (uint8_t)(x >> 32);
	}
}

static uint8_t *make_blocks(uint32_t size, uint32_t count, uint32_t seed)
{
	uint8_t *data = mem_alloc((size_t)size * count);
	for (uint32_t n = 0; n < count; n++)
		fill_bytes(data + (size_t)n * size, size, seed + n);
	return data;
}

int append_blocks(struct cartridge *c, unsigned partition, uint32_t size, uint32_t count,
		  uint32_t seed)
{
	uint8_t *data = make_blocks(size, count, seed);
	struct cartridge_blocks blocks = {.data = data, .block_size = size, .count = count};
	int error = cartridge_append(c, partition, &blocks);
	free(data);
	return error;
}

void check_blocks(struct cartridge *c, unsigned partition, uint64_t object, uint32_t size,
		  uint32_t count, uint32_t seed)
{
	uint8_t *data = make_blocks(size, count, seed), *read = mem_alloc(size);
	for (uint32_t n = 0; n < count; n++) {
		struct cartridge_place place;
		assert_int_equal(cartridge_find(c, partition, object + n, &place), 0);
		assert_int_equal(place.kind, CARTRIDGE_BLOCKS);
		assert_int_equal(place.block_size, size);
		assert_true(place.count >= 1);
		assert_int_equal(cartridge_pread(c, partition, read, size, place.offset, true), 0);
		assert_memory_equal(read, data + (size_t)n * size, size);
	}
	free(data);
	free(read);
}

void check_extent(const struct cartridge *c, unsigned partition, uint64_t objects,
		  uint64_t filemarks, uint64_t bytes)
{
	struct cartridge_extent extent = cartridge_extent(c, partition);
	assert_int_equal(extent.objects, objects);
	assert_int_equal(extent.filemarks, filemarks);
	assert_int_equal(extent.bytes, bytes);
}

void remove_tree(const char *path)
{
	struct dirent *entry;
	DIR *folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		char name[512];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) < 0)
			remove_tree(name);
	}
	if (folder)
		closedir(folder);
	rmdir(path);
}
