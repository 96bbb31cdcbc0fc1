/* SPDX-License-Identifier: MIT */
/* cartridge.conf: what a cartridge is, as text. granary-cartridge(5). */
#ifndef TARGET_TAPE_CARTRIDGE_CONF_H
#define TARGET_TAPE_CARTRIDGE_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "target/tape/cartridge.h"

#define CARTRIDGE_FORMAT 1

struct cartridge_conf {
	struct cartridge_info info;
	uint64_t epoch; /* counts format()s: an index of a lesser one is of a tape that is gone */
};

/* The caller's to free. 0 or -ENOMEM. */
int conf_encode(const struct cartridge_conf *conf, char **text, size_t *size);
/* `text` has a NUL after its `size` bytes. -EBADMSG, -EPROTONOSUPPORT. */
int conf_decode(const char *text, size_t size, struct cartridge_conf *conf);
int conf_read(const char *folder, struct cartridge_conf *conf);
/* Durable when it returns. */
int conf_write(const char *folder, const struct cartridge_conf *conf);
/* 0, or -EINVAL: no barcode, unknown medium, sizes of nothing... */
int conf_validate(const struct cartridge_info *info);

#endif
