/* SPDX-License-Identifier: MIT */
/* Which files have damaged data: a search for quarantined chunks that have not healed. */
#include "fs/tree/damaged.h"

#include "fs/store/scrub.h"
#include "fs/tree/internal.h"
#include "fs/tree/ref_set.h"
#include "fs/tree/search.h"

struct damaged_load {
	struct search *search;
	int error;
};

static void damaged_note(void *context, struct chunk_ref ref)
{
	struct damaged_load *load = context;
	bool whole = ref.slot >= PACK_SLOTS_MAX;
	if (whole)
		ref.slot = 0;
	int rc = ref_set_add(whole ? load->search->packs : load->search->chunks, ref);
	if (rc < 0)
		load->error = rc;
}

static int damaged_search(struct search *s)
{
	struct damaged_load load = {.search = s};
	int rc = store_damage_each(s->tree->store, damaged_note, &load);
	s->broken = true;
	if (!rc)
		rc = load.error;
	return rc ? rc : search_run(s);
}

int damaged_count(struct tree *t, struct job *job, uint64_t *files)
{
	struct search s;
	int rc = search_begin(&s, t);
	s.job = job;
	if (!rc)
		rc = damaged_search(&s);
	if (!rc)
		*files = s.count;
	search_end(&s);
	return rc;
}

int tree_damaged_paths(struct tree *t, void (*emit)(void *, const char *path, uint64_t bytes),
		       void *context)
{
	struct search s;
	int rc = search_begin(&s, t);
	if (!rc)
		rc = damaged_search(&s);
	if (!rc)
		rc = search_paths(&s, emit, context);
	search_end(&s);
	return rc;
}
