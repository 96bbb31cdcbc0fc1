/* SPDX-License-Identifier: MIT */
/*
 * Any text as the row of a background job: what comes of it is a job in a known state, with an
 * error that is one, and the row that is written for it says the same when it is read again.
 */
#include <stdlib.h>
#include <string.h>

#include "fs/tree/job_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void job_start(struct job *job)
{
	*job = (struct job){.cursor = json_object(), .lock = PTHREAD_MUTEX_INITIALIZER};
	ASSERT(job->cursor != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct job job, again;
	job_start(&job);
	job_parse(&job, (const char *)data, size);
	ASSERT(job.state <= JOB_FAILED && json_is_object(job.cursor));
	ASSERT(job.status.error <= 0 && job.status.error >= -4095);
	(void)job_get_cursor(&job, "pack");
	job_set_cursor(&job, "pack", (int64_t)size);
	ASSERT(job_get_cursor(&job, "pack") == (int64_t)size);
	char *text = job_format_locked(&job);
	ASSERT(text != NULL);
	job_start(&again);
	job_parse(&again, text, strlen(text));
	ASSERT(again.state == job.state &&
	       memcmp(&again.status, &job.status, sizeof(job.status)) == 0);
	ASSERT(json_equal(again.cursor, job.cursor));
	free(text);
	json_decref(job.cursor);
	json_decref(again.cursor);
	return 0;
}
