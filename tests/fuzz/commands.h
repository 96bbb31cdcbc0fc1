/* SPDX-License-Identifier: MIT */
/*
 * Commands of fuzzers against logical units: each is answered once, with no more data than there is
 * room for, and with sense data that can be sent. All in a header, because libFuzzer's build takes one
 * file a target.
 */
#ifndef TESTS_FUZZ_COMMANDS_H
#define TESTS_FUZZ_COMMANDS_H

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "target/scsi/scsi.h"

struct fuzz_command {
	struct scsi_task task;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned done; /* lock */
};

static inline void fuzz_command_ended(void *context)
{
	struct fuzz_command *command = context;
	LOCK_SCOPE(&command->lock);
	command->done++;
	pthread_cond_signal(&command->ended);
}

static inline void fuzz_command_done(struct scsi_task *task)
{
	fuzz_command_ended((char *)task - offsetof(struct fuzz_command, task));
}

static inline void fuzz_command_wait(struct fuzz_command *command)
{
	LOCK_SCOPE(&command->lock);
	while (!command->done)
		pthread_cond_wait(&command->ended, &command->lock);
	ASSERT(command->done == 1);
}

/* The rest of the task is the caller's to fill in. */
static inline void fuzz_command_init(struct fuzz_command *command, struct scsi_nexus *nexus,
				     const uint8_t *cdb, size_t cdb_size)
{
	*command = (struct fuzz_command){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
		.task = {.nexus = nexus, .cdb_size = cdb_size, .done = fuzz_command_done},
	};
	memcpy(command->task.cdb, cdb, cdb_size);
}

/* Data-out of `size` bytes: the `have` bytes that there are, repeated. 0: none. */
static inline void fuzz_command_give(struct fuzz_command *command, struct scsi_buffer_pool *pool,
				     const uint8_t *data, size_t have, size_t size)
{
	if (!size)
		return;
	struct scsi_buffer *out = scsi_buffer_get(pool, size);
	ASSERT(out);
	for (size_t i = 0; i < size; i++)
		out->data[i] = have ? data[i % have] : (uint8_t)i;
	out->size = size;
	command->task.out = out;
}

static inline void fuzz_command_check(const struct scsi_task *task)
{
	uint8_t sense[SENSE_SIZE_MAX];
	size_t size = 0;
	for (unsigned i = 0; i < task->in_count; i++) {
		const struct scsi_slice *slice = &task->in[i];
		ASSERT(slice->offset + slice->size <= slice->buffer->size);
		size += slice->size;
	}
	ASSERT(size == task->in_size && size <= task->in_room && size <= task->in_wanted);
	ASSERT(sense_encode(&task->sense, task->sense_descriptor, sense, sizeof(sense)) >= 8);
}

/* To its end; the task has the answer until fuzz_command_end(). */
static inline void fuzz_command_run(struct fuzz_command *command)
{
	scsi_submit(&command->task);
	fuzz_command_wait(command);
	fuzz_command_check(&command->task);
}

static inline void fuzz_command_end(struct fuzz_command *command)
{
	scsi_task_clear(&command->task);
	pthread_cond_destroy(&command->ended);
	pthread_mutex_destroy(&command->lock);
}

static inline struct scsi_nexus *fuzz_nexus_open(struct scsi_target *target, const char *initiator)
{
	struct scsi_nexus *nexus;
	struct scsi_port port = {.initiator = initiator, .portal_group = 1};
	ASSERT(scsi_nexus_open(target, &port, &nexus) == 0);
	return nexus;
}

/* A worker may still have to let go of the nexus when its command has been answered. */
static inline void fuzz_nexus_close(struct scsi_nexus *nexus)
{
	struct fuzz_command wait = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
	scsi_nexus_close(nexus, fuzz_command_ended, &wait);
	fuzz_command_wait(&wait);
	fuzz_command_end(&wait);
}

#endif
