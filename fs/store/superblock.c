/* SPDX-License-Identifier: MIT */
/*
 * store.conf: reading, checking and writing.
 *
 * The first line says what the file is, the last one is
 *   checksum = "xxh3:XXXXXXXXXXXXXXXX";
 * over all bytes before that line. A store with a checksum that does not fit
 * is damaged; one that fits but has a larger format number is of a later
 * program. Nothing is guessed: a missing or unknown value refuses the store.
 */
#include "fs/store/superblock.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

#include "fs/chunk/chunker.h"
#include "fs/chunk/fingerprint.h"
#include "fs/format.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define SUPERBLOCK_FIRST_LINE "# Granary store. See granary-format(5); do not edit: the last line is a checksum.\n"
#define SUPERBLOCK_FIRST_WORDS "# Granary store"
#define SUPERBLOCK_LIMIT       65536u
#define SUPERBLOCK_DATE        "0123456789-:TZ"

#define SUPERBLOCK_REGION  (256u << 10)
#define SUPERBLOCK_PACK    (4u << 20)
#define SUPERBLOCK_SEGMENT (256u << 20)
#define SUPERBLOCK_RESERVE (UINT64_C(64) << 20)

/* Integers: name in the file, place in the struct, limits. */
struct superblock_number {
	const char *name;
	size_t offset;
	uint32_t low, high;
	int unknown; /* error for a value outside: a wrong value, or one of a later program */
};

#define SUPERBLOCK_AT(member) offsetof(struct superblock, member)
static const struct superblock_number superblock_numbers[] = {
	{"format", SUPERBLOCK_AT(format), SUPERBLOCK_FORMAT, SUPERBLOCK_FORMAT, -EPROTONOSUPPORT},
	{"chunker", SUPERBLOCK_AT(chunker), 1, 1, -EPROTONOSUPPORT},
	{"chunk_average", SUPERBLOCK_AT(chunk_average), CHUNKER_AVERAGE_MIN, CHUNKER_AVERAGE_MAX, -EBADMSG},
	{"fingerprint", SUPERBLOCK_AT(fingerprint), FINGERPRINT_SHA256, FINGERPRINT_SHA256, -EPROTONOSUPPORT},
	{"cipher", SUPERBLOCK_AT(cipher), 0, 0, -EPROTONOSUPPORT},
	{"region_size", SUPERBLOCK_AT(region_size), 4096, SLOT_SIZE_MAX, -EBADMSG},
	{"pack_size", SUPERBLOCK_AT(pack_size), 4096, 64u << 20, -EBADMSG},
	{"segment_size", SUPERBLOCK_AT(segment_size), 64u << 10, UINT32_MAX, -EBADMSG},
};
#define SUPERBLOCK_NUMBERS (sizeof(superblock_numbers) / sizeof(superblock_numbers[0]))

void superblock_init(struct superblock *sb)
{
	*sb = (struct superblock){
		.format = SUPERBLOCK_FORMAT,
		.chunk_average = CHUNKER_AVERAGE_DEFAULT,
		.chunker = 1,
		.fingerprint = FINGERPRINT_SHA256,
		.region_size = SUPERBLOCK_REGION,
		.pack_size = SUPERBLOCK_PACK,
		.segment_size = SUPERBLOCK_SEGMENT,
		.compression = COMPRESSION_BALANCED,
		.reserve = SUPERBLOCK_RESERVE,
	};
	ssize_t n = getrandom(sb->uuid, sizeof(sb->uuid), 0);
	ASSERT(n == (ssize_t)sizeof(sb->uuid));
	n = getrandom(&sb->name_seed, sizeof(sb->name_seed), 0);
	ASSERT(n == (ssize_t)sizeof(sb->name_seed));
	/* RFC 9562: version 4, variant 1. */
	sb->uuid[6] = (uint8_t)((sb->uuid[6] & 0x0f) | 0x40);
	sb->uuid[8] = (uint8_t)((sb->uuid[8] & 0x3f) | 0x80);
	time_t now = time(NULL);
	struct tm tm;
	gmtime_r(&now, &tm);
	strftime(sb->created, sizeof(sb->created), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* ---- uuid as text ---- */

void superblock_format_uuid(const uint8_t uuid[16], char text[37])
{
	char *p = text;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		p += sprintf(p, "%02x", uuid[i]);
	}
}

int superblock_parse_uuid(const char *text, uint8_t uuid[16])
{
	uint8_t bytes[16];
	size_t at = 0;
	for (int i = 0; i < 16; i++) {
		unsigned value;
		if ((i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-')
			return -EBADMSG;
		if (!isxdigit((unsigned char)text[at]) || !isxdigit((unsigned char)text[at + 1]) ||
		    sscanf(text + at, "%2x", &value) != 1)
			return -EBADMSG;
		bytes[i] = (uint8_t)value;
		at += 2;
	}
	if (text[at])
		return -EBADMSG;
	memcpy(uuid, bytes, sizeof(bytes));
	return 0;
}

/* ---- reading ---- */

static int superblock_get_string(const config_t *config, const char *name, const char **value)
{
	return config_lookup_string(config, name, value) ? 0 : -EBADMSG;
}

static int superblock_get_u64(const config_t *config, const char *name, uint64_t *value)
{
	const char *text, *end;
	int error = superblock_get_string(config, name, &text);
	if (error)
		return error;
	/* strtoull() would take a sign. */
	if (!isxdigit((unsigned char)text[0]))
		return -EBADMSG;
	errno = 0;
	*value = strtoull(text, (char **)(uintptr_t)&end, 16);
	return errno || end == text || *end ? -EBADMSG : 0;
}

static uint32_t *superblock_number_place(struct superblock *sb, const struct superblock_number *n)
{
	return (uint32_t *)(void *)((char *)sb + n->offset);
}

static int superblock_get_numbers(const config_t *config, struct superblock *sb, const char **what)
{
	for (size_t i = 0; i < SUPERBLOCK_NUMBERS; i++) {
		const struct superblock_number *n = &superblock_numbers[i];
		long long value;
		*what = n->name;
		if (!config_lookup_int64(config, n->name, &value))
			return -EBADMSG;
		if (value < n->low || value > n->high)
			return n->unknown;
		*superblock_number_place(sb, n) = (uint32_t)value;
	}
	return 0;
}

static int superblock_parse(const config_t *config, struct superblock *sb, const char **what)
{
	const char *text;
	int error = superblock_get_numbers(config, sb, what);
	if (error)
		return error;
	*what = "uuid";
	error = superblock_get_string(config, "uuid", &text);
	if (!error)
		error = superblock_parse_uuid(text, sb->uuid);
	if (error)
		return error;
	*what = "compression";
	error = superblock_get_string(config, "compression", &text);
	if (!error && compression_parse(text, &sb->compression) < 0)
		error = -EPROTONOSUPPORT;
	if (error)
		return error;
	*what = "reserve";
	error = superblock_get_u64(config, "reserve", &sb->reserve);
	if (error)
		return error;
	*what = "name_seed";
	error = superblock_get_u64(config, "name_seed", &sb->name_seed);
	if (error)
		return error;
	*what = "created";
	error = superblock_get_string(config, "created", &text);
	if (!error && (strlen(text) >= sizeof(sb->created) || text[strspn(text, SUPERBLOCK_DATE)]))
		error = -EBADMSG;
	if (!error)
		strcpy(sb->created, text);
	return error;
}

static int superblock_check(const struct superblock *sb, const char **what)
{
	*what = "chunk_average";
	if (sb->chunk_average & (sb->chunk_average - 1))
		return -EBADMSG;
	*what = "pack_size";
	if (sb->pack_size < sb->region_size)
		return -EBADMSG;
	*what = "segment_size";
	return sb->segment_size < sb->pack_size ? -EBADMSG : 0;
}

/* The length of what the checksum covers, 0 where there is no good checksum line. */
static size_t superblock_covered(const char *text, size_t size)
{
	char expected[64];
	if (size == 0 || text[size - 1] != '\n')
		return 0;
	const char *line = memrchr(text, '\n', size - 1);
	size_t covered = line ? (size_t)(line + 1 - text) : 0;
	int n = snprintf(expected, sizeof(expected), "checksum = \"xxh3:%016" PRIx64 "\";\n",
			 (uint64_t)XXH3_64bits(text, covered));
	return (size_t)n == size - covered && memcmp(text + covered, expected, (size_t)n) == 0 ? covered : 0;
}

static const char *superblock_reason(int error)
{
	return error == -EPROTONOSUPPORT ? "is not known to this program" : "makes no sense";
}

static int superblock_decode_values(const char *text, struct superblock *sb, char reason[SUPERBLOCK_REASON])
{
	const char *what = "";
	int error = -EBADMSG;
	config_t config;
	config_init(&config);
	if (!config_read_string(&config, text)) {
		snprintf(reason, SUPERBLOCK_REASON, "line %d: %s", config_error_line(&config),
			 config_error_text(&config));
	} else {
		error = superblock_parse(&config, sb, &what);
		if (!error)
			error = superblock_check(sb, &what);
		if (error)
			snprintf(reason, SUPERBLOCK_REASON, "the value of %s %s", what, superblock_reason(error));
	}
	config_destroy(&config);
	return error;
}

int superblock_decode(const char *text, size_t size, struct superblock *sb, char reason[SUPERBLOCK_REASON])
{
	struct superblock fresh = {0};
	if (strncmp(text, SUPERBLOCK_FIRST_WORDS, strlen(SUPERBLOCK_FIRST_WORDS)) != 0) {
		snprintf(reason, SUPERBLOCK_REASON, "does not belong to a Granary store");
		return -EMEDIUMTYPE;
	}
	if (strlen(text) != size || superblock_covered(text, size) == 0) {
		snprintf(reason, SUPERBLOCK_REASON, "is damaged: its checksum does not fit");
		return -EBADMSG;
	}
	/* libconfig would open what an "@include" names. */
	if (strchr(text, '@')) {
		snprintf(reason, SUPERBLOCK_REASON, "includes another file");
		return -EBADMSG;
	}
	int error = superblock_decode_values(text, &fresh, reason);
	if (!error)
		*sb = fresh;
	return error;
}

int superblock_read(const char *store_path, struct superblock *sb)
{
	CLEANUP_FREE char *path = mem_printf("%s/store.conf", store_path);
	CLEANUP_FREE char *text = NULL;
	size_t size = 0;
	int error = file_read_all(path, SUPERBLOCK_LIMIT, &text, &size);
	if (error == -ENOENT) {
		CLEANUP_FREE char *here = mem_printf("%s/.", store_path);
		FILE *folder = fopen(here, "r");
		bool exists = folder != NULL;
		if (folder)
			fclose(folder);
		log_error(exists ? "%s: is not a Granary store" : "%s: no such folder", store_path);
		return exists ? -EMEDIUMTYPE : -ENOENT;
	}
	if (error == -ENOTDIR || error == -EFBIG || error == -EINVAL) {
		log_error("%s: is not a Granary store", store_path);
		return -EMEDIUMTYPE;
	}
	if (error) {
		log_error("%s: %s", path, strerror(-error));
		return error;
	}
	char reason[SUPERBLOCK_REASON];
	error = superblock_decode(text, size, sb, reason);
	if (error)
		log_error("%s: %s", path, reason);
	return error;
}

/* ---- writing ---- */

int superblock_encode(const struct superblock *sb, char **result, size_t *result_size)
{
	char uuid[37];
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	superblock_format_uuid(sb->uuid, uuid);
	fprintf(out, SUPERBLOCK_FIRST_LINE);
	for (size_t i = 0; i < SUPERBLOCK_NUMBERS; i++) {
		const struct superblock_number *n = &superblock_numbers[i];
		const uint32_t *value = superblock_number_place((struct superblock *)(uintptr_t)sb, n);
		fprintf(out, "%s = %" PRIu32 "%s;\n", n->name, *value, *value > INT32_MAX ? "L" : "");
	}
	fprintf(out, "uuid = \"%s\";\n", uuid);
	fprintf(out, "compression = \"%s\";\n", compression_name(sb->compression));
	fprintf(out, "reserve = \"%" PRIx64 "\";\n", sb->reserve);
	fprintf(out, "name_seed = \"%" PRIx64 "\";\n", sb->name_seed);
	fprintf(out, "created = \"%s\";\n", sb->created);
	if (fflush(out) == 0)
		fprintf(out, "checksum = \"xxh3:%016" PRIx64 "\";\n", (uint64_t)XXH3_64bits(text, size));
	bool failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return -ENOMEM;
	}
	*result = text;
	*result_size = size;
	return 0;
}

int superblock_write(const char *store_path, const struct superblock *sb)
{
	CLEANUP_FREE char *path = mem_printf("%s/store.conf", store_path);
	CLEANUP_FREE char *text = NULL;
	size_t size;
	int error = superblock_encode(sb, &text, &size);
	if (!error)
		error = file_replace(path, text, size, 0644);
	if (error)
		log_error("%s: %s", path, strerror(-error));
	return error;
}
