/* SPDX-License-Identifier: MIT */
/* Medium auxiliary memory: attributes in two files that are written in turn. */
#ifndef TARGET_TAPE_CARTRIDGE_MAM_H
#define TARGET_TAPE_CARTRIDGE_MAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/tape/cartridge.h"

#define MAM_HOST_MAX   (16u << 10) /* bytes of host attributes, MAM_ENTRY for each among them */
#define MAM_OTHERS_MAX (16u << 10) /* bytes of the drive's and the medium's */
#define MAM_ENTRY      6u
#define MAM_HEADER     32u
#define MAM_FILE_MAX   (MAM_HEADER + MAM_HOST_MAX + MAM_OTHERS_MAX)

struct mam_entry {
	uint8_t partition; /* 0 for those of the whole tape */
	struct cartridge_attribute attribute; /* its value is the list's */
};

struct mam {
	struct mam_entry *entries; /* by partition and id */
	size_t count, room;
	uint64_t generation;
	bool dirty;
};

void mam_free(struct mam *mam);
/* As cartridge_attribute(), cartridge_next_attribute(). */
int mam_get(const struct mam *mam, unsigned partition, uint16_t id,
	    struct cartridge_attribute *attribute);
int mam_next(const struct mam *mam, unsigned partition, uint16_t id,
	     struct cartridge_attribute *attribute);
int mam_set(struct mam *mam, unsigned partition, const struct cartridge_attribute *attribute);
/* What partition 1 has goes. */
void mam_drop_partition(struct mam *mam, unsigned partition);

/* A file's bytes; *data is the caller's. */
int mam_encode(const struct mam *mam, uint8_t **data, size_t *size);
/* -EBADMSG, -EPROTONOSUPPORT, -ENOMEM. `mam` is empty before, and after an error. */
int mam_decode(const uint8_t *data, size_t size, struct mam *mam);
/* The newer of the two that is whole. */
int mam_load(int folder, struct mam *mam);
/* Into the older one, durably. */
int mam_store(int folder, struct mam *mam);

#endif
