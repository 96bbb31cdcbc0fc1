/* SPDX-License-Identifier: MIT */
#include "tests/unit/cartridge_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define BIG_BLOCK 300000u
#define MEMORY_ID 0x1401

struct model *model_new(uint64_t seed)
{
	struct model *m = mem_zalloc(sizeof(*m));
	m->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 99;
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void model_free(struct model **m)
{
	if (*m)
		pthread_mutex_destroy(&(*m)->lock);
	free(*m);
	*m = NULL;
}

uint64_t model_random(struct model *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (m->random >> 11) % below;
}

static void model_bytes(uint8_t *data, uint32_t size, uint32_t seed)
{
	uint64_t x = seed * UINT64_C(0xbf58476d1ce4e5b9) + 5;
	for (uint32_t n = 0; n < size; n += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(data + n, &x, size - n < 8 ? size - n : 8);
	}
}

static struct model_state model_last(struct model *m, unsigned partition)
{
	LOCK_SCOPE(&m->lock);
	const struct model_partition *p = &m->partitions[partition];
	return p->states[p->last];
}

static void model_push(struct model *m, unsigned partition, const struct model_state *state)
{
	LOCK_SCOPE(&m->lock);
	struct model_partition *p = &m->partitions[partition];
	ASSERT(p->last + 1 < MODEL_STATES);
	p->states[++p->last] = *state;
}

static int step_append(struct model *m, struct cartridge *c, unsigned partition)
{
	struct model_state state = model_last(m, partition);
	uint32_t size = 1 + (uint32_t)model_random(m, 5000), count = 1 + (uint32_t)model_random(m, 6);
	if (model_random(m, 8) == 0)
		size = BIG_BLOCK;
	if (state.count > 0 && model_random(m, 2) && state.size[state.count - 1])
		size = state.size[state.count - 1];
	if (state.count + count > MODEL_OBJECTS)
		count = MODEL_OBJECTS - state.count;
	if (count == 0)
		return 0;
	uint8_t *data = mem_alloc((size_t)size * count);
	for (uint32_t n = 0; n < count; n++) {
		model_bytes(data + (size_t)n * size, size, ++m->seed);
		state.size[state.count] = size;
		state.seed[state.count++] = m->seed;
	}
	struct cartridge_blocks blocks = {.data = data, .block_size = size, .count = count};
	model_push(m, partition, &state);
	int error = cartridge_append(c, partition, &blocks);
	free(data);
	return error;
}

static int step_filemarks(struct model *m, struct cartridge *c, unsigned partition)
{
	struct model_state state = model_last(m, partition);
	uint32_t count = 1 + (uint32_t)model_random(m, 3);
	if (state.count + count > MODEL_OBJECTS)
		return 0;
	for (uint32_t n = 0; n < count; n++)
		state.size[state.count++] = 0;
	model_push(m, partition, &state);
	return cartridge_append_filemarks(c, partition, count);
}

static int step_truncate(struct model *m, struct cartridge *c, unsigned partition)
{
	struct model_state state = model_last(m, partition);
	uint64_t back = model_random(m, 3) ? model_random(m, 4) : model_random(m, state.count + 1);
	if (back > state.count)
		back = state.count;
	state.count -= (unsigned)back;
	model_push(m, partition, &state);
	return cartridge_truncate(c, partition, state.count);
}

static int step_format(struct model *m, struct cartridge *c)
{
	static const struct model_state empty;
	struct cartridge_info info = *cartridge_info(c);
	for (unsigned n = 0; n < info.partitions; n++)
		model_push(m, n, &empty);
	return cartridge_format(c, info.partitions, info.partition_size);
}

static int step_sync(struct model *m, struct cartridge *c)
{
	uint32_t value = m->seed;
	struct cartridge_attribute attribute = {
		.id = MEMORY_ID, .length = sizeof(value), .value = (const uint8_t *)&value};
	int error = cartridge_set_attribute(c, 0, &attribute);
	if (!error)
		error = cartridge_sync(c);
	if (error)
		return error;
	LOCK_SCOPE(&m->lock);
	m->memory = value;
	return 0;
}

static bool model_is_full(struct model *m)
{
	LOCK_SCOPE(&m->lock);
	return m->partitions[0].last + 2 >= MODEL_STATES || m->partitions[1].last + 2 >= MODEL_STATES;
}

static void model_forget(struct model *m)
{
	for (unsigned n = 0; n < CARTRIDGE_PARTITIONS && !m->held; n++) {
		struct model_partition *p = &m->partitions[n];
		memmove(p->states, p->states + p->synced,
			(p->last - p->synced + 1) * sizeof(p->states[0]));
		p->last -= p->synced;
		p->synced = 0;
	}
}

/* Everything is durable: the states before the last count no longer. */
static void model_synced(struct model *m)
{
	LOCK_SCOPE(&m->lock);
	for (unsigned n = 0; n < CARTRIDGE_PARTITIONS; n++)
		m->partitions[n].synced = m->partitions[n].last;
	model_forget(m);
}

int model_step(struct model *m, struct cartridge *c)
{
	unsigned partition = (unsigned)model_random(m, cartridge_info(c)->partitions);
	unsigned dice = (unsigned)model_random(m, 60);
	int error;
	if (model_is_full(m))
		dice = 59;
	if (dice < 30)
		return step_append(m, c, partition);
	if (dice < 39)
		return step_filemarks(m, c, partition);
	if (dice < 48)
		return step_truncate(m, c, partition);
	if (dice < 50)
		error = cartridge_compact(c);
	else if (dice < 51)
		error = step_format(m, c);
	else
		error = step_sync(m, c);
	if (!error)
		model_synced(m);
	return error;
}

void model_continue(struct model *m, unsigned partition, int state)
{
	LOCK_SCOPE(&m->lock);
	struct model_partition *p = &m->partitions[partition];
	p->synced = p->last = (unsigned)state;
	model_forget(m);
}

void model_hold(struct model *m, unsigned synced[CARTRIDGE_PARTITIONS])
{
	LOCK_SCOPE(&m->lock);
	m->held = true;
	m->held_memory = m->memory;
	for (unsigned n = 0; n < CARTRIDGE_PARTITIONS; n++)
		synced[n] = m->partitions[n].synced;
}

struct model *model_release(struct model *m, const unsigned synced[CARTRIDGE_PARTITIONS])
{
	struct model *copy = model_new(1);
	LOCK_SCOPE(&m->lock);
	memcpy(copy->partitions, m->partitions, sizeof(copy->partitions));
	for (unsigned n = 0; n < CARTRIDGE_PARTITIONS; n++)
		copy->partitions[n].synced = synced[n];
	copy->memory = m->held_memory;
	copy->seed = m->seed;
	m->held = false;
	model_forget(m);
	return copy;
}

static bool object_matches(struct cartridge *c, unsigned partition, const struct model_state *state,
			   unsigned object)
{
	static uint8_t wanted[BIG_BLOCK], found[BIG_BLOCK];
	struct cartridge_place place;
	uint32_t size = state->size[object];
	if (cartridge_find(c, partition, object, &place) != 0 || place.count == 0)
		return false;
	if (place.kind != (size ? CARTRIDGE_BLOCKS : CARTRIDGE_FILEMARKS) || place.block_size != size)
		return false;
	if (size == 0)
		return true;
	if (cartridge_pread(c, partition, found, size, place.offset, true) != 0)
		return false;
	model_bytes(wanted, size, state->seed[object]);
	return memcmp(wanted, found, size) == 0;
}

static bool state_matches(struct cartridge *c, unsigned partition, const struct model_state *state)
{
	struct cartridge_extent extent = cartridge_extent(c, partition);
	if (extent.objects != state->count)
		return false;
	for (unsigned n = 0; n < state->count; n++)
		if (!object_matches(c, partition, state, n))
			return false;
	return true;
}

int model_match(struct model *m, struct cartridge *c, unsigned partition)
{
	struct model_partition *p = &m->partitions[partition];
	for (unsigned n = p->last + 1; n-- > p->synced;)
		if (state_matches(c, partition, &p->states[n]))
			return (int)n;
	return -1;
}

bool model_match_memory(struct model *m, struct cartridge *c)
{
	struct cartridge_attribute attribute;
	uint32_t value = 0;
	int error = cartridge_attribute(c, 0, MEMORY_ID, &attribute);
	if (!error && attribute.length != sizeof(value))
		return false;
	if (!error)
		memcpy(&value, attribute.value, sizeof(value));
	return (!error || error == -ENOENT) && value >= m->memory && value <= m->seed;
}
