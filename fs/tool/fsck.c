/* SPDX-License-Identifier: MIT */
/*
 * fsck.granary: checks a store that is not mounted, and repairs what can be
 * repaired without losing anything.
 *
 *   superblock -> lock -> catalogue -> segments and packs -> names and inodes
 *     -> file maps -> (--verify-data: all data) -> files that damage is in
 *
 * Without -a, -p or -y nothing is changed. Exit codes are those of fsck(8).
 */
#include "fs/store/lock.h"
#include "fs/tool/fsck.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/tool/tool.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define PROGRAM "fsck.granary"

static const char help[] =
	"usage: fsck.granary [option...] STORE\n"
	"Checks the store STORE, which must not be mounted.\n"
	"\n"
	"  -a, -p, -y           repair what can be repaired without losing anything\n"
	"  -n                   change nothing (the default)\n"
	"  -f                   accepted; there is always a check\n"
	"  -v, --verbose        say what is being done, and every place that is damaged\n"
	"  --verify-data        read everything; with -y quarantine what is damaged\n"
	"  --rebuild-index      make the fingerprint index anew\n"
	"  --restore-catalogue  make the catalogue anew, from its newest copy in the segments\n"
	"  --dump[=WHAT]        print what the store is made of; WHAT is a pack's number\n"
	"                       or the path of a file, from the root of the store\n"
	"  --json               with --dump: in JSON\n"
	"  -h, --help           show this and exit\n"
	"  -V, --version        show the version and exit\n"
	"\n"
	"Exit status: 0 no errors, 1 errors corrected, 4 errors left, 8 could not be done,\n"
	"16 wrong use.\n";

enum long_letter { LETTER_VERIFY = 1000, LETTER_REBUILD, LETTER_RESTORE, LETTER_DUMP, LETTER_JSON };

static const struct option long_options[] = {
	{"verbose", no_argument, NULL, 'v'},
	{"verify-data", no_argument, NULL, LETTER_VERIFY},
	{"rebuild-index", no_argument, NULL, LETTER_REBUILD},
	{"restore-catalogue", no_argument, NULL, LETTER_RESTORE},
	{"dump", optional_argument, NULL, LETTER_DUMP},
	{"json", no_argument, NULL, LETTER_JSON},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

struct request {
	bool repair, keep, verify, verbose, rebuild, restore, dump, json, help, version;
	const char *what; /* to dump */
	const char *path;
};

void finding(struct fsck *f, const char *format, ...)
{
	va_list arguments;

	f->found++;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void finding_corrected(struct fsck *f, uint64_t count)
{
	f->corrected += count;
}

void progress(struct fsck *f, const char *format, ...)
{
	va_list arguments;

	if (!f->verbose)
		return;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static int request_parse(struct request *r, int argc, char **argv)
{
	const struct {
		int letter;
		bool *flag;
	} flags[] = {
		{'a', &r->repair},
		{'p', &r->repair},
		{'y', &r->repair},
		{'n', &r->keep},
		{'v', &r->verbose},
		{'h', &r->help},
		{'V', &r->version},
		{LETTER_VERIFY, &r->verify},
		{LETTER_REBUILD, &r->rebuild},
		{LETTER_RESTORE, &r->restore},
		{LETTER_DUMP, &r->dump},
		{LETTER_JSON, &r->json},
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "apynfvhV", long_options, NULL)) != -1) {
		if (letter == '?')
			return FSCK_USAGE;
		for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
			if (flags[i].letter == letter)
				*flags[i].flag = true;
		if (letter == LETTER_DUMP)
			r->what = optarg;
	}
	if (r->help || r->version)
		return 0;
	if (argc - optind != 1)
		return tool_usage(PROGRAM, FSCK_USAGE, "one store is needed");
	if (r->repair && r->keep)
		return tool_usage(PROGRAM, FSCK_USAGE, "-n and -y exclude each other");
	if (r->restore + r->rebuild + r->dump > 1)
		return tool_usage(PROGRAM, FSCK_USAGE,
				  "--restore-catalogue, --rebuild-index and --dump exclude each "
				  "other");
	if (r->json && !r->dump)
		return tool_usage(PROGRAM, FSCK_USAGE, "--json is for --dump");
	r->path = argv[optind];
	return 0;
}

/* The store is ours alone until fsck_close(). On a disk that cannot be written nobody else can
 * have it either. */
static int fsck_lock(struct fsck *f)
{
	CLEANUP_FREE char *path = mem_printf("%s/lock", f->path);
	int error = lock_take(f->path, LOCK_PATIENCE, &f->lock);

	if (error == -EROFS && !f->repair)
		return 0;
	if (error == -EWOULDBLOCK)
		log_error("%s: the store is in use (mounted, or another fsck)", f->path);
	else if (error)
		log_error("%s: %s", path, strerror(-error));
	return error;
}

static int check_integrity(struct fsck *f, const char *sql)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int more, error = db_prepare(f, sql, &s);

	while (!error && (more = db_step(f, s)) != 0) {
		const char *text;

		if (more < 0)
			return more;
		text = (const char *)sqlite3_column_text(s, 0);
		if (text && strcmp(text, "ok") != 0)
			finding(f, "catalogue: %s", text);
	}
	return error;
}

int check_catalogue(struct fsck *f)
{
	uint64_t before = f->found;
	int error;

	progress(f, "checking the catalogue");
	error = check_integrity(f, f->verify ? "PRAGMA integrity_check" : "PRAGMA quick_check");
	if (error && error != -EBADMSG)
		return error;
	if (!error && f->found == before)
		return 0;
	log_error("%s: the catalogue is damaged; --restore-catalogue brings its last copy back",
		  f->path);
	return -EBADMSG;
}

static int fsck_load(struct fsck *f)
{
	int error = db_open(f);

	if (!error)
		error = check_catalogue(f);
	if (!error)
		error = pack_list_load(f);
	if (!error)
		error = reader_open(f->path, f->superblock.uuid, &f->packs, &f->reader);
	return error;
}

static int fsck_check(struct fsck *f)
{
	int error = check_segments(f);

	if (!error)
		error = check_tree(f);
	if (!error)
		error = check_maps(f);
	if (!error && f->verify)
		error = check_data(f);
	if (!error)
		error = check_repair(f);
	if (!error && f->suspect)
		error = check_name_damage(f);
	return error;
}

static void fsck_close(struct fsck *f)
{
	reader_close(&f->reader);
	pack_list_clear(&f->packs);
	db_close(f);
	if (f->lock >= 0)
		close(TAKE_FD(f->lock));
}

static int fsck_status(const struct fsck *f, int error)
{
	int status = FSCK_CLEAN;

	if (error == -EBADMSG || (!error && f->found > f->corrected))
		status |= FSCK_UNCORRECTED;
	if (f->corrected)
		status |= FSCK_CORRECTED;
	if (error && error != -EBADMSG)
		status |= FSCK_FAILED;
	return status;
}

static void fsck_report(const struct fsck *f)
{
	if (!f->found)
		printf("%s: clean, %zu packs\n", f->path, f->packs.count);
	else if (f->corrected == f->found)
		printf("%s: %" PRIu64 " errors corrected\n", f->path, f->corrected);
	else
		printf("%s: %" PRIu64 " errors, %" PRIu64 " corrected\n", f->path, f->found,
		       f->corrected);
}

static int run(const struct request *r)
{
	struct fsck f = {.path = r->path, .lock = -1, .verbose = r->verbose};
	int error, status;

	f.repair = r->repair;
	f.verify = r->verify;
	f.json = r->json;
	error = superblock_read(f.path, &f.superblock);
	if (error)
		return error == -EBADMSG ? FSCK_UNCORRECTED : FSCK_FAILED;
	if (fsck_lock(&f))
		return FSCK_FAILED;
	if (r->restore) {
		error = fsck_restore_catalogue(f.path, &f.superblock);
		fsck_close(&f);
		return !error ? FSCK_CORRECTED : error == -ENODATA ? FSCK_UNCORRECTED : FSCK_FAILED;
	}
	error = fsck_load(&f);
	if (!error && r->dump)
		error = fsck_dump(&f, r->what);
	else if (!error && r->rebuild)
		error = fsck_rebuild_index(&f);
	else if (!error)
		error = fsck_check(&f);
	if (!error && !r->dump && !r->rebuild)
		fsck_report(&f);
	status = fsck_status(&f, error);
	fsck_close(&f);
	return status;
}

int main(int argc, char **argv)
{
	struct request request = {0};
	int status;

	log_set_program(PROGRAM);
	status = request_parse(&request, argc, argv);
	if (status)
		return status;
	if (request.help)
		fputs(help, stdout);
	else if (request.version)
		tool_version(PROGRAM);
	else
		status = run(&request);
	return status;
}
