/* SPDX-License-Identifier: MIT */
/*
 * Settings out of a file of ours (libconfig). The first thing that is wrong is
 * kept as `error`, and in a sentence with file and line; it makes everything after
 * it do nothing: ask once, at the end. Values are never put into a message: some are
 * secrets.
 */
#ifndef TARGET_SERVICE_READER_H
#define TARGET_SERVICE_READER_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/service/library.h"

#define READER_FILE_MAX (16u << 20) /* bytes */

struct reader {
	const char *path;
	config_t config;
	int error; /* 0 or -errno */
	char message[LIBRARY_MESSAGE];
};

/* Takes the text apart; `version` is the only one that is known. Returns r->error; to be closed in
 * any case. -EPROTONOSUPPORT for a version of later. */
int reader_open(struct reader *r, const char *path, const char *text, unsigned version);
/* Gives the error, and its sentence. */
int reader_close(struct reader *r, char message[LIBRARY_MESSAGE]);
config_setting_t *reader_root(struct reader *r);

/* One clear sentence about a setting (NULL: the file), once. */
__attribute__((format(printf, 3, 4))) void reader_wrong(struct reader *r,
							const config_setting_t *setting,
							const char *format, ...);

/* A group has only these settings; the names end with NULL. */
void reader_known(struct reader *r, config_setting_t *group, const char *const *names);
/* Text of at least one character that fits, with its NUL, into `size`; the optional one may be
 * missing or empty. */
void reader_text(struct reader *r, config_setting_t *group, const char *name, char *text,
		 size_t size);
void reader_optional_text(struct reader *r, config_setting_t *group, const char *name, char *text,
			  size_t size);
/* A whole number up to `most`; the optional one keeps *value when it is missing. */
void reader_number(struct reader *r, config_setting_t *group, const char *name, uint64_t most,
		   uint64_t *value);
void reader_optional_number(struct reader *r, config_setting_t *group, const char *name,
			    uint64_t most, uint64_t *value);
/* False when it is missing. */
void reader_flag(struct reader *r, config_setting_t *group, const char *name, bool *value);
/* Exactly `size` bytes in hexadecimal; dashes between them do not count. */
void reader_bytes(struct reader *r, config_setting_t *group, const char *name, uint8_t *bytes,
		  size_t size);
/* A group; NULL after an error. */
config_setting_t *reader_group(struct reader *r, config_setting_t *group, const char *name);
/* A list of at most `most` groups; *count is 0 when it is missing, or after an error. */
config_setting_t *reader_list(struct reader *r, config_setting_t *group, const char *name,
			      size_t most, size_t *count);

#endif
