/* SPDX-License-Identifier: MIT */
/*
 * Scrubbing: everything in the segments is read and checked, pack after pack. The cursor is the
 * next pack; the figures so far stand beside it, so that a restart goes on with both.
 */
#include <errno.h>

#include "fs/store/scrub.h"
#include "fs/tree/damaged.h"
#include "fs/tree/internal.h"
#include "fs/tree/job.h"
#include "lib/base/log.h"

#define SCRUB_STEP 1u /* packs between two looks at whether to stop or to rest */

static void scrub_resume(struct job *job, uint64_t *cursor, struct store_scrub_result *result)
{
	*cursor = (uint64_t)job_get_cursor(job, "pack");
	*result = (struct store_scrub_result){
		.bytes = (uint64_t)job_get_cursor(job, "bytes"),
		.damaged_packs = (uint64_t)job_get_cursor(job, "damaged_packs"),
		.repaired_packs = (uint64_t)job_get_cursor(job, "repaired_packs"),
		.damaged_chunks = (uint64_t)job_get_cursor(job, "damaged_chunks"),
		.healed_chunks = (uint64_t)job_get_cursor(job, "healed_chunks"),
	};
}

static void scrub_note(struct job *job, uint64_t cursor, const struct store_scrub_result *result)
{
	job_set_cursor(job, "pack", (int64_t)cursor);
	job_set_cursor(job, "bytes", (int64_t)result->bytes);
	job_set_cursor(job, "damaged_packs", (int64_t)result->damaged_packs);
	job_set_cursor(job, "repaired_packs", (int64_t)result->repaired_packs);
	job_set_cursor(job, "damaged_chunks", (int64_t)result->damaged_chunks);
	job_set_cursor(job, "healed_chunks", (int64_t)result->healed_chunks);
	job_set_done(job, result->bytes);
	job_set_damage(job, result, 0);
}

static int scrub_run(struct job *job)
{
	struct tree *t = job_tree(job);
	struct store_scrub_result result;
	uint64_t cursor, files = 0;
	int rc = 0, more = 1;
	scrub_resume(job, &cursor, &result);
	job_set_phase(job, "scrubbing", store_scrub_total(t->store));
	while (more > 0) {
		rc = job_breathe(job);
		if (rc)
			return rc;
		more = store_scrub(t->store, &cursor, SCRUB_STEP, &result);
		scrub_note(job, cursor, &result);
	}
	if (more < 0)
		return more;
	while ((rc = damaged_count(t, job, &files)) == -EAGAIN && (rc = job_breathe(job)) == 0)
		;
	if (rc)
		return rc;
	job_set_damage(job, &result, files);
	if (files)
		log_warning("%s: scrubbing: %llu files have damaged data", store_path(t->store),
			    (unsigned long long)files);
	return 0;
}

const struct job_kind scrub_job_kind = {
	.name = "scrub",
	.phase = "scrubbing",
	.run = scrub_run,
};
