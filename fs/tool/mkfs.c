/* SPDX-License-Identifier: MIT */
/*
 * mkfs.granary: makes a store in an empty or missing folder. A folder that
 * holds anything is left as it is; a store that could not be finished goes
 * away again.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/chunk/chunker.h"
#include "fs/format.h"
#include "fs/store/store.h"
#include "fs/store/superblock.h"
#include "fs/tool/tool.h"
#include "fs/tree/tree.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define PROGRAM "mkfs.granary"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define SEGMENT_LEAST (UINT64_C(16) << 20)
#define SEGMENT_MOST  (UINT64_C(2) << 30)
#define RESERVE_LEAST (UINT64_C(1) << 20)

static const char help[] =
	"usage: mkfs.granary [option...] STORE\n"
	"Makes a deduplicating store in the folder STORE, which is empty or does not exist yet.\n"
	"\n"
	"  -a, --chunk-average=SIZE  average chunk, a power of two from 4K to 1M (8K)\n"
	"  -c, --compression=NAME    off, fast, balanced or best (balanced)\n"
	"  -s, --segment-size=SIZE   size of the files that hold the data, 16M to 2G (256M)\n"
	"  -r, --reserve=SIZE        space kept back so that a full store can delete and clean\n"
	"  -u, --uuid=UUID           the store's identity (random)\n"
	"  -q, --quiet               say nothing when all went well\n"
	"  -h, --help                show this and exit\n"
	"  -V, --version             show the version and exit\n";

static const struct option long_options[] = {
	{"chunk-average", required_argument, NULL, 'a'},
	{"compression", required_argument, NULL, 'c'},
	{"segment-size", required_argument, NULL, 's'},
	{"reserve", required_argument, NULL, 'r'},
	{"uuid", required_argument, NULL, 'u'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

struct request {
	struct superblock superblock;
	const char *path;
	bool quiet;
};

static int set_chunk_average(void *context, const char *text)
{
	struct request *r = context;
	uint64_t bytes;

	if (tool_parse_size(text, &bytes) || bytes < CHUNKER_AVERAGE_MIN ||
	    bytes > CHUNKER_AVERAGE_MAX || (bytes & (bytes - 1)))
		return tool_usage(PROGRAM, EXIT_USAGE,
				  "--chunk-average: \"%s\" is not a power of two from 4K to 1M",
				  text);
	r->superblock.chunk_average = (uint32_t)bytes;
	return 0;
}

static int set_compression(void *context, const char *text)
{
	struct request *r = context;

	if (compression_parse(text, &r->superblock.compression))
		return tool_usage(PROGRAM, EXIT_USAGE,
				  "--compression: \"%s\" is not off, fast, balanced or best", text);
	return 0;
}

static int set_segment_size(void *context, const char *text)
{
	struct request *r = context;
	uint64_t bytes;

	if (tool_parse_size(text, &bytes) || bytes < SEGMENT_LEAST || bytes > SEGMENT_MOST ||
	    bytes % SEGMENT_HEADER_SIZE)
		return tool_usage(PROGRAM, EXIT_USAGE,
				  "--segment-size: \"%s\" is not a multiple of 4K from 16M to 2G",
				  text);
	r->superblock.segment_size = (uint32_t)bytes;
	return 0;
}

static int set_reserve(void *context, const char *text)
{
	struct request *r = context;
	uint64_t bytes;

	if (tool_parse_size(text, &bytes) || bytes < RESERVE_LEAST || bytes > INT64_MAX)
		return tool_usage(PROGRAM, EXIT_USAGE,
				  "--reserve: \"%s\" is not a size of at least 1M", text);
	r->superblock.reserve = bytes;
	return 0;
}

static int set_uuid(void *context, const char *text)
{
	struct request *r = context;

	if (superblock_parse_uuid(text, r->superblock.uuid))
		return tool_usage(PROGRAM, EXIT_USAGE, "--uuid: \"%s\" is not a UUID", text);
	return 0;
}

static int set_quiet(void *context, const char *text)
{
	struct request *r = context;

	(void)text;
	r->quiet = true;
	return 0;
}

static int show_help(void *context, const char *text)
{
	(void)context;
	(void)text;
	fputs(help, stdout);
	return TOOL_DONE;
}

static int show_version(void *context, const char *text)
{
	(void)context;
	(void)text;
	tool_version(PROGRAM);
	return TOOL_DONE;
}

static const struct tool_option meanings[] = {
	{'a', set_chunk_average}, {'c', set_compression}, {'s', set_segment_size},
	{'r', set_reserve},	  {'u', set_uuid},	  {'q', set_quiet},
	{'h', show_help},	  {'V', show_version},
};

/* As tool_options(). */
static int request_parse(struct request *r, int argc, char **argv)
{
	int status = tool_options(argc, argv, "a:c:s:r:u:qhV", long_options, meanings,
				  sizeof(meanings) / sizeof(*meanings), EXIT_USAGE, r);

	if (status)
		return status;
	if (argc - optind != 1)
		return tool_usage(PROGRAM, EXIT_USAGE, "one folder is needed");
	r->path = argv[optind];
	return 0;
}

/* The root directory; this also proves that the new store opens. */
static int make_root(const char *path)
{
	const struct store_options options = {
		.memory = UINT64_C(64) << 20, .threads = 2, .compression = -1};
	struct store *store = NULL;
	int error = store_open(path, &options, &store);

	if (error)
		return error;
	error = tree_create_root(store, getuid(), getgid(), 0755);
	if (error)
		log_error("%s: cannot make the root directory: %s", path, strerror(-error));
	store_close(&store);
	return error;
}

/* A store that has no room for its reserve could never take a byte. */
static int check_room(const struct request *r)
{
	CLEANUP_FREE char *copy = mem_strdup(r->path);
	CLEANUP_FD int fd = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t available, total;
	char free_text[32], reserve[32];

	if (fd < 0)
		fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* What cannot be opened is refused with its reason when the store is made. */
	if (fd < 0 || file_space(fd, &available, &total) || available >= r->superblock.reserve)
		return 0;
	log_error("%s: No space left on device: %s are free, the reserve alone is %s", r->path,
		  tool_format_size(available, free_text),
		  tool_format_size(r->superblock.reserve, reserve));
	return -ENOSPC;
}

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *where)
{
	(void)st;
	(void)what;
	(void)where;
	return remove(path);
}

/* Takes away again what superblock_create_store() has just made. */
static void remove_store(const char *path, bool made_folder)
{
	static const char *const parts[] = {"store.conf",
					    "catalogue.sqlite",
					    "catalogue.sqlite-wal",
					    "catalogue.sqlite-shm",
					    "reserve",
					    "lock",
					    "segments",
					    "index"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		CLEANUP_FREE char *part = mem_printf("%s/%s", path, parts[i]);

		nftw(part, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
	if (made_folder)
		rmdir(path);
}

static void print_store(const struct request *r)
{
	const struct superblock *sb = &r->superblock;
	char uuid[37], average[32], segment[32], reserve[32];

	superblock_format_uuid(sb->uuid, uuid);
	printf("%s: a store of format %u\n"
	       "  uuid          %s\n"
	       "  chunks        %s on average\n"
	       "  compression   %s\n"
	       "  segments      %s\n"
	       "  reserve       %s\n",
	       r->path, sb->format, uuid, tool_format_size(sb->chunk_average, average),
	       compression_name(sb->compression), tool_format_size(sb->segment_size, segment),
	       tool_format_size(sb->reserve, reserve));
}

int main(int argc, char **argv)
{
	struct request request = {0};
	struct stat st;
	bool made_folder;
	int status;

	log_set_program(PROGRAM);
	superblock_init(&request.superblock);
	status = request_parse(&request, argc, argv);
	if (status)
		return status == TOOL_DONE ? 0 : status;
	if (check_room(&request))
		return EXIT_FAILED;
	made_folder = stat(request.path, &st) < 0;
	if (superblock_create_store(request.path, &request.superblock))
		return EXIT_FAILED;
	if (make_root(request.path)) {
		remove_store(request.path, made_folder);
		return EXIT_FAILED;
	}
	if (!request.quiet)
		print_store(&request);
	return 0;
}
