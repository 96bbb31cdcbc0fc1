/* SPDX-License-Identifier: MIT */
/* What the files of the cartridge share. */
#ifndef TARGET_TAPE_CARTRIDGE_PRIVATE_H
#define TARGET_TAPE_CARTRIDGE_PRIVATE_H

#include "target/tape/cartridge.h"
#include "target/tape/cartridge_conf.h"
#include "target/tape/cartridge_mam.h"
#include "target/tape/cartridge_partition.h"

#define CARTRIDGE_MAGIC 0x63617274u

struct cartridge {
	uint32_t magic;
	enum cartridge_mode mode;
	char *path;
	int folder, lock;
	struct cartridge_conf conf;
	struct partition partitions[CARTRIDGE_PARTITIONS];
	unsigned open_partitions;
	struct mam mam;
	int sync_error;	 /* of a commit: nothing more becomes durable */
	int write_error; /* of a write: what came before can still be committed */
};

/* NULL for a partition that the tape does not have. */
struct partition *cartridge_partition(const struct cartridge *c, unsigned partition);
/* 0, or why nothing may be written: -EROFS, or the error that made it so. */
int cartridge_may_change(const struct cartridge *c);
struct partition_identity cartridge_identity(const struct cartridge *c);

#endif
