/* SPDX-License-Identifier: MIT */
/*
 * Ingest: from buffers to chunks to the file's map, as tasks of the pool.
 *
 * An inode has at most one ingest under way (content.running), which takes its
 * buffers in order. Bytes after the last cut that is sure are carried over to
 * the next buffer. When everything must be in the map (commit, a reader, a
 * truncation) they are stored as short chunks, and kept: an append that follows
 * is cut again from the last sure border, so that the same bytes give the same
 * cuts however and whenever they were written. For the same reason the first
 * append after a pause reads the file's last chunk back.
 *
 * Failure. No space and no memory: the ingest stops, nothing is dropped, and
 * the next drain tries again. A map that cannot be changed because it is
 * damaged: the bytes are lost, and fsync and close say so (loss.c).
 */
#include <errno.h>
#include <string.h>

#include "fs/tree/image.h"
#include "fs/tree/internal.h"
#include "lib/base/clock.h"

#define INGEST_PIECES    256u
#define INGEST_OWN_PLACE (1u << 20) /* bytes in a row from which on a file has a stream of its own */
#define INGEST_SCATTERED 32u        /* overwrites out of sequence that make a layout fixed */

int ingest_put(struct tree *t, struct content *content, const struct fingerprint_input *inputs,
	       size_t count, struct chunk_ref *refs, struct store_put_result *result)
{
	if (content && content->stream)
		return store_put(t->store, content->stream, inputs, count, refs, result);
	struct shared_stream *shared = &t->data[0];
	/* Any of them will do; neighbours in time mostly come to the same. */
	for (unsigned i = 0; i < SHARED_STREAMS; i++) {
		shared = &t->data[i];
		if (pthread_mutex_trylock(&shared->lock) == 0)
			break;
		if (i == SHARED_STREAMS - 1)
			pthread_mutex_lock(&shared->lock);
	}
	int error = store_put(t->store, shared->stream, inputs, count, refs, result);
	pthread_mutex_unlock(&shared->lock);
	return error;
}

struct batch {
	struct piece pieces[INGEST_PIECES];
	struct fingerprint_input inputs[INGEST_PIECES];
	struct chunk_ref refs[INGEST_PIECES];
	struct extent extents[INGEST_PIECES];
};

static size_t batch_split(struct content *content, struct batch *batch, uint64_t offset,
			  const uint8_t *data, size_t size, bool final, size_t *used)
{
	struct tree *t = content->inode->tree;
	/* The flag changes only before or in this ingest. */
	if (content->fixed)
		return chunker_split_fixed(store_superblock(t->store)->chunk_average, offset, data,
					   size, final, batch->pieces, INGEST_PIECES, used);
	return chunker_split(t->chunker, data, size, final, batch->pieces, INGEST_PIECES, used);
}

/* Stores the data pieces and puts all into the map. */
static int batch_store(struct content *content, struct batch *batch, size_t count, uint64_t offset,
		       const uint8_t *data)
{
	struct inode *inode = content->inode;
	struct store_put_result result = {0};
	struct filemap *map;
	size_t inputs = 0, at = 0;
	for (size_t i = 0; i < count; i++) {
		const struct piece *p = &batch->pieces[i];
		if (p->kind == PIECE_DATA)
			batch->inputs[inputs++] = (struct fingerprint_input){data + at, p->length};
		at += p->length;
	}
	int error = 0;
	if (inputs)
		error = ingest_put(inode->tree, content, batch->inputs, inputs, batch->refs, &result);
	if (error)
		return error;
	inputs = 0;
	for (size_t i = 0; i < count; i++) {
		const struct piece *p = &batch->pieces[i];
		batch->extents[i] = (struct extent){.length = p->length, .kind = EXTENT_HOLE};
		if (p->kind == PIECE_DATA) {
			batch->extents[i].kind = EXTENT_DATA;
			batch->extents[i].chunk = batch->refs[inputs++];
		}
	}
	LOCK_SCOPE(&inode->lock);
	container_stored(inode->tree, inode->row.container, result.new_bytes);
	error = content_map_locked(inode, &map);
	if (!error)
		error = filemap_write(map, offset, batch->extents, count);
	if (!error)
		content_account_locked(inode);
	return error ? error : content_trim_locked(inode);
}

/* *done: bytes that are in the map; with `final` all of them. */
static int ingest_bytes(struct content *content, uint64_t offset, const uint8_t *data, size_t size,
			bool final, size_t *done)
{
	struct batch batch;
	*done = 0;
	while (*done < size) {
		size_t used = 0;
		size_t count = batch_split(content, &batch, offset + *done, data + *done,
					   size - *done, final, &used);
		if (count == 0)
			break;
		int error = batch_store(content, &batch, count, offset + *done, data + *done);
		if (error)
			return error;
		*done += used;
	}
	ASSERT(!final || *done == size);
	return 0;
}

/* Stores the carried bytes as they are. */
static int ingest_carry(struct content *content)
{
	struct slab *carry = content->carry;
	size_t done;
	if (!carry || carry->stored)
		return 0;
	int error = ingest_bytes(content, carry->offset, carry->data, carry->size, true, &done);
	LOCK_SCOPE(&content->inode->lock);
	if (!error) {
		carry->stored = true;
		content_count_down_locked(content->inode, carry->growth);
		carry->growth = 0;
	}
	return error;
}

/* The new carried bytes, or NULL. What the old ones and the slab that has been ingested counted as
 * growth is in the map now, but for what is carried on. */
static void ingest_set_carry(struct content *content, struct slab *carry, struct slab *ingested)
{
	struct inode *inode = content->inode;
	LOCK_SCOPE(&inode->lock);
	uint64_t growth = content->carry ? content->carry->growth : 0;
	if (ingested) {
		growth += ingested->growth;
		ingested->growth = 0;
	}
	if (carry && !carry->stored)
		carry->growth = growth < carry->size ? growth : carry->size;
	content_count_down_locked(inode, growth - (carry ? carry->growth : 0));
	content_carry_locked(content, carry);
}

/* The last extent of the map, when it is data that ends at `end`. */
static int ingest_find_tail(struct content *content, uint64_t end, struct extent *tail)
{
	struct inode *inode = content->inode;
	struct extent extents[16];
	struct filemap *map;
	LOCK_SCOPE(&inode->lock);
	int error = content_map_locked(inode, &map);
	if (error)
		return error;
	uint64_t largest = chunker_largest(inode->tree->chunker);
	if (end == 0 || filemap_length(map) != end)
		return -ENOENT;
	for (uint64_t at = end > largest ? end - largest : 0; at < end;) {
		int n = filemap_read(map, at, end - at, extents, 16);
		if (n <= 0)
			return n ? n : -ENOENT;
		for (int i = 0; i < n; i++)
			at += extents[i].length;
		*tail = extents[n - 1]; /* end > 0: reached at least once */
	}
	/* No extent is longer than what was looked at, so one that skips is what an overwrite has left
	 * of a chunk: no border, and the bytes before it are no longer the chunk's. */
	return tail->kind == EXTENT_DATA && tail->skip == 0 ? 0 : -ENOENT;
}

/* An append after a pause goes on from the last border. No tail to be had is no error: the cuts
 * then start here. */
static void ingest_read_back(struct content *content, uint64_t end)
{
	struct tree *t = content->inode->tree;
	struct extent tail = {0};
	struct store_view view;
	uint32_t block = store_superblock(t->store)->chunk_average;
	if (content->fixed && end % block == 0)
		return;
	if (ingest_find_tail(content, end, &tail) || store_get(t->store, tail.chunk, &view))
		return;
	struct slab *carry = NULL;
	if (tail.length <= view.size)
		carry = slab_new((size_t)tail.length, 0);
	if (carry) {
		memcpy(carry->data, view.data, (size_t)tail.length);
		carry->size = (size_t)tail.length;
		carry->offset = end - tail.length;
		carry->stored = true;
		ingest_set_carry(content, carry, NULL);
	}
	store_view_release(&view);
}

/* Chooses the layout; `continues`: the buffer follows what was written last. */
static void ingest_choose_layout(struct content *content, const struct slab *b, bool continues)
{
	struct inode *inode = content->inode;
	struct filemap *map;
	LOCK_SCOPE(&inode->lock);
	uint32_t *flags = &inode->row.flags;
	if (!(*flags & (INODE_LAYOUT_SET | INODE_FIXED)) && content_map_locked(inode, &map) == 0) {
		uint64_t length = filemap_length(map);
		if (!continues && b->offset + b->size <= length)
			content->scattered++;
		if (content->scattered >= INGEST_SCATTERED ||
		    (b->offset == 0 && length == 0 && image_is_likely(b->data, b->size)))
			*flags |= INODE_FIXED;
	}
	content->fixed = (*flags & INODE_FIXED) != 0;
}

/* Decides how this buffer connects with what came before. */
static int ingest_connect(struct content *content, const struct slab *b)
{
	struct slab *carry = content->carry;
	bool continues = carry && carry->offset + carry->size == b->offset;
	ingest_choose_layout(content, b, continues);
	if (continues) {
		content->sequential += b->size;
		return 0;
	}
	int error = ingest_carry(content);
	if (error)
		return error;
	ingest_set_carry(content, NULL, NULL);
	content->sequential = b->size;
	if (b->offset)
		ingest_read_back(content, b->offset);
	return 0;
}

/* Carried bytes and buffer in one piece: in the buffer's own head, or in memory of its own. */
static int ingest_join(struct content *content, struct slab *b, struct slab **joined,
		       uint8_t **data, size_t *size)
{
	struct slab *carry = content->carry;
	size_t before = carry ? carry->size : 0;
	*joined = NULL;
	*size = before + b->size;
	if (before <= b->head) {
		*data = b->data - before;
	} else {
		*joined = slab_new(*size, 0);
		if (!*joined)
			return -ENOMEM;
		*data = (*joined)->data;
		memcpy(*data + before, b->data, b->size);
	}
	if (before)
		memcpy(*data, carry->data, before);
	return 0;
}

static int ingest_buffer(struct content *content, struct slab *b, bool last)
{
	struct slab *joined = NULL, *rest = NULL;
	uint8_t *data;
	size_t size, done;
	int error = ingest_connect(content, b);
	if (!error)
		error = ingest_join(content, b, &joined, &data, &size);
	if (error)
		return error;
	if (content->sequential >= INGEST_OWN_PLACE) {
		LOCK_SCOPE(&content->inode->lock);
		content_take_stream(content);
	}
	uint64_t offset = b->offset + b->size - size;
	error = ingest_bytes(content, offset, data, size, last, &done);
	if (!error && done < size) {
		rest = slab_new(size - done, 0);
		if (rest) {
			memcpy(rest->data, data + done, size - done);
			rest->size = size - done;
			rest->offset = offset + done;
		} else { /* no memory to carry them: cut here */
			error = ingest_bytes(content, offset + done, data + done, size - done, true,
					     &done);
		}
	}
	if (!error)
		ingest_set_carry(content, rest, b);
	slab_free(&joined);
	return error;
}

/* Lock held: ends the ingest for now. */
static void ingest_stop_locked(struct content *content, int error)
{
	struct inode *inode = content->inode;
	struct tree *t = inode->tree;
	bool again = error == -ENOSPC || error == -ENOMEM;
	if (error && !again && store_failed(t->store) == 0)
		content_lose_locked(inode, error);
	else
		content->error = error;
	if (error == 0 || again)
		atomic_store(&t->stalled, error);
	content->running = content->finish = false;
	if (inode->opens == 0 && !content->dirty_count && !content->queue)
		content_free_stream(content);
	if (inode->opens == 0 && !content_is_pending(content))
		content_carry_locked(content, NULL);
	pthread_cond_broadcast(&content->idle);
}

static void ingest_run(struct content *content)
{
	struct inode *inode = content->inode;
	int error = 0;
	pthread_mutex_lock(&inode->lock);
	while (!error) {
		struct slab *b = content->queue;
		bool carried = content->finish && content->carry && !content->carry->stored;
		if (!b && !carried)
			break;
		/* A closed file's end is its end: nothing is kept to go on from. */
		bool last = b && !b->next && content->finish && inode->opens == 0 &&
			    content->dirty_count == 0;
		pthread_mutex_unlock(&inode->lock);
		error = b ? ingest_buffer(content, b, last) : ingest_carry(content);
		pthread_mutex_lock(&inode->lock);
		if (!error && b) {
			content->queue = b->next;
			slab_retire_locked(inode, &b);
		}
	}
	ingest_stop_locked(content, error);
	pthread_mutex_unlock(&inode->lock);
}

static void ingest_task(void *argument)
{
	struct content *content = argument;
	struct inode *inode = content->inode; /* pinned by whoever submitted the task */
	struct tree *t = inode->tree;
	ingest_run(content);
	inode_put(&inode);
	LOCK_SCOPE(&t->commit);
	if (--t->ingests == 0)
		pthread_cond_broadcast(&t->room);
}

void ingest_wait_all(struct tree *t)
{
	LOCK_SCOPE(&t->commit);
	while (t->ingests)
		pthread_cond_wait(&t->room, &t->commit);
}

void ingest_start_locked(struct inode *inode)
{
	struct content *content = inode->content;
	bool carried = content->finish && content->carry && !content->carry->stored;
	if (content->running || content->error || (!content->queue && !carried))
		return;
	content->running = true;
	inode_hold(inode);
	pthread_mutex_lock(&inode->tree->commit);
	inode->tree->ingests++;
	pthread_mutex_unlock(&inode->tree->commit);
	content->task = (struct pool_task){.run = ingest_task, .argument = content};
	pool_submit(inode->tree->pool, POOL_INGEST, &content->task);
}

static void ingest_wait_locked(struct inode *inode)
{
	struct content *content = inode->content;
	content->waiters++;
	pthread_mutex_unlock(&inode->lock);
	bool helped = pool_help(inode->tree->pool, POOL_INGEST);
	pthread_mutex_lock(&inode->lock);
	if (!helped && content->running)
		pthread_cond_wait(&content->idle, &inode->lock);
	content->waiters--;
}

int ingest_drain_locked(struct inode *inode)
{
	struct content *content = inode->content;
	if (!content)
		return 0;
	content->error = 0;
	while (content_is_pending(content)) {
		slab_hand_over_locked(inode, true);
		content->finish = true;
		if (content->running) {
			ingest_wait_locked(inode);
		} else {
			content->running = true;
			content->waiters++;
			pthread_mutex_unlock(&inode->lock);
			ingest_run(content);
			pthread_mutex_lock(&inode->lock);
			content->waiters--;
		}
		if (content->error)
			return content->error;
	}
	return 0;
}

int ingest_wait_room(struct tree *t)
{
	for (;;) {
		uint64_t limit = atomic_load(&t->draining) ? t->budget / 8 : t->budget;
		if (slabs_memory(t) <= limit)
			return 0;
		if (store_failed(t->store))
			return -EROFS;
		if (atomic_load(&t->stalled))
			return atomic_load(&t->stalled);
		if (pool_help(t->pool, POOL_WRITE) || pool_help(t->pool, POOL_INGEST))
			continue;
		commit_wish_drain(t);
		struct timespec deadline = clock_deadline_ms(5);
		LOCK_SCOPE(&t->commit);
		if (slabs_memory(t) > limit)
			pthread_cond_timedwait(&t->room, &t->commit, &deadline);
	}
}
