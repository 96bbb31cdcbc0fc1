/* SPDX-License-Identifier: MIT */
/*
 * The barcodes that are taken, also by libraries that are not served: what stands in
 * their places is in their file, what is on the shelf only in their folder. Made when
 * a new barcode is to be given, with service->admin held; a copy, which needs no lock.
 */
#ifndef TARGET_SERVICE_KNOWN_H
#define TARGET_SERVICE_KNOWN_H

#include "target/service/service.h"

/* What is known of one library's tapes. */
struct known_tapes {
	char name[LIBRARY_FILE_MAX];
	char *folder; /* NULL: its file cannot be read */
	char (*placed)[BARCODE_MAX + 1];
	size_t placed_count;
};
/* -ENOMEM; by known_tapes_clear(). */
int known_tapes_of(const struct library_config *config, struct known_tapes *tapes);
int known_tapes_copy(const struct known_tapes *tapes, struct known_tapes *copy);
void known_tapes_clear(struct known_tapes *tapes);

struct known {
	struct known_tapes *libraries;
	size_t count;
};
/* Of all libraries. -ENOMEM; by known_free(). */
int known_new(struct service *service, struct known *known);
void known_free(struct known *known);
#define CLEANUP_KNOWN __attribute__((cleanup(known_free)))

/* -ENODEV and a sentence: there is a library of which nobody knows what tapes it has. */
int known_check_all(const struct known *known, char message[256]);
/* -EEXIST and a sentence: a library has a tape of this barcode, deleted ones not counted. What stands in
 * the places of `library` (NULL: none) without a folder is a tape that was lost, and can be made again. */
int known_check_free(const struct known *known, const char *barcode, const char *library,
		     char message[256]);
/* All barcodes, those that were deleted too; some of them twice. */
void known_each(const struct known *known, void (*see)(void *context, const char *barcode), void *context);

#endif
