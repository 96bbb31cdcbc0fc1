/* SPDX-License-Identifier: MIT */
/* Drives stream beside each other and are looked at meanwhile; aborts and resets in the middle leave
 * each block wholly written or not at all, and the position says which. */
#include "tests/unit/tape_support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"

#define DRIVES 8u
#define BLOCKS 60u
#define BLOCK  65536u

static void stream(struct scene *s, unsigned number)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		expect_good(tape_write(s, BLOCK, number * 1000 + i));
		if (i % 20 == 19)
			expect_good(tape_filemarks(s, 1, i % 40 == 19));
	}
	expect_good(tape_rewind(s));
	for (unsigned i = 0; i < BLOCKS; i++) {
		expect_data(tape_read(s, BLOCK, false), BLOCK, number * 1000 + i);
		if (i % 20 == 19)
			expect_sense(tape_read(s, BLOCK, false), SENSE_NO_SENSE, ASC_FILEMARK, "F",
				     BLOCK);
	}
	/* Over what was read ahead. */
	expect_good(tape_locate(s, 5));
	expect_good(tape_write(s, BLOCK, 77));
	expect_good(tape_locate(s, 4));
	expect_data(tape_read(s, BLOCK, false), BLOCK, number * 1000 + 4);
	expect_data(tape_read(s, BLOCK, false), BLOCK, 77);
	expect_sense(tape_read(s, BLOCK, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", BLOCK);
}

struct streamer {
	pthread_t thread;
	unsigned number;
	struct scene scene;
};

static void *streamer_run(void *argument)
{
	struct streamer *streamer = argument;
	stream(&streamer->scene, streamer->number);
	return NULL;
}

struct watcher {
	struct streamer *streamers;
	bool stop;
};

static void *watcher_run(void *argument)
{
	struct watcher *w = argument;
	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE))
		for (unsigned i = 0; i < DRIVES; i++) {
			struct drive_state state;
			drive_get_state(w->streamers[i].scene.drive, &state);
			if (!state.loaded || state.object > BLOCKS + 3)
				abort();
		}
	return NULL;
}

static void eight_drives_stream_at_once(void **state)
{
	(void)state;
	struct streamer *streamers = calloc(DRIVES, sizeof(*streamers));
	struct watcher watcher = {.streamers = streamers};
	pthread_t thread;
	assert_non_null(streamers);
	for (unsigned i = 0; i < DRIVES; i++) {
		streamers[i].number = i;
		streamers[i].scene.buffer = 1u << 20;
		scene_open(&streamers[i].scene);
		scene_tape(&streamers[i].scene, 256u * MIB);
	}
	assert_int_equal(pthread_create(&thread, NULL, watcher_run, &watcher), 0);
	for (unsigned i = 0; i < DRIVES; i++)
		assert_int_equal(pthread_create(&streamers[i].thread, NULL, streamer_run,
						&streamers[i]), 0);
	for (unsigned i = 0; i < DRIVES; i++)
		pthread_join(streamers[i].thread, NULL);
	__atomic_store_n(&watcher.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < DRIVES; i++)
		scene_close(&streamers[i].scene);
	free(streamers);
}

/* ---- aborts and resets ----------------------------------------------------------------------- */

struct in_flight {
	struct scsi_task task;
	pthread_mutex_t *lock;
	pthread_cond_t *changed;
	bool done, written;
};

static void flight_done(struct scsi_task *task)
{
	struct in_flight *f = (struct in_flight *)((char *)task - offsetof(struct in_flight, task));
	pthread_mutex_lock(f->lock);
	f->done = true;
	f->written = !task->aborted && task->status == SCSI_GOOD;
	pthread_cond_broadcast(f->changed);
	pthread_mutex_unlock(f->lock);
}

struct management {
	struct scsi_management_request request;
	pthread_mutex_t *lock;
	pthread_cond_t *changed;
	bool done;
};

static void management_done(struct scsi_management_request *request, enum scsi_response response)
{
	struct management *m =
		(struct management *)((char *)request - offsetof(struct management, request));
	pthread_mutex_lock(m->lock);
	assert_int_equal(response, SCSI_FUNCTION_COMPLETE);
	m->done = true;
	pthread_cond_broadcast(m->changed);
	pthread_mutex_unlock(m->lock);
}

#define FLIGHTS 24u

static void send_writes(struct scene *s, struct in_flight *flights, pthread_mutex_t *lock,
			pthread_cond_t *changed)
{
	for (unsigned i = 0; i < FLIGHTS; i++) {
		struct in_flight *f = &flights[i];
		*f = (struct in_flight){.lock = lock, .changed = changed};
		f->task.nexus = s->nexus;
		f->task.tag = 5000 + i;
		f->task.cdb[0] = 0x0a;
		be_put24(f->task.cdb + 2, MIB);
		f->task.cdb_size = 6;
		f->task.done = flight_done;
		f->task.out = scsi_buffer_get(s->pool, MIB);
		assert_non_null(f->task.out);
		tape_fill(f->task.out->data, MIB, 1 + i);
		f->task.out->size = MIB;
		scsi_submit(&f->task);
	}
}

static void abort_in_the_middle(struct scene *s, enum scsi_management function)
{
	static struct in_flight flights[FLIGHTS];
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
	expect_good(tape_rewind(s));
	/* What stood here goes with the first block; the others may all be aborted before they run. */
	expect_good(tape_write(s, MIB, 0));
	send_writes(s, flights, &lock, &changed);
	struct management m = {.lock = &lock, .changed = &changed};
	m.request.nexus = s->nexus;
	m.request.function = function;
	m.request.done = management_done;
	scsi_manage(&m.request);
	pthread_mutex_lock(&lock);
	while (!m.done)
		pthread_cond_wait(&changed, &lock);
	unsigned written = 0, last = 0;
	for (unsigned i = 0; i < FLIGHTS; i++) {
		while (!flights[i].done)
			pthread_cond_wait(&changed, &lock);
		written += flights[i].written;
		if (flights[i].written)
			last = i + 1;
	}
	pthread_mutex_unlock(&lock);
	for (unsigned i = 0; i < FLIGHTS; i++)
		scsi_task_clear(&flights[i].task);
	scene_settle(s);
	/* In order: what was answered GOOD is there without gaps; one that was running when the abort
	 * came may be there too. */
	assert_int_equal(written, last);
	uint64_t object = tape_position(s).object;
	assert_true(object == 1 + written || object == 2 + written);
	expect_good(tape_rewind(s));
	for (unsigned i = 0; i < object; i++)
		expect_data(tape_read(s, MIB, false), MIB, i);
	expect_sense(tape_read(s, MIB, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", MIB);
}

static void aborts_while_writing_leave_whole_blocks(void **state)
{
	(void)state;
	struct scene s = {.buffer = 2u << 20};
	scene_open(&s);
	scene_tape(&s, 256ull * MIB);
	for (int i = 0; i < 3; i++) {
		abort_in_the_middle(&s, SCSI_ABORT_TASK_SET);
		abort_in_the_middle(&s, SCSI_LU_RESET);
	}
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_drives_stream_at_once),
		cmocka_unit_test(aborts_while_writing_leave_whole_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
