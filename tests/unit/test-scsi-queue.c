/* SPDX-License-Identifier: MIT */
/*
 * The order of commands, aborts and resets, with threads: what may wait does not
 * hold the submitter, an aborted command that waits never runs, one that runs ends
 * first, and every command is answered once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "target/scsi/unit.h"
#include "tests/unit/scsi-fake.h"

static struct scene scene;
static struct answer answer;
static struct fake *fake;

static int start(void **state)
{
	(void)state;
	scene_start(&scene, true);
	fake = &scene.fake[0];
	return 0;
}

static int stop(void **state)
{
	(void)state;
	scene_stop(&scene);
	return 0;
}

#define WRITE_CDB(byte) (const uint8_t[16]){0x0a, 0, 0, 0, (byte)}, 16

/* A WRITE whose byte 4 (a length as well) says which one it is. */
static void start_write(struct fake_command *command, struct scsi_nexus *nexus, uint8_t which)
{
	static const uint8_t data[256];
	command_start(command, nexus, LUN(0), WRITE_CDB(which), data, sizeof(data), 0);
}

static void what_waits_does_not_hold_the_submitter(void **state)
{
	struct fake_command slow, second, third;
	(void)state;
	gate_close(fake);
	start_write(&slow, scene.a, 1);
	gate_wait(fake, 1);
	start_write(&second, scene.b, 2);
	start_write(&third, scene.a, 3);
	/* Beside it: what does not need the unit. */
	RUN(&answer, scene.a, 0x00);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x12, 0, 0, 0, 36);
	assert_good(&answer);
	RUN(&answer, scene.a, 0xc0);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	assert_false(command_has_ended(&slow));
	gate_open(fake);
	command_end(&slow);
	command_end(&second);
	command_end(&third);
	assert_memory_equal(fake->order, "\1\2\3", 3);
}

static void head_of_queue_goes_first(void **state)
{
	static const uint8_t data[16];
	struct fake_command running, waiting, urgent;
	(void)state;
	gate_close(fake);
	start_write(&running, scene.a, 1);
	gate_wait(fake, 1);
	start_write(&waiting, scene.a, 2);
	command_prepare(&urgent, scene.b, LUN(0), WRITE_CDB(3), data, sizeof(data), 0);
	urgent.task.attribute = SCSI_HEAD_OF_QUEUE;
	scsi_submit(&urgent.task);
	gate_open(fake);
	command_end(&running);
	command_end(&waiting);
	command_end(&urgent);
	assert_memory_equal(fake->order, "\1\3\2", 3);
}

static void an_aborted_write_that_waits_never_runs(void **state)
{
	struct fake_command running, waiting;
	(void)state;
	gate_close(fake);
	start_write(&running, scene.a, 1);
	gate_wait(fake, 1);
	start_write(&waiting, scene.a, 2);
	uint64_t tag = waiting.task.tag;
	assert_int_equal(manage_wait(scene.b, SCSI_ABORT_TASK, 0, tag), SCSI_NO_TASK);
	assert_int_equal(manage_wait(scene.a, SCSI_ABORT_TASK, 3, tag), SCSI_NO_TASK);
	assert_int_equal(manage_wait(scene.a, SCSI_ABORT_TASK, 7, tag), SCSI_NO_LUN);
	assert_int_equal(manage_wait(scene.a, SCSI_ABORT_TASK, 0, tag), SCSI_FUNCTION_COMPLETE);
	assert_true(command_has_ended(&waiting)); /* before the answer */
	assert_true(waiting.task.aborted);
	assert_int_not_equal(waiting.task.status, SCSI_TASK_ABORTED);
	gate_open(fake);
	command_end(&waiting);
	command_end(&running);
	RUN(&answer, scene.a, 0x01);
	assert_int_equal(fake->written, 1);
	assert_int_equal(manage_wait(scene.a, SCSI_ABORT_TASK, 0, tag), SCSI_NO_TASK);
	assert_int_equal(manage_wait(scene.a, SCSI_CLEAR_ACA, 0, 0), SCSI_NOT_SUPPORTED);
}

struct abort_thread {
	struct scsi_nexus *nexus;
	enum scsi_management function;
	uint64_t tag;
	bool ended; /* atomic */
	enum scsi_response response;
};

static void *abort_in_thread(void *context)
{
	struct abort_thread *abort = context;
	abort->response = manage_wait(abort->nexus, abort->function, 0, abort->tag);
	__atomic_store_n(&abort->ended, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Until an abort has reached what the worker runs. */
static void wait_for_mark(void)
{
	while (!__atomic_load_n(&fake->lu->unit->copy.aborted, __ATOMIC_ACQUIRE))
		usleep(1000);
}

/* Until something waits for the worker. */
static void wait_for_queue(void)
{
	struct scsi_unit *unit = fake->lu->unit;
	bool is_empty = true;
	while (is_empty) {
		pthread_mutex_lock(&unit->queue_lock);
		is_empty = TAILQ_EMPTY(&unit->queue);
		pthread_mutex_unlock(&unit->queue_lock);
		usleep(1000);
	}
}

static void an_aborted_write_that_runs_ends_first(void **state)
{
	struct fake_command running;
	pthread_t thread;
	(void)state;
	gate_close(fake);
	start_write(&running, scene.a, 1);
	gate_wait(fake, 1);
	struct abort_thread abort = {scene.a, SCSI_ABORT_TASK, running.task.tag, false, 255};
	assert_int_equal(pthread_create(&thread, NULL, abort_in_thread, &abort), 0);
	wait_for_mark();
	assert_false(__atomic_load_n(&abort.ended, __ATOMIC_ACQUIRE));
	assert_false(command_has_ended(&running));
	gate_open(fake);
	pthread_join(thread, NULL);
	assert_int_equal(abort.response, SCSI_FUNCTION_COMPLETE);
	assert_true(command_has_ended(&running));
	assert_true(running.task.aborted);
	command_end(&running);
	assert_int_equal(fake->written, 1);
}

static void abort_task_set_is_the_nexus_own(void **state)
{
	struct fake_command running, own[3], other;
	(void)state;
	gate_close(fake);
	start_write(&running, scene.b, 1);
	gate_wait(fake, 1);
	for (uint8_t i = 0; i < 3; i++)
		start_write(&own[i], scene.a, (uint8_t)(10 + i));
	start_write(&other, scene.b, 2);
	assert_int_equal(manage_wait(scene.a, SCSI_ABORT_TASK_SET, 0, 0), SCSI_FUNCTION_COMPLETE);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(own[i].task.aborted);
		command_end(&own[i]);
	}
	gate_open(fake);
	command_wait(&other);
	assert_false(other.task.aborted || running.task.aborted);
	command_end(&other);
	command_end(&running);
	assert_memory_equal(fake->order, "\1\2", 2);
	RUN(&answer, scene.b, 0x00);
	assert_good(&answer);
}

static void set_tas(void)
{
	static const uint8_t list[16] = {0, 0, 0x10, 0, 0x0a, 0x0a, 0, 0, 0, 0x40};
	SEND(&answer, scene.a, list, sizeof(list), 0x15, 0x10, 0, 0, sizeof(list));
	assert_good(&answer);
	RUN(&answer, scene.b, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_MODE_PARAMETERS_CHANGED);
}

/* Another nexus clears what b has, of which one runs and one waits. */
static void clear_others(struct fake_command commands[2])
{
	pthread_t thread;
	gate_close(fake);
	start_write(&commands[0], scene.b, 1);
	gate_wait(fake, 1);
	start_write(&commands[1], scene.b, 2);
	struct abort_thread abort = {scene.a, SCSI_CLEAR_TASK_SET, 0, false, 255};
	assert_int_equal(pthread_create(&thread, NULL, abort_in_thread, &abort), 0);
	command_wait(&commands[1]);
	gate_open(fake);
	pthread_join(thread, NULL);
	assert_int_equal(abort.response, SCSI_FUNCTION_COMPLETE);
	assert_true(commands[0].task.aborted && commands[1].task.aborted);
}

static void clear_task_set_tells_by_an_attention(void **state)
{
	struct fake_command commands[2];
	(void)state;
	clear_others(commands);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_not_equal(commands[i].task.status, SCSI_TASK_ABORTED);
		command_end(&commands[i]);
	}
	RUN(&answer, scene.b, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_COMMANDS_CLEARED);
	RUN(&answer, scene.b, 0x00);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x00);
	assert_good(&answer);
}

static void with_tas_it_tells_by_a_status(void **state)
{
	struct fake_command commands[2];
	(void)state;
	set_tas();
	clear_others(commands);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(commands[i].task.status, SCSI_TASK_ABORTED);
		command_end(&commands[i]);
	}
	RUN(&answer, scene.b, 0x00);
	assert_good(&answer);
}

static void a_reset_ends_all_and_is_told_to_all(void **state)
{
	struct fake_command running, waiting;
	pthread_t thread;
	(void)state;
	RUN(&answer, scene.a, 0x1e, 0, 0, 0, 1);
	RUN(&answer, scene.b, 0x16);
	assert_good(&answer);
	RUN(&answer, scene.b, 0x17);
	RUN(&answer, scene.b, 0x16);
	gate_close(fake);
	start_write(&running, scene.b, 1);
	gate_wait(fake, 1);
	start_write(&waiting, scene.b, 2);
	struct abort_thread abort = {scene.a, SCSI_LU_RESET, 0, false, 255};
	assert_int_equal(pthread_create(&thread, NULL, abort_in_thread, &abort), 0);
	command_wait(&waiting);
	gate_open(fake);
	pthread_join(thread, NULL);
	assert_int_equal(abort.response, SCSI_FUNCTION_COMPLETE);
	command_end(&running);
	command_end(&waiting);
	assert_int_equal(fake->resets, 1);
	assert_int_equal(fake->reset_kind, SCSI_RESET_LU);
	assert_int_equal(scene.fake[1].resets, 0);
	RUN(&answer, scene.b, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_DEVICE_RESET);
	RUN(&answer, scene.b, 0x00); /* 2Fh/00h would say nothing more */
	assert_good(&answer);
	RUN(&answer, scene.a, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_DEVICE_RESET);
	RUN(&answer, scene.a, 0x01); /* the reservation is gone */
	assert_good(&answer);
	pthread_mutex_lock(&fake->lu->lock);
	assert_false(scsi_removal_prevented_locked(fake->lu));
	pthread_mutex_unlock(&fake->lu->lock);
	assert_int_equal(fake->written, 1);

	assert_int_equal(manage_wait(scene.a, SCSI_TARGET_WARM_RESET, 9, 0), SCSI_FUNCTION_COMPLETE);
	assert_int_equal(fake->resets, 2);
	assert_int_equal(scene.fake[1].resets, 1);
	RUN(&answer, scene.a, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_BUS_RESET);
	scsi_target_reset(scene.target);
	assert_int_equal(scene.fake[1].resets, 2);
}

static void an_early_answer_lets_the_command_go_on(void **state)
{
	pthread_t thread;
	(void)state;
	gate_close(fake);
	fake->fails = true;
	RUN(&answer, scene.a, 0x19, 0x01);
	assert_good(&answer);
	assert_int_equal(fake->erased, 0);
	gate_wait(fake, 1);
	/* A reset waits for it, and tells it. */
	struct abort_thread abort = {scene.a, SCSI_LU_RESET, 0, false, 255};
	assert_int_equal(pthread_create(&thread, NULL, abort_in_thread, &abort), 0);
	wait_for_mark();
	assert_false(__atomic_load_n(&abort.ended, __ATOMIC_ACQUIRE));
	gate_open(fake);
	pthread_join(thread, NULL);
	assert_int_equal(fake->erased, 1);
	assert_true(fake->saw_abort);
	RUN(&answer, scene.a, 0x01);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_DEVICE_RESET);
	RUN(&answer, scene.a, 0x01);
	assert_check(&answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
	assert_true(answer.sense.deferred);
	RUN(&answer, scene.a, 0x01);
	assert_good(&answer);
	/* Without the bit the answer comes at the end. */
	fake->fails = false;
	RUN(&answer, scene.a, 0x19);
	assert_good(&answer);
	assert_int_equal(fake->erased, 2);
}

static void a_session_ends_while_its_early_command_goes_on(void **state)
{
	(void)state;
	gate_close(fake);
	fake->fails = true;
	RUN(&answer, scene.a, 0x19, 0x01);
	assert_good(&answer);
	gate_wait(fake, 1);
	scene_close(&scene.a); /* waits for closed() */
	gate_open(fake);
	RUN(&answer, scene.b, 0x01);
	while (answer.status == SCSI_GOOD)
		RUN(&answer, scene.b, 0x01);
	assert_check(&answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
}

static void note_closed(void *context)
{
	__atomic_store_n((bool *)context, true, __ATOMIC_RELEASE);
}

static void a_closing_session_aborts_what_waits(void **state)
{
	struct fake_command running, waiting;
	(void)state;
	RUN(&answer, scene.a, 0x16);
	assert_good(&answer);
	gate_close(fake);
	start_write(&running, scene.a, 1);
	gate_wait(fake, 1);
	start_write(&waiting, scene.a, 2);
	bool closed = false;
	struct scsi_nexus *nexus = scene.a;
	scene.a = NULL;
	scsi_nexus_close(nexus, note_closed, &closed);
	assert_true(command_has_ended(&waiting));
	assert_true(waiting.task.aborted);
	assert_false(__atomic_load_n(&closed, __ATOMIC_ACQUIRE));
	gate_open(fake);
	command_wait(&running);
	assert_true(running.task.aborted);
	command_end(&running);
	command_end(&waiting);
	for (unsigned i = 0; i < 6000 && !__atomic_load_n(&closed, __ATOMIC_ACQUIRE); i++)
		usleep(10000);
	assert_true(__atomic_load_n(&closed, __ATOMIC_ACQUIRE));
	RUN(&answer, scene.b, 0x01); /* no reservation is left */
	assert_good(&answer);
	assert_int_equal(fake->written, 1);
}

static void a_full_queue_says_so(void **state)
{
	enum { COUNT = 257 };
	static struct fake_command commands[COUNT], running;
	unsigned full = 0;
	(void)state;
	gate_close(fake);
	start_write(&running, scene.a, 1);
	gate_wait(fake, 1);
	for (unsigned i = 0; i < COUNT; i++)
		start_write(&commands[i], scene.a, 2);
	RUN(&answer, scene.b, 0x00);
	assert_good(&answer);
	gate_open(fake);
	for (unsigned i = 0; i < COUNT; i++) {
		command_wait(&commands[i]);
		full += commands[i].task.status == SCSI_TASK_SET_FULL;
		command_end(&commands[i]);
	}
	command_end(&running);
	assert_int_equal(full, 1);
	assert_int_equal(fake->written, COUNT);
}

static int note_turn(struct scsi_lu *lu, void *context)
{
	struct fake *device = lu->device;
	LOCK_SCOPE(&device->lock);
	*(unsigned *)context = device->written;
	return -EPERM;
}

static void *call_in_thread(void *context)
{
	assert_int_equal(scsi_lu_call(fake->lu, note_turn, context), -EPERM);
	return NULL;
}

static void a_call_runs_in_turn(void **state)
{
	struct fake_command first, second;
	unsigned seen = 99;
	pthread_t thread;
	(void)state;
	assert_int_equal(scsi_lu_call(fake->lu, note_turn, &seen), -EPERM);
	assert_int_equal(seen, 0);
	gate_close(fake);
	start_write(&first, scene.a, 1);
	gate_wait(fake, 1);
	assert_int_equal(pthread_create(&thread, NULL, call_in_thread, &seen), 0);
	wait_for_queue();
	start_write(&second, scene.a, 2);
	/* Aborts pass it by. */
	assert_int_equal(manage_wait(scene.b, SCSI_ABORT_TASK_SET, 0, 0), SCSI_FUNCTION_COMPLETE);
	gate_open(fake);
	pthread_join(thread, NULL);
	command_end(&first);
	command_end(&second);
	assert_int_equal(seen, 1);
}

static void a_removed_unit_answers_what_waits(void **state)
{
	struct fake_command running, waiting;
	(void)state;
	gate_close(fake);
	start_write(&running, scene.a, 1);
	gate_wait(fake, 1);
	start_write(&waiting, scene.a, 2);
	scsi_target_remove(scene.target, 0);
	gate_open(fake);
	command_wait(&waiting);
	assert_int_equal(waiting.task.status, SCSI_CHECK_CONDITION);
	assert_int_equal(waiting.task.sense.code, ASC_LUN_NOT_SUPPORTED);
	command_end(&running);
	command_end(&waiting);
	assert_int_equal(fake->written, 1);
}

/* ---- a storm ------------------------------------------------------------------------------------ */

struct storm {
	struct scsi_nexus *nexus;
	unsigned seed;
	unsigned good; /* WRITEs that were answered with GOOD and not aborted */
};

static void *storm_run(void *context)
{
	enum { ROUNDS = 60, DEPTH = 8 };
	struct storm *storm = context;
	struct fake_command commands[DEPTH];
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < DEPTH; i++)
			start_write(&commands[i], storm->nexus, (uint8_t)i);
		if (round % 3 == 0)
			(void)manage_wait(storm->nexus, SCSI_ABORT_TASK, 0,
					  commands[rand_r(&storm->seed) % DEPTH].task.tag);
		if (round % 7 == 0)
			(void)manage_wait(storm->nexus, SCSI_ABORT_TASK_SET, 0, 0);
		if (round % 20 == storm->seed % 20)
			(void)manage_wait(storm->nexus, SCSI_LU_RESET, 0, 0);
		scsi_attention(fake->lu, storm->nexus, ASC_MEDIUM_CHANGED);
		for (unsigned i = 0; i < DEPTH; i++) {
			command_wait(&commands[i]);
			storm->good += commands[i].task.status == SCSI_GOOD &&
				       !commands[i].task.aborted;
			command_end(&commands[i]);
		}
	}
	return NULL;
}

static bool storm_is_over; /* atomic */

static void *storm_toggle(void *context)
{
	(void)context;
	while (!__atomic_load_n(&storm_is_over, __ATOMIC_ACQUIRE)) {
		pthread_mutex_lock(&fake->lock);
		fake->slow = !fake->slow;
		pthread_mutex_unlock(&fake->lock);
		usleep(100);
	}
	return NULL;
}

static void a_storm_is_answered_once_each(void **state)
{
	pthread_t threads[4], toggle;
	struct storm storms[4];
	unsigned good = 0;
	(void)state;
	__atomic_store_n(&storm_is_over, false, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 4; i++) {
		storms[i] = (struct storm){i % 2 ? scene.a : scene.b, 1 + i, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, storm_run, &storms[i]), 0);
	}
	assert_int_equal(pthread_create(&toggle, NULL, storm_toggle, NULL), 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		good += storms[i].good;
	}
	__atomic_store_n(&storm_is_over, true, __ATOMIC_RELEASE);
	pthread_join(toggle, NULL);
	/* Every one that was answered well has run; of the others some have. */
	assert_true(good > 0 && good <= fake->written);
}

#define IN(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(what_waits_does_not_hold_the_submitter),
		IN(head_of_queue_goes_first),
		IN(an_aborted_write_that_waits_never_runs),
		IN(an_aborted_write_that_runs_ends_first),
		IN(abort_task_set_is_the_nexus_own),
		IN(clear_task_set_tells_by_an_attention),
		IN(with_tas_it_tells_by_a_status),
		IN(a_reset_ends_all_and_is_told_to_all),
		IN(an_early_answer_lets_the_command_go_on),
		IN(a_session_ends_while_its_early_command_goes_on),
		IN(a_closing_session_aborts_what_waits),
		IN(a_full_queue_says_so),
		IN(a_call_runs_in_turn),
		IN(a_removed_unit_answers_what_waits),
		IN(a_storm_is_answered_once_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
