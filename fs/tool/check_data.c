/* SPDX-License-Identifier: MIT */
/*
 * --verify-data: reads every pack and checks every chunk against its
 * fingerprint, and the pack's end against its beginning. What fails is quarantined (with -y): it is no longer a target of
 * dedup and heals when the same data is written again.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fs/chunk/fingerprint.h"
#include "fs/tool/fsck.h"
#include "fs/tool/tool.h"
#include "lib/base/clock.h"

struct data_check {
	struct fsck *f;
	struct pack_row *row;
	sqlite3_stmt *quarantine;
	uint64_t bad; /* of this pack, new ones */
};

static int quarantine(struct data_check *c, int64_t slot)
{
	int error;

	c->bad++;
	c->f->suspect = true;
	if (!c->quarantine)
		return 0;
	sqlite3_reset(c->quarantine);
	sqlite3_bind_int64(c->quarantine, 1, (sqlite3_int64)c->row->pack);
	sqlite3_bind_int64(c->quarantine, 2, slot);
	sqlite3_bind_int64(c->quarantine, 3, clock_real_ns());
	error = db_step(c->f, c->quarantine);
	return error < 0 ? error : 0;
}

static int slot_is_bad(struct data_check *c, uint32_t slot)
{
	int was = pack_row_set(c->row, &c->row->bad, slot);

	if (was < 0)
		return was;
	return was ? 0 : quarantine(c, slot);
}

static bool slot_matches(const struct pack_directory *d, uint32_t slot, const uint8_t *region)
{
	const struct fingerprint_input input = {region + d->slot[slot].offset, d->slot[slot].size};
	struct fingerprint got;

	if (!pack_fingerprint_is_known(&d->fingerprint[slot]))
		return true; /* was lost; the region's checksum is right */
	return fingerprint_many(&input, 1, &got) == 0 &&
	       memcmp(&got, &d->fingerprint[slot], sizeof(got)) == 0;
}

static int pack_verify_slots(struct data_check *c, struct reader_pack *pack)
{
	const struct pack_directory *d = &pack->directory;
	int error = 0;

	for (uint32_t slot = 0; slot < d->slots && !error; slot++) {
		const uint8_t *region = NULL;

		if (d->slot[slot].region == PACK_NO_REGION) {
			error = pack->salvaged ? slot_is_bad(c, slot) : 0;
			continue;
		}
		error = reader_region(c->f->reader, pack, d->slot[slot].region, &region);
		if (error == -ENOMEM)
			break;
		if (error || !slot_matches(d, slot, region))
			error = slot_is_bad(c, slot);
	}
	return error;
}

/* Nothing else reads the end of a pack whose beginning is good; check_repair() says it. */
static int pack_verify_end(struct data_check *c, const struct reader_pack *pack)
{
	CLEANUP_PACK_END struct pack_end end = {0};
	int error = reader_end(c->f->reader, c->row, pack, &end);

	c->row->end_bad = error != 0;
	return error == -ENOMEM ? error : 0;
}

static int pack_verify(struct data_check *c)
{
	struct reader_pack *pack = NULL;
	int error = reader_fetch(c->f->reader, c->row->pack, &pack);

	c->bad = 0;
	if (error == -ENOMEM)
		return error;
	if (error && !c->row->lost) {
		finding(c->f, "pack %" PRIu64 ": its directory is damaged", c->row->pack);
		c->row->lost = true;
		return quarantine(c, -1);
	}
	if (error)
		return 0; /* said already */
	error = pack_verify_slots(c, pack);
	if (!error && !pack->salvaged)
		error = pack_verify_end(c, pack);
	reader_release(c->f->reader, pack);
	if (c->bad)
		finding(c->f, "pack %" PRIu64 ": %" PRIu64 " chunks are damaged%s", c->row->pack,
			c->bad, c->quarantine ? " and quarantined now" : "");
	return error;
}

static int packs_verify(struct fsck *f, struct data_check *c)
{
	uint64_t total = 0, done = 0;
	char size[32];
	int error = 0;

	for (size_t i = 0; i < f->packs.count; i++)
		total += f->packs.rows[i].length;
	progress(f, "reading %s in %zu packs", tool_format_size(total, size), f->packs.count);
	for (size_t i = 0; i < f->packs.count && !error; i++) {
		c->row = &f->packs.rows[i];
		error = pack_verify(c);
		done += c->row->length;
		if (f->verbose && i % 64 == 63)
			progress(f, "%" PRIu64 " %%", total ? done * 100 / total : 100);
	}
	return error;
}

int check_data(struct fsck *f)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	struct data_check c = {.f = f};
	int error = fingerprint_start((enum fingerprint_algorithm)f->superblock.fingerprint);

	if (!error && f->repair)
		error = db_prepare(f,
				   "INSERT OR IGNORE INTO damage(pack, slot, found)"
				   " VALUES(?1, ?2, ?3)",
				   &statement);
	if (error)
		return error;
	c.quarantine = statement;
	error = db_run(f, "BEGIN");
	if (error)
		return error;
	error = packs_verify(f, &c);
	if (statement)
		sqlite3_reset(statement);
	return error ? error : db_run(f, "COMMIT");
}
