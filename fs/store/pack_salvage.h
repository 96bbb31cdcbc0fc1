/* SPDX-License-Identifier: MIT */
/*
 * A pack of which directory and tail are damaged both: what they still say is
 * believed as far as the data proves it. A region is there if its bytes have
 * their checksum, a chunk if its bytes in a region have its fingerprint.
 */
#ifndef FS_STORE_PACK_SALVAGE_H
#define FS_STORE_PACK_SALVAGE_H

#include <stdbool.h>

#include "fs/store/pack_rebuild.h"

/* Slots that are not proven have no size and no region, regions that are not have none either.
 * 0; -EBADMSG: nothing is proven; -ENOMEM. */
int pack_salvage(const struct pack_source *source, const struct pack_header *header,
		 struct pack_directory *directory);
/* Each region is there and has slots, in their order: it can be encoded. */
bool pack_directory_is_orderly(const struct pack_directory *directory);

#endif
