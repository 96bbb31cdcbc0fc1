/* SPDX-License-Identifier: MIT */
/* How access rows and texts stand in files; for the files of this folder. */
#ifndef TARGET_SERVICE_ACCESS_IO_H
#define TARGET_SERVICE_ACCESS_IO_H

#include <stdio.h>

#include "target/service/library.h"
#include "target/service/reader.h"

/* The list "access" of a group, without secrets. */
void access_read(struct reader *r, config_setting_t *group, struct access_list *list);
void access_write(FILE *out, const struct access_list *list);
/* NAME.secrets for NAME.conf; the caller's to free. */
char *access_secrets_path(const char *path);

/* A text in quotes. */
void text_write(FILE *out, const char *text);
/* A stream in memory to a file, atomically: `size` bytes of `data`, which a memory stream sets when it is
 * closed here. -errno, logged. */
int text_replace(const char *path, FILE *out, char **data, size_t *size, mode_t mode);

/* What stands in files: "transport", "storage", "import", "drive". */
const char *element_word(enum element_type type);

#endif
