/* SPDX-License-Identifier: MIT */
/*
 * The model: what the folder must hold, and which operation comes next. No
 * system call is made here. model_next() draws from the generator the same
 * number of times whatever the filesystem does, so a replay gives the same
 * stream.
 */
#include "tests/fs/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

uint64_t model_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t model_below(struct model *m, uint64_t limit)
{
	return model_random(&m->random) % limit;
}

struct model *model_new(uint64_t limit)
{
	struct model *m = mem_zalloc(sizeof(*m));
	m->limit = limit;
	m->use_mmap = true;
	return m;
}

static void file_unlink(struct model *m, unsigned name)
{
	struct model_file *file = m->names[name];
	m->names[name] = NULL;
	if (file == NULL || --file->links > 0)
		return;
	free(file->data);
	free(file);
}

void model_free(struct model **model)
{
	if (*model == NULL)
		return;
	for (unsigned i = 0; i < MODEL_NAMES; i++)
		file_unlink(*model, i);
	free(*model);
	*model = NULL;
}

void model_seed(struct model *m, uint64_t seed)
{
	m->random = seed;
}

void model_path(unsigned name, char path[MODEL_PATH])
{
	snprintf(path, MODEL_PATH, "%u/n%02u", name % MODEL_FOLDERS, name);
}

/* ---- choosing ---- */

/* Out of this many; common operations are common here too. */
static const struct {
	const char *name;
	unsigned weight;
} kinds[MODEL_KINDS] = {
	[MODEL_CREATE] = {"create", 6},       [MODEL_WRITE] = {"write", 30},
	[MODEL_APPEND] = {"append", 12},      [MODEL_TRUNCATE] = {"truncate", 6},
	[MODEL_PUNCH] = {"punch", 5},         [MODEL_ZERO] = {"zero", 4},
	[MODEL_ALLOCATE] = {"allocate", 2},   [MODEL_COPY] = {"copy", 8},
	[MODEL_MMAP] = {"mmap", 5},           [MODEL_RENAME] = {"rename", 6},
	[MODEL_EXCHANGE] = {"exchange", 2},   [MODEL_LINK] = {"link", 2},
	[MODEL_UNLINK] = {"unlink", 4},       [MODEL_FSYNC] = {"fsync", 4},
	[MODEL_FDATASYNC] = {"fdatasync", 3}, [MODEL_FSYNC_FOLDER] = {"fsync-folder", 1},
};

static enum model_kind model_choose_kind(struct model *m)
{
	unsigned total = 0;
	for (unsigned i = 0; i < MODEL_KINDS; i++)
		total += kinds[i].weight;
	uint64_t pick = model_below(m, total);
	for (unsigned i = 0;; i++) {
		if (pick < kinds[i].weight)
			return i;
		pick -= kinds[i].weight;
	}
}

static uint64_t model_choose_length(struct model *m)
{
	static const uint64_t scale[] = {64, 512, 4096, 16384, 65536, 262144};
	uint64_t limit = scale[model_below(m, sizeof(scale) / sizeof(scale[0]))];
	uint64_t length = 1 + model_below(m, limit);
	if (model_below(m, 3) == 0)
		length = (length + 4095) / 4096 * 4096;
	return length < m->limit / 2 ? length : m->limit / 2;
}

static uint64_t model_choose_offset(struct model *m, uint64_t end)
{
	uint64_t offset = model_below(m, end + 1);
	switch (model_below(m, 4)) {
	case 0:
		return offset / 4096 * 4096;
	case 1:
		return offset / 512 * 512;
	default:
		return offset;
	}
}

/* A name that is taken (or free) from a random one on; MODEL_NAMES if there is none. */
static unsigned model_choose_name(struct model *m, bool taken)
{
	unsigned first = (unsigned)model_below(m, MODEL_NAMES);
	for (unsigned i = 0; i < MODEL_NAMES; i++) {
		unsigned name = (first + i) % MODEL_NAMES;
		if ((m->names[name] != NULL) == taken)
			return name;
	}
	return MODEL_NAMES;
}

/* Where the file ends there is less to do: then the range is made to fit. */
static void model_fit(struct model *m, struct model_op *op)
{
	const struct model_file *file = m->names[op->name];
	uint64_t room = m->limit - op->offset;
	if (op->length > room)
		op->length = room;
	if (op->kind == MODEL_MMAP && op->length > file->size - op->offset)
		op->length = file->size - op->offset;
	if (op->kind != MODEL_COPY)
		return;
	const struct model_file *source = m->names[op->other];
	if (op->length > source->size - op->from)
		op->length = source->size - op->from;
	/* Ranges of one file must not overlap. */
	if (source == file && op->from < op->offset + op->length &&
	    op->offset < op->from + op->length)
		op->length = op->from > op->offset ? op->from - op->offset : op->offset - op->from;
}

static void model_choose_range(struct model *m, struct model_op *op)
{
	const struct model_file *file = m->names[op->name];
	uint64_t beyond = model_below(m, 8) == 0 ? m->limit : file->size;
	if (op->kind == MODEL_MMAP || op->kind == MODEL_PUNCH)
		beyond = file->size;
	op->length = model_choose_length(m);
	op->offset = model_choose_offset(m, beyond < m->limit ? beyond : m->limit - 1);
	if (op->kind == MODEL_APPEND)
		op->offset = file->size;
	op->keep_size = op->kind == MODEL_PUNCH || model_below(m, 2) == 0;
	if (op->kind == MODEL_COPY) {
		op->other = model_choose_name(m, true);
		op->from = model_choose_offset(m, m->names[op->other]->size);
	}
	model_fit(m, op);
	uint64_t style = model_below(m, 8);
	op->style = style < 3 ? 0 : style < 5 ? 1 : style < 7 ? 2 : 3;
}

void model_next(struct model *m, struct model_op *op)
{
	*op = (struct model_op){.kind = model_choose_kind(m), .id = m->done + 1};
	op->name = model_choose_name(m, op->kind != MODEL_CREATE);
	if (op->name == MODEL_NAMES) { /* nothing there yet, or everything */
		op->kind = op->kind == MODEL_CREATE ? MODEL_UNLINK : MODEL_CREATE;
		op->name = model_choose_name(m, op->kind != MODEL_CREATE);
	}
	if (op->kind == MODEL_MMAP && !m->use_mmap)
		op->kind = MODEL_WRITE;
	switch (op->kind) {
	case MODEL_WRITE:
	case MODEL_APPEND:
	case MODEL_PUNCH:
	case MODEL_ZERO:
	case MODEL_ALLOCATE:
	case MODEL_COPY:
	case MODEL_MMAP:
		model_choose_range(m, op);
		break;
	case MODEL_TRUNCATE:
		op->length = model_choose_offset(m, model_below(m, 2) ? m->limit - 1
								      : m->names[op->name]->size);
		break;
	case MODEL_RENAME:
		op->other = (unsigned)model_below(m, MODEL_NAMES);
		break;
	case MODEL_EXCHANGE:
		op->other = model_choose_name(m, true);
		break;
	case MODEL_LINK:
		op->other = model_choose_name(m, false);
		if (op->other == MODEL_NAMES)
			op->kind = MODEL_FSYNC;
		break;
	case MODEL_FSYNC_FOLDER:
		op->name = (unsigned)model_below(m, MODEL_FOLDERS);
		break;
	case MODEL_CREATE:
	case MODEL_UNLINK:
	case MODEL_FSYNC:
	case MODEL_FDATASYNC:
	case MODEL_KINDS:
		break;
	}
	/* A range that came out empty: EINVAL from some calls and nothing from others. */
	if (op->length == 0 && op->kind != MODEL_TRUNCATE && op->kind >= MODEL_WRITE &&
	    op->kind <= MODEL_MMAP)
		op->kind = MODEL_FDATASYNC;
}

/* ---- applying ---- */

/* Words that tell where they come from, noise, data that comes again and again, zeros. */
void model_fill(const struct model_op *op, uint8_t *data, uint64_t size)
{
	uint64_t seed = op->style == 2 ? op->id % 7 : op->id;
	for (uint64_t i = 0; i < size; i += 8) {
		uint64_t state = (seed << 32) + i / 8, word = 0;
		if (op->style == 0)
			word = state;
		else if (op->style < 3)
			word = model_random(&state);
		memcpy(data + i, &word, size - i < 8 ? size - i : 8);
	}
}

static void file_grow(struct model_file *file, uint64_t end)
{
	if (file->size < end)
		file->size = end;
}

static void apply_contents(struct model *m, const struct model_op *op)
{
	struct model_file *file = m->names[op->name];
	file->changed = op->id;
	switch (op->kind) {
	case MODEL_WRITE:
	case MODEL_APPEND:
	case MODEL_MMAP:
		model_fill(op, file->data + op->offset, op->length);
		file_grow(file, op->offset + op->length);
		break;
	case MODEL_TRUNCATE:
		if (op->length < file->size)
			memset(file->data + op->length, 0, file->size - op->length);
		file->size = op->length;
		break;
	case MODEL_PUNCH:
	case MODEL_ZERO:
		if (op->offset < file->size)
			memset(file->data + op->offset, 0, op->length);
		if (!op->keep_size)
			file_grow(file, op->offset + op->length);
		break;
	case MODEL_ALLOCATE:
		if (!op->keep_size)
			file_grow(file, op->offset + op->length);
		break;
	case MODEL_COPY:
		memcpy(file->data + op->offset, m->names[op->other]->data + op->from, op->length);
		file_grow(file, op->offset + op->length);
		break;
	default:
		ASSERT(op->kind <= MODEL_MMAP);
	}
}

static void apply_names(struct model *m, const struct model_op *op)
{
	struct model_file *file = m->names[op->name], *other = m->names[op->other];
	bool moves = op->kind == MODEL_RENAME || op->kind == MODEL_EXCHANGE;
	/* Between names of one file nothing happens, so that a sync has nothing to wait for. */
	if (moves && file == other)
		return;
	if (op->kind != MODEL_LINK) /* the folder of the old name has nothing new then */
		m->folder_changed[op->name % MODEL_FOLDERS] = op->id;
	if (op->kind != MODEL_CREATE && op->kind != MODEL_UNLINK)
		m->folder_changed[op->other % MODEL_FOLDERS] = op->id;
	if (file != NULL)
		file->changed = op->id;
	switch (op->kind) {
	case MODEL_CREATE:
		file = m->names[op->name] = mem_zalloc(sizeof(*file));
		*file = (struct model_file){.data = mem_zalloc(m->limit), .links = 1,
					    .changed = op->id, .fd = -1};
		break;
	case MODEL_RENAME:
		file_unlink(m, op->other);
		m->names[op->other] = file;
		m->names[op->name] = NULL;
		break;
	case MODEL_EXCHANGE:
		other->changed = op->id;
		m->names[op->name] = other;
		m->names[op->other] = file;
		break;
	case MODEL_LINK:
		m->names[op->other] = file;
		file->links++;
		break;
	case MODEL_UNLINK:
		file_unlink(m, op->name);
		break;
	default:
		ASSERT(op->kind >= MODEL_RENAME && op->kind <= MODEL_UNLINK);
	}
}

static void model_cover(struct model *m, uint64_t id)
{
	if (m->synced < id)
		m->synced = id;
}

void model_apply(struct model *m, const struct model_op *op)
{
	switch (op->kind) {
	case MODEL_FSYNC:
	case MODEL_FDATASYNC:
		model_cover(m, m->names[op->name]->changed);
		break;
	case MODEL_FSYNC_FOLDER:
		model_cover(m, m->folder_changed[op->name]);
		break;
	case MODEL_CREATE:
	case MODEL_RENAME:
	case MODEL_EXCHANGE:
	case MODEL_LINK:
	case MODEL_UNLINK:
		apply_names(m, op);
		break;
	default:
		apply_contents(m, op);
		if (op->kind == MODEL_MMAP) /* ends in msync() */
			model_cover(m, op->id);
	}
	m->done = op->id;
}

const char *model_describe(const struct model_op *op, char *text, size_t size)
{
	char path[MODEL_PATH];
	model_path(op->name, path);
	snprintf(text, size,
		 "%llu: %s %s, other %u, offset %llu, length %llu, from %llu, style %u%s",
		 (unsigned long long)op->id, kinds[op->kind].name, path, op->other,
		 (unsigned long long)op->offset, (unsigned long long)op->length,
		 (unsigned long long)op->from, op->style, op->keep_size ? ", keep size" : "");
	return text;
}
