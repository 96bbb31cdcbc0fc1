/* SPDX-License-Identifier: MIT */
/* What ends between two steps of a drive that another of its threads takes: a key while a WRITE waits for
 * the ring, the drive itself while its flusher tells of a failure. */
#include "tests/unit/tape_support.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/log.h"

#define BLOCK 65536u
#define TAPE  (64u * MIB)

/* ---- a standard error that nobody reads: whoever writes to it first waits ------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool blocked, somebody_waits;

static void stand_at(int fd)
{
	pthread_mutex_lock(&lock);
	if (fd == STDERR_FILENO && blocked && !somebody_waits) {
		somebody_waits = true;
		pthread_cond_broadcast(&changed);
		while (blocked)
			pthread_cond_wait(&changed, &lock);
		somebody_waits = false;
	}
	pthread_mutex_unlock(&lock);
}

/* These stand in the place of the library's, for the log, whichever it takes. */
ssize_t write(int fd, const void *data, size_t size)
{
	stand_at(fd);
	return syscall(SYS_write, fd, data, size);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	stand_at(fd);
	return syscall(SYS_writev, fd, pieces, count);
}

static void log_block(void)
{
	pthread_mutex_lock(&lock);
	blocked = true;
	pthread_mutex_unlock(&lock);
}

static void log_await(void)
{
	pthread_mutex_lock(&lock);
	while (!somebody_waits)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void log_unblock(void)
{
	pthread_mutex_lock(&lock);
	blocked = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static int setup(void **state)
{
	static struct scene scene;
	memset(&scene, 0, sizeof(scene));
	scene.encryption = true;
	fault_set(NULL);
	scene_open(&scene);
	scene_tape(&scene, TAPE);
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	fault_set(NULL);
	scene_close(*state);
	return 0;
}

/* ---- tests ----------------------------------------------------------------------------------------- */

static void nexus_closed(void *context)
{
	__atomic_store_n((unsigned *)context, 1, __ATOMIC_RELEASE);
}

static void set_local_key(struct scene *s)
{
	static const uint8_t header[20] = {0, 0x10, 0, 48, 0x20, 0, 2, 3, 1, [19] = 32};
	uint8_t page[52];
	memset(page, 0x5a, sizeof(page));
	memcpy(page, header, sizeof(header));
	expect_good(command(s, page, sizeof(page), 0, 0xb5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 52, 0, 0));
}

static void start_write(struct scene *s, struct pending *pending)
{
	*pending = (struct pending){
		.task = {.nexus = s->nexus, .tag = 4711, .cdb = {0x0a, 0, BLOCK >> 16, 0, 0}, .cdb_size = 6,
			 .out = scsi_buffer_get(s->pool, BLOCK), .done = pending_done},
	};
	assert_non_null(pending->task.out);
	tape_fill(pending->task.out->data, BLOCK, 1);
	pending->task.out->size = BLOCK;
	scsi_submit(&pending->task);
}

/* The session that has it ends while a WRITE under it waits for the blocks of another. */
static void a_key_that_goes_while_a_write_waits_is_no_failure_of_the_medium(void **state)
{
	struct scene *s = *state;
	char gate[128], reached[160], spec[160];
	struct pending pending;
	unsigned closed = 0;
	snprintf(gate, sizeof(gate), "%s/gate", s->folder);
	snprintf(reached, sizeof(reached), "%s.reached", gate);
	snprintf(spec, sizeof(spec), "drive-flush@%s", gate);
	set_local_key(s);
	close(open(gate, O_CREAT | O_WRONLY, 0600));
	fault_set(spec);
	uint8_t *block = test_malloc(BLOCK);
	tape_fill(block, BLOCK, 2);
	expect_good(command_other(s, block, BLOCK, 0, 0x0a, 0, BLOCK >> 16, 0, 0, 0));
	test_free(block);
	while (access(reached, F_OK) < 0)
		usleep(1000);
	start_write(s, &pending);
	usleep(200000); /* on its way it asks whether it has a key, and waits for the ring */
	scsi_nexus_close(s->nexus, nexus_closed, &closed);
	unlink(gate);
	await(&closed);
	assert_true(pending.done);
	if (pending.task.status == SCSI_CHECK_CONDITION) {
		assert_int_equal(pending.task.sense.key, SENSE_DATA_PROTECT);
		assert_int_equal(pending.task.sense.code, ASC_ENCRYPTION_NOT_USEABLE);
	}
	scsi_task_clear(&pending.task);
	s->nexus = scene_nexus(s, 3);
	scene_settle(s);
	expect_good(tape_ready(s));
	expect_good(tape_write(s, BLOCK, 3));
	expect_good(tape_filemarks(s, 1, false));
	expect_at(s, 3, 1); /* the other's block, this one, the filemark */
	expect_good(tape_rewind(s));
	expect_data(tape_read(s, BLOCK, false), BLOCK, 2);
	expect_data(tape_read(s, BLOCK, false), BLOCK, 3);
	assert_int_equal(scene_unload(s), 0);
}

static void *free_drive(void *context)
{
	struct scene *s = context;
	drive_free(&s->drive);
	return NULL;
}

/* The log takes its time, and the drive is destroyed meanwhile: the flusher is about to tell its unit. */
static void a_flusher_that_fails_ends_before_its_unit_does(void **state)
{
	struct scene s = {.buffer = 0};
	pthread_t thread;
	(void)state;
	fault_set(NULL);
	scene_open(&s);
	scene_tape(&s, TAPE);
	fault_set("drive-flush:1");
	log_block();
	expect_good(tape_write(&s, BLOCK, 1));
	log_await();
	unsigned closed = 0, other_closed = 0;
	scsi_nexus_close(s.nexus, nexus_closed, &closed);
	scsi_nexus_close(s.other, nexus_closed, &other_closed);
	await(&closed);
	await(&other_closed);
	scsi_target_remove(s.target, 0);
	assert_int_equal(pthread_create(&thread, NULL, free_drive, &s), 0);
	usleep(300000); /* as far as it gets without the flusher */
	log_unblock();
	pthread_join(thread, NULL);
	fault_set(NULL);
	/* What is left is closed with a drive that has nothing to tell. */
	scsi_target_free(&s.target);
	scsi_buffer_pool_free(&s.pool);
	struct scene next = {.buffer = 0};
	scene_open(&next);
	strcpy(next.path, s.path);
	assert_int_equal(scene_load(&next), 0);
	scene_close(&next);
	char line[128];
	snprintf(line, sizeof(line), "rm -rf '%s'", s.folder);
	free(s.answer.data);
	assert_int_equal(system(line), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_key_that_goes_while_a_write_waits_is_no_failure_of_the_medium, setup, teardown),
		cmocka_unit_test(a_flusher_that_fails_ends_before_its_unit_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
