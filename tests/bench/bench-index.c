/* SPDX-License-Identifier: MIT */
/*
 * Measures the fingerprint index with synthetic fingerprints:
 *   bench-index [CHUNKS [FOLDER]]
 * 10^8 chunks take about 3 GB in FOLDER (TMPDIR or /tmp by default), twice that while runs
 * are merged.
 */
#include <errno.h>

#include "fs/store/index_internal.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "tests/unit/index-stream.h"

#define BATCH 128u

static uint64_t chunks = 100000000;
static struct fingerprint *sample; /* looked up */
static size_t sample_count;

static void row(const char *what, double value, const char *unit)
{
	printf("  %-44s %12.3f %s\n", what, value, unit);
}

static void fail(const char *what, int error)
{
	fprintf(stderr, "bench-index: %s: %s\n", what, strerror(-error));
	exit(1);
}

/* Merging is over when the worker rests with the lock given up. */
static void wait_idle(struct index *index)
{
	pthread_mutex_lock(&index->lock);
	while (index->busy || index->frozen)
		pthread_cond_wait(&index->done, &index->lock);
	pthread_mutex_unlock(&index->lock);
}

static double seconds_since(uint64_t start)
{
	return (double)(clock_monotonic_ns() - start) / 1e9;
}

static void insert_all(struct index *index)
{
	uint64_t start = clock_monotonic_ns();
	for (uint64_t i = 0; i < chunks; i++) {
		struct fingerprint fingerprint = util_fingerprint(i);
		int error = index_insert(index, &fingerprint, util_ref(i));
		if (error)
			fail("insert", error);
	}
	index_set_committed(index, util_ref(chunks - 1).pack + 1);
	row("insert", (double)chunks / seconds_since(start) / 1e6, "million/s");
	int error = index_flush(index);
	if (error)
		fail("flush", error);
	usleep(10000);
	wait_idle(index);
	row("insert, flush and all merging", (double)chunks / seconds_since(start) / 1e6,
	    "million/s");
}

static void show_sizes(const struct index *index)
{
	struct index_stats stats;
	index_get_stats(index, &stats);
	row("entries", (double)stats.entries / 1e6, "million");
	row("runs", (double)stats.runs, "");
	row("memory", (double)stats.memory_bytes / (double)chunks, "bytes/chunk");
	row("memory", (double)stats.memory_bytes / 1048576, "MiB");
	row("disk", (double)stats.disk_bytes / (double)chunks, "bytes/chunk");
}

/* Times index_lookup() over the sample; returns how many were found. */
static uint64_t lookup_sample(struct index *index, const char *what)
{
	struct index_stats before, after;
	struct chunk_ref refs[BATCH];
	uint64_t found = 0, start = clock_monotonic_ns();
	index_get_stats(index, &before);
	for (size_t i = 0; i + BATCH <= sample_count; i += BATCH) {
		int error = index_lookup(index, sample + i, BATCH, refs);
		if (error)
			fail("lookup", error);
		for (unsigned j = 0; j < BATCH; j++)
			found += !chunk_ref_is_none(refs[j]);
	}
	double seconds = seconds_since(start);
	index_get_stats(index, &after);
	uint64_t passes = after.filter_passes - before.filter_passes;
	char line[64];
	snprintf(line, sizeof(line), "lookup, %s", what);
	row(line, seconds * 1e9 / (double)sample_count, "ns");
	snprintf(line, sizeof(line), "  page reads a lookup, %s", what);
	row(line, (double)(after.page_reads - before.page_reads) / (double)sample_count, "");
	if (passes) {
		snprintf(line, sizeof(line), "  page reads a filter pass, %s", what);
		row(line, (double)(after.page_reads - before.page_reads) / (double)passes, "");
	}
	return found;
}

static void lookup_absent(struct index *index)
{
	for (size_t i = 0; i < sample_count; i++)
		sample[i] = util_fingerprint((UINT64_C(1) << 50) + i);
	uint64_t found = lookup_sample(index, "absent");
	if (found)
		row("  found though absent", (double)found, "");
}

static void lookup_random(struct index *index)
{
	for (size_t i = 0; i < sample_count; i++)
		sample[i] = util_fingerprint(util_mix(i) % chunks);
	uint64_t found = lookup_sample(index, "present, random");
	row("  found", 100.0 * (double)found / (double)(sample_count / BATCH * BATCH), "%");
}

static void lookup_recent(struct index *index)
{
	sample_count = sample_count < 16384 ? sample_count : 16384;
	for (size_t i = 0; i < sample_count; i++)
		sample[i] = util_fingerprint(i);
	for (uint64_t pack = 0; (pack + 1) * UTIL_PACK_CHUNKS <= sample_count; pack++)
		index_note_directory(index, pack + 1, sample + pack * UTIL_PACK_CHUNKS,
				     UTIL_PACK_CHUNKS);
	lookup_sample(index, "present, recent");
}

static void lookup_stream(struct index *index)
{
	struct stream s = {.index = index, .chunks = chunks, .stretch_average = 400,
			   .change_largest = 16, .jump = 4, .random = 1, .fresh = UINT64_C(1) << 52};
	struct index_stats before, after;
	index_get_stats(index, &before);
	uint64_t start = clock_monotonic_ns();
	int error = stream_run(&s, 16384);
	if (error)
		fail("stream", error);
	double seconds = seconds_since(start);
	index_get_stats(index, &after);
	row("second backup: duplicates found",
	    100.0 * (double)s.found / (double)s.duplicates, "%");
	row("second backup: a lookup (with 15 ns of ours)", seconds * 1e9 / (double)s.lookups,
	    "ns");
	row("second backup: page reads a pack",
	    (double)(after.page_reads - before.page_reads) / (double)s.directories, "");
	row("second backup: wrong answers", (double)s.wrong, "");
}

static struct index *open_index(const char *folder, bool sparse)
{
	size_t least = (size_t)16 << 20, aim = sparse ? chunks / 2 : 2 * chunks;
	struct index_options options = util_options(folder, aim > least ? aim : least);
	struct index *index;
	options.sparse = sparse;
	uint64_t start = clock_monotonic_ns();
	int error = index_open(&options, &index);
	if (error)
		fail("open", error);
	printf("%s, memory limit %.0f MiB\n", sparse ? "sparse" : "exact",
	       (double)options.memory / 1048576);
	row("open", seconds_since(start) * 1e3, "ms");
	return index;
}

static void measure(const char *folder, bool sparse)
{
	struct index *index = open_index(folder, sparse);
	size_t count = chunks < 1000000 ? chunks : 1000000;
	if (!sparse)
		insert_all(index);
	wait_idle(index);
	show_sizes(index);
	sample_count = count;
	lookup_absent(index);
	lookup_random(index);
	lookup_stream(index);
	lookup_recent(index);
	index_close(&index);
}

int main(int argc, char **argv)
{
	char folder[64];
	log_set_level(LOG_LEVEL_WARNING);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		chunks = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		setenv("TMPDIR", argv[2], 1);
	if (chunks < 1000) {
		fprintf(stderr, "usage: bench-index [CHUNKS [FOLDER]], at least 1000 chunks\n");
		return 2;
	}
	util_make_folder(folder);
	sample = malloc(sizeof(*sample) * 1000000);
	if (!sample)
		fail("sample", -ENOMEM);
	printf("%llu chunks of synthetic fingerprints\n", (unsigned long long)chunks);
	measure(folder, false);
	measure(folder, true);
	util_remove_folder(folder);
	free(sample);
	return 0;
}
