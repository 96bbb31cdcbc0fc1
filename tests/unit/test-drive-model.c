/* SPDX-License-Identifier: MIT */
/* Whatever hosts do in whatever order, a drive answers as a tape would that is kept as a plain list
 * of blocks and filemarks, also after it has been taken out and put back. */
#include "tests/unit/tape_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS_MAX 4000u
#define STEPS	    6000u

struct object {
	uint32_t size; /* 0: filemark */
	uint64_t seed;
};

/* The tape as a list, walked one object at a time. */
struct model {
	struct object objects[OBJECTS_MAX];
	uint64_t count, at;
	uint32_t block_size;
};

/* What the model says that a command answers. */
struct outcome {
	bool good;
	enum sense_key key;
	uint16_t code;
	bool filemark, eom, ili;
	int64_t information;
	uint64_t first, blocks; /* data: whole blocks from object `first` on... */
	size_t size;		/* ...or the beginning of one */
};

static struct model model;
static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

static uint64_t files_before(uint64_t object)
{
	uint64_t files = 0;
	for (uint64_t i = 0; i < object; i++)
		files += !model.objects[i].size;
	return files;
}

static struct outcome ended(enum sense_key key, uint16_t code, int64_t information)
{
	return (struct outcome){.key = key, .code = code, .information = information,
				.filemark = code == 0x0001, .eom = code == 0x0004};
}

/* ---- the model's commands ---------------------------------------------------------------------- */

static struct outcome model_add(uint32_t count, uint32_t size, uint64_t seed)
{
	model.count = model.at;
	for (uint32_t i = 0; i < count; i++)
		model.objects[model.count++] = (struct object){size, size ? seed + i : 0};
	model.at = model.count;
	return (struct outcome){.good = true};
}

static struct outcome model_read(uint32_t length, bool silent)
{
	struct outcome o = {.good = true, .first = model.at};
	if (!length)
		return o;
	if (model.at == model.count)
		return ended(SENSE_BLANK_CHECK, 0x0005, length);
	const struct object *object = &model.objects[model.at++];
	if (!object->size)
		return ended(SENSE_NO_SENSE, 0x0001, length);
	o.size = object->size < length ? object->size : length;
	o.information = (int64_t)length - object->size;
	o.ili = o.information && !(silent && (o.information > 0 || !model.block_size));
	o.good = !o.ili;
	return o;
}

static struct outcome model_read_fixed(uint32_t count)
{
	struct outcome o = {.good = true, .first = model.at};
	while (o.blocks < count) {
		struct outcome e = {0};
		if (model.at == model.count) {
			e = ended(SENSE_BLANK_CHECK, 0x0005, count - (int64_t)o.blocks);
		} else if (!model.objects[model.at].size) {
			e = ended(SENSE_NO_SENSE, 0x0001, count - (int64_t)o.blocks);
			model.at++;
		} else if (model.objects[model.at].size != model.block_size) {
			e.ili = true;
			e.information = count - (int64_t)o.blocks;
			model.at++;
		} else {
			o.blocks++;
			o.size += model.block_size;
			model.at++;
			continue;
		}
		e.first = o.first;
		e.blocks = o.blocks;
		e.size = o.size;
		return e;
	}
	return o;
}

static struct outcome model_space_blocks(int64_t count)
{
	for (int64_t left = count < 0 ? -count : count; left; left--) {
		if (count > 0 && model.at == model.count)
			return ended(SENSE_BLANK_CHECK, 0x0005, left);
		if (count < 0 && model.at == 0)
			return ended(SENSE_NO_SENSE, 0x0004, left);
		model.at += count > 0 ? 1 : -1;
		if (!model.objects[count > 0 ? model.at - 1 : model.at].size)
			return ended(SENSE_NO_SENSE, 0x0001, left);
	}
	return (struct outcome){.good = true};
}

static struct outcome model_space_filemarks(int64_t count)
{
	for (int64_t left = count < 0 ? -count : count; left;) {
		if (count > 0 && model.at == model.count)
			return ended(SENSE_BLANK_CHECK, 0x0005, left);
		if (count < 0 && model.at == 0)
			return ended(SENSE_NO_SENSE, 0x0004, left);
		model.at += count > 0 ? 1 : -1;
		if (!model.objects[count > 0 ? model.at - 1 : model.at].size)
			left--;
	}
	return (struct outcome){.good = true};
}

/* ---- comparing ----------------------------------------------------------------------------------- */

static void compare(struct scene *s, const struct answer *answer, const struct outcome *o)
{
	if (o->good) {
		expect_good(answer);
	} else {
		char flags[4], *f = flags;
		if (o->filemark)
			*f++ = 'F';
		if (o->eom)
			*f++ = 'E';
		if (o->ili)
			*f++ = 'I';
		*f = '\0';
		expect_sense(answer, o->key, o->code, flags, o->information);
	}
	assert_int_equal(answer->size, o->size);
	uint8_t *block = malloc(256u << 10);
	assert_non_null(block);
	size_t offset = 0;
	for (uint64_t i = o->first; offset < answer->size; i++) {
		size_t size = model.objects[i].size;
		tape_fill(block, size, model.objects[i].seed);
		if (size > answer->size - offset)
			size = answer->size - offset;
		assert_memory_equal(answer->data + offset, block, size);
		offset += size;
	}
	free(block);
	expect_at(s, model.at, files_before(model.at));
}

static uint32_t random_size(void)
{
	switch (random_below(4)) {
	case 0: return 1 + (uint32_t)random_below(600);
	case 1: return 10240;
	case 2: return 65536;
	default: return 1 + (uint32_t)random_below(200000);
	}
}

static void step_write(struct scene *s, uint64_t seed)
{
	uint32_t size = model.block_size, count = 1 + (uint32_t)random_below(5);
	struct outcome o;
	if (random_below(4) == 0) {
		count = (uint32_t)random_below(3);
		bool immediate = random_below(2);
		/* Only what a count of 0 leaves alone stays after the position. */
		o = count ? model_add(count, 0, 0) : (struct outcome){.good = true};
		compare(s, tape_filemarks(s, count, immediate), &o);
	} else if (size) {
		o = model_add(count, size, seed);
		compare(s, tape_write_fixed(s, count, size, seed), &o);
	} else {
		size = random_size();
		o = model_add(1, size, seed);
		compare(s, tape_write(s, size, seed), &o);
	}
}

static void step_read(struct scene *s)
{
	struct outcome o;
	if (model.block_size && random_below(3)) {
		uint32_t count = (uint32_t)random_below(9);
		o = model_read_fixed(count);
		compare(s, tape_read_fixed(s, count, model.block_size), &o);
		return;
	}
	uint32_t length = random_below(2) ? 200000 : random_size();
	bool silent = random_below(2);
	o = model_read(length, silent);
	compare(s, tape_read(s, length, silent), &o);
}

static void step_move(struct scene *s)
{
	struct outcome o = {.good = true};
	int64_t count = (int64_t)random_below(15) - 7;
	switch (random_below(5)) {
	case 0:
		o = model_space_blocks(count);
		compare(s, tape_space(s, 0, count), &o);
		return;
	case 1:
		o = model_space_filemarks(count);
		compare(s, tape_space(s, 1, count), &o);
		return;
	case 2:
		model.at = model.count;
		compare(s, tape_space(s, 3, 0), &o);
		return;
	case 3:
		model.at = random_below(model.count + 1);
		compare(s, tape_locate(s, model.at), &o);
		return;
	default:
		model.at = 0;
		compare(s, tape_rewind(s), &o);
		return;
	}
}

static void step_rare(struct scene *s)
{
	static const uint32_t block_sizes[] = {0, 0, 512, 10240, 65536};
	struct outcome good = {.good = true};
	switch (random_below(3)) {
	case 0:
		model.block_size = block_sizes[random_below(5)];
		tape_block_size(s, model.block_size);
		return;
	case 1:
		assert_int_equal(scene_unload(s), 0);
		assert_int_equal(scene_load(s), 0);
		model.at = 0;
		compare(s, tape_ready(s), &good);
		return;
	default:
		if (random_below(3)) /* seldom: it takes much away */
			return;
		model.count = model.at;
		compare(s, command(s, NULL, 0, 0, 0x19, 1, 0, 0, 0, 0), &good);
		return;
	}
}

static void reads_back_whole(struct scene *s)
{
	tape_block_size(s, model.block_size = 0);
	model.at = 0;
	expect_good(tape_rewind(s));
	while (model.at < model.count) {
		struct outcome o = model_read(262144, true);
		compare(s, tape_read(s, 262144, true), &o);
	}
}

static void random_commands_agree_with_a_list(void **state)
{
	(void)state;
	struct scene s = {.buffer = 1u << 20};
	const char *seed = getenv("TAPE_MODEL_SEED");
	random_state = seed ? strtoull(seed, NULL, 0) : 0x243f6a8885a308d3ull;
	scene_open(&s);
	scene_tape(&s, 1024ull * MIB);
	for (uint64_t step = 0; step < STEPS; step++) {
		unsigned what = (unsigned)random_below(100);
		/* At the end of its list the model can only go back. */
		if (what < 45 && model.at + 8 < OBJECTS_MAX)
			step_write(&s, step << 8);
		else if (what < 75)
			step_read(&s);
		else if (what < 97)
			step_move(&s);
		else
			step_rare(&s);
	}
	reads_back_whole(&s);
	assert_int_equal(scene_unload(&s), 0);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_commands_agree_with_a_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
