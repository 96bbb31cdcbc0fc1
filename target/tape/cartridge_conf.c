/* SPDX-License-Identifier: MIT */
/*
 * cartridge.conf: libconfig's syntax, one setting a line, and in the last line
 *   checksum = "crc32c:XXXXXXXX";
 * over all bytes before that line. It is replaced as a whole or not at all.
 */
#include "target/tape/cartridge_conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/crc32c.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "target/tape/media.h"

#define CONF_FIRST_WORDS "# Granary cartridge"
#define CONF_FIRST_LINE                                                                            \
	CONF_FIRST_WORDS ". See granary-cartridge(5); do not edit: the last line is a checksum.\n"
#define CONF_CHECKSUM "checksum = \"crc32c:%08" PRIx32 "\";\n"
#define CONF_LIMIT    65536u

/* ---- what is allowed ------------------------------------------------------------------- */

/* A barcode is a folder's name as well. */
static bool barcode_is_good(const char barcode[CARTRIDGE_BARCODE_MAX + 1])
{
	size_t length = strnlen(barcode, CARTRIDGE_BARCODE_MAX + 1);
	if (length == 0 || length > CARTRIDGE_BARCODE_MAX || barcode[0] == '.')
		return false;
	for (size_t n = 0; n < length; n++)
		if (!isalnum((unsigned char)barcode[n]) && !strchr("-_.", barcode[n]))
			return false;
	return true;
}

int conf_validate(const struct cartridge_info *info)
{
	uint64_t sum = 0;
	if (!barcode_is_good(info->barcode) || !memchr(info->medium, 0, sizeof(info->medium)))
		return -EINVAL;
	if (!medium_find(info->medium) || info->capacity > INT64_MAX || info->locked_until < 0 ||
	    info->cleanings > INT32_MAX)
		return -EINVAL;
	if (info->partitions < 1 || info->partitions > CARTRIDGE_PARTITIONS)
		return -EINVAL;
	for (unsigned n = 0; n < info->partitions; n++) {
		if (info->partition_size[n] > info->capacity - sum)
			return -EINVAL;
		sum += info->partition_size[n];
	}
	return 0;
}

/* ---- writing --------------------------------------------------------------------------- */

static void format_uuid(const uint8_t uuid[16], char text[37])
{
	for (unsigned n = 0; n < 16; n++) {
		if (n == 4 || n == 6 || n == 8 || n == 10)
			*text++ = '-';
		text += sprintf(text, "%02x", uuid[n]);
	}
}

static void format_date(int64_t seconds, char text[32])
{
	time_t time = (time_t)seconds;
	struct tm tm;
	if (seconds <= 0 || !gmtime_r(&time, &tm) ||
	    strftime(text, 32, " # %Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = 0;
}

static const char *format_bool(bool value)
{
	return value ? "true" : "false";
}

int conf_encode(const struct cartridge_conf *conf, char **text, size_t *size)
{
	const struct cartridge_info *info = &conf->info;
	char uuid[37], created[32], locked[32], second[32] = "", *whole;
	format_uuid(info->uuid, uuid);
	format_date(info->created, created);
	format_date(info->locked_until, locked);
	if (info->partitions == 2)
		snprintf(second, sizeof(second), ", %" PRIu64 "L", info->partition_size[1]);
	int length = asprintf(
		&whole,
		CONF_FIRST_LINE "format = %d;\nbarcode = \"%s\";\nuuid = \"%s\";\n"
				"medium = \"%s\";\ncapacity = %" PRIu64 "L;\n"
				"partitions = [ %" PRIu64 "L%s ];\nworm = %s;\n"
				"write_protected = %s;\nlocked_until = %" PRId64 "L;%s\n"
				"created = %" PRId64 "L;%s\ncleanings = %u;\nepoch = %" PRIu64
				"L;\n" CONF_CHECKSUM,
		CARTRIDGE_FORMAT, info->barcode, uuid, info->medium, info->capacity,
		info->partition_size[0], second, format_bool(info->worm),
		format_bool(info->write_protected), info->locked_until, locked, info->created,
		created, info->cleanings, conf->epoch, UINT32_C(0));
	if (length < 0)
		return -ENOMEM;
	char *line = whole + length - (sizeof("checksum = \"crc32c:00000000\";\n") - 1);
	sprintf(line, CONF_CHECKSUM, crc32c(0, whole, (size_t)(line - whole)));
	*text = whole;
	*size = (size_t)length;
	return 0;
}

/* ---- reading --------------------------------------------------------------------------- */

static int parse_uuid(const char *text, uint8_t uuid[16])
{
	for (unsigned n = 0; n < 16; n++) {
		unsigned value;
		if ((n == 4 || n == 6 || n == 8 || n == 10) && *text++ != '-')
			return -EBADMSG;
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    sscanf(text, "%2x", &value) != 1)
			return -EBADMSG;
		uuid[n] = (uint8_t)value;
		text += 2;
	}
	return *text ? -EBADMSG : 0;
}

static int check_checksum(const char *text, size_t size)
{
	char wanted[64];
	const char *line = size > 1 ? memrchr(text, '\n', size - 1) : NULL;
	if (strncmp(text, CONF_FIRST_WORDS, strlen(CONF_FIRST_WORDS)) != 0 || !line)
		return -EBADMSG;
	line++;
	int length = snprintf(wanted, sizeof(wanted), CONF_CHECKSUM,
			      crc32c(0, text, (size_t)(line - text)));
	if ((size_t)length != size - (size_t)(line - text) || memcmp(line, wanted, (size_t)length))
		return -EBADMSG;
	return 0;
}

static int get_text(const config_t *config, const char *name, char *out, size_t room)
{
	const char *value;
	if (!config_lookup_string(config, name, &value) || strlen(value) >= room)
		return -EBADMSG;
	strcpy(out, value);
	return 0;
}

static int get_number(const config_t *config, const char *name, int64_t *out)
{
	long long value;
	if (!config_lookup_int64(config, name, &value) || value < 0)
		return -EBADMSG;
	*out = value;
	return 0;
}

static int get_bool(const config_t *config, const char *name, bool *out)
{
	int value;
	if (!config_lookup_bool(config, name, &value))
		return -EBADMSG;
	*out = value != 0;
	return 0;
}

static int get_partitions(const config_t *config, struct cartridge_info *info)
{
	const config_setting_t *list = config_lookup(config, "partitions");
	int count = list && config_setting_is_array(list) ? config_setting_length(list) : 0;
	if (count < 1 || count > (int)CARTRIDGE_PARTITIONS)
		return -EBADMSG;
	info->partitions = (unsigned)count;
	for (int n = 0; n < count; n++) {
		long long size = config_setting_get_int64_elem(list, n);
		if (size < 0)
			return -EBADMSG;
		info->partition_size[n] = (uint64_t)size;
	}
	return 0;
}

static int decode_settings(const config_t *config, struct cartridge_conf *conf)
{
	struct cartridge_info *info = &conf->info;
	char uuid[37];
	int64_t format, capacity, cleanings, epoch;
	if (get_number(config, "format", &format))
		return -EBADMSG;
	if (format != CARTRIDGE_FORMAT)
		return -EPROTONOSUPPORT;
	if (get_text(config, "barcode", info->barcode, sizeof(info->barcode)) ||
	    get_text(config, "uuid", uuid, sizeof(uuid)) || parse_uuid(uuid, info->uuid) ||
	    get_text(config, "medium", info->medium, sizeof(info->medium)) ||
	    get_number(config, "capacity", &capacity) || get_partitions(config, info) ||
	    get_bool(config, "worm", &info->worm) ||
	    get_bool(config, "write_protected", &info->write_protected) ||
	    get_number(config, "locked_until", &info->locked_until) ||
	    get_number(config, "created", &info->created) ||
	    get_number(config, "cleanings", &cleanings) || get_number(config, "epoch", &epoch))
		return -EBADMSG;
	if (cleanings > INT32_MAX)
		return -EBADMSG;
	info->capacity = (uint64_t)capacity;
	info->cleanings = (unsigned)cleanings;
	conf->epoch = (uint64_t)epoch;
	return conf_validate(info) ? -EBADMSG : 0;
}

int conf_decode(const char *text, size_t size, struct cartridge_conf *conf)
{
	struct cartridge_conf read = {0};
	config_t config;
	/* "@include" would read other files. */
	if (strlen(text) != size || strchr(text, '@') || check_checksum(text, size))
		return -EBADMSG;
	config_init(&config);
	int error = config_read_string(&config, text) ? decode_settings(&config, &read) : -EBADMSG;
	config_destroy(&config);
	if (!error)
		*conf = read;
	return error;
}

int conf_read(const char *folder, struct cartridge_conf *conf)
{
	CLEANUP_FREE char *path = mem_printf("%s/cartridge.conf", folder);
	CLEANUP_FREE char *text = NULL;
	size_t size;
	int error = file_read_regular(AT_FDCWD, path, CONF_LIMIT, &text, &size);
	if (error == -EFBIG || error == -EINVAL)
		return -EBADMSG;
	return error ? error : conf_decode(text, size, conf);
}

int conf_write(const char *folder, const struct cartridge_conf *conf)
{
	CLEANUP_FREE char *path = mem_printf("%s/cartridge.conf", folder);
	CLEANUP_FREE char *text = NULL;
	size_t size;
	int error = conf_encode(conf, &text, &size);
	return error ? error : file_replace(path, text, size, 0640);
}
