/* SPDX-License-Identifier: MIT */
/*
 * The bitmap of living chunks; see sweep.h. Bits are set with atomic operations
 * and never cleared. start[] has the first bit of each covered pack; a number
 * that no pack has takes no bits.
 */
#include "fs/store/marks.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/store/catalogue_sql.h"
#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define MARKS_MAGIC 0x4d41524bu
#define MARKS_ROWS  4096
#define MARKS_HOPS  16

struct store_marks {
	uint32_t magic;
	uint64_t first, end;
	bool more;
	uint64_t *start; /* end - first + 1 of them */
	size_t start_capacity;
	uint64_t *word; /* atomic */
	size_t memory;
};

static uint64_t marks_words(uint64_t bits)
{
	return (bits + 63) / 64;
}

/* Appends packs up to `number`, of which only the last one has slots. False: over the limit. */
static int marks_add_pack(struct store_marks *m, uint64_t number, uint32_t slots, bool *room)
{
	/* Numbers before the first pack there is are not covered: a store forgets more than it has. */
	if (m->end == m->first)
		m->first = m->end = number;
	uint64_t count = number + 1 - m->first;
	uint64_t have = m->end - m->first;
	uint64_t bits = m->start[have] + slots;
	*room = have == 0 || (count + marks_words(bits)) * sizeof(uint64_t) <= m->memory;
	if (!*room)
		return 0;
	int error = mem_reserve(&m->start, &m->start_capacity, count + 1, sizeof(*m->start));
	if (error)
		return error;
	for (uint64_t i = have + 1; i < count; i++)
		m->start[i] = m->start[have];
	m->start[count] = bits;
	m->end = number + 1;
	return 0;
}

static int marks_read_rows(struct store *store, struct store_marks *m, uint64_t below, uint64_t *from,
			   bool *more)
{
	struct catalogue *c = store->catalogue;
	int error = 0, code, rows = 0;
	bool room = true;
	catalogue_read_lock(c);
	sqlite3_stmt *s = catalogue_statement(c, SQL_PACK_NEXT);
	sqlite3_bind_int64(s, 1, (int64_t)*from);
	sqlite3_bind_int64(s, 2, MARKS_ROWS);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		uint64_t number = (uint64_t)sqlite3_column_int64(s, 0);
		uint32_t slots = (uint32_t)sqlite3_column_int64(s, 6);
		rows++;
		if (number >= below || slots > PACK_SLOTS_MAX) {
			rows = 0;
			break;
		}
		error = marks_add_pack(m, number, slots, &room);
		if (error || !room)
			break;
		*from = number + 1;
	}
	sqlite3_reset(s);
	if (!error)
		error = catalogue_errno(c, code, "read packs to mark");
	catalogue_read_unlock(c);
	m->more = !room;
	*more = room && rows == MARKS_ROWS;
	return error;
}

static void marks_free(struct store_marks *m)
{
	if (!m)
		return;
	free(m->start);
	free(m->word);
	m->magic = 0;
	free(m);
}

/* The packs that are covered; `below`: the first that may not be committed yet. */
static int marks_build(struct store *store, uint64_t first, uint64_t below, size_t memory,
		       struct store_marks **result)
{
	struct store_marks *m = mem_try_zalloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->magic = MARKS_MAGIC;
	m->first = m->end = first;
	m->memory = memory;
	int error = mem_reserve(&m->start, &m->start_capacity, 1, sizeof(*m->start));
	if (!error)
		m->start[0] = 0;
	bool more = !error;
	for (uint64_t from = first; more && !error;)
		error = marks_read_rows(store, m, below, &from, &more);
	if (!error) {
		m->word = mem_try_zalloc(marks_words(m->start[m->end - m->first]), sizeof(*m->word));
		error = m->word ? 0 : -ENOMEM;
	}
	if (error)
		marks_free(m);
	else
		*result = m;
	return error;
}

int store_marks_begin(struct store *store, uint64_t first, size_t memory, struct store_marks **marks)
{
	struct store_marks *m = NULL;
	ASSERT_OBJECT(store, STORE_MAGIC);
	if (!store_can_write(store))
		return -EROFS;
	int error = marks_build(store, first ? first : 1, store_committed_below(store), memory, &m);
	if (error)
		return error;
	pthread_rwlock_wrlock(&store->sweep_lock);
	if (store->marks)
		error = -EBUSY;
	else
		store->marks = m;
	pthread_rwlock_unlock(&store->sweep_lock);
	if (error)
		marks_free(m);
	else
		*marks = m;
	return error;
}

void store_marks_end(struct store *store, struct store_marks **marks)
{
	struct store_marks *m = TAKE(*marks);
	if (!m)
		return;
	ASSERT_OBJECT(m, MARKS_MAGIC);
	pthread_rwlock_wrlock(&store->sweep_lock);
	ASSERT(store->marks == m && store->sweep_low == store->sweep_high);
	store->marks = NULL;
	pthread_rwlock_unlock(&store->sweep_lock);
	marks_free(m);
}

void store_marks_range(const struct store_marks *m, uint64_t *first, uint64_t *end, bool *more)
{
	*first = m->first;
	*end = m->end;
	*more = m->more;
}

/* The bit, or false for a place that has none. */
static bool marks_bit(const struct store_marks *m, struct chunk_ref ref, uint64_t *bit)
{
	if (ref.pack < m->first || ref.pack >= m->end)
		return false;
	uint64_t i = ref.pack - m->first;
	*bit = m->start[i] + ref.slot;
	return *bit < m->start[i + 1];
}

bool marks_cover(const struct store_marks *m, uint64_t pack)
{
	uint64_t bit;
	return marks_bit(m, (struct chunk_ref){pack, 0}, &bit);
}

bool marks_is_set(const struct store_marks *m, struct chunk_ref ref)
{
	uint64_t bit;
	return marks_bit(m, ref, &bit) &&
	       (__atomic_load_n(&m->word[bit / 64], __ATOMIC_RELAXED) >> (bit % 64) & 1);
}

uint32_t marks_count(const struct store_marks *m, uint64_t pack)
{
	uint32_t n = 0;
	if (!marks_cover(m, pack))
		return 0;
	uint64_t i = pack - m->first;
	for (uint64_t slot = 0; slot < m->start[i + 1] - m->start[i]; slot++)
		n += marks_is_set(m, (struct chunk_ref){pack, (uint32_t)slot});
	return n;
}

static bool marks_set(struct store_marks *m, struct chunk_ref ref)
{
	uint64_t bit;
	if (!marks_bit(m, ref, &bit))
		return false;
	uint64_t mask = UINT64_C(1) << (bit % 64);
	if (__atomic_load_n(&m->word[bit / 64], __ATOMIC_RELAXED) & mask)
		return true;
	return __atomic_fetch_or(&m->word[bit / 64], mask, __ATOMIC_RELAXED) & mask;
}

bool store_mark(struct store *store, struct store_marks *m, struct chunk_ref ref)
{
	struct chunk_ref good;
	ASSERT_OBJECT(m, MARKS_MAGIC);
	bool before = marks_set(m, ref);
	for (int hops = 0; hops < MARKS_HOPS && damage_find(store->damage, ref, &good); hops++) {
		if (chunk_ref_is_none(good))
			break;
		marks_set(m, good);
		ref = good;
	}
	return before;
}

void store_marks_hit(struct store *store, struct chunk_ref ref)
{
	marks_set(store->marks, ref);
}
