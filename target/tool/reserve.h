/* SPDX-License-Identifier: MIT */
/*
 * Reserve: nobody else uses a drive while granary-tape moves its tape.
 *
 * RESERVE(6) of SPC-2 comes first, as it ends with the session: nothing is left behind by kill -9 or a cut
 * cable. A persistent reservation would be, and lock the drive for everybody; it is for drives that know no
 * RESERVE(6), as SPC-4 allows.
 */
#ifndef TARGET_TOOL_RESERVE_H
#define TARGET_TOOL_RESERVE_H

#include "target/tool/initiator.h"

enum reserve_kind { RESERVE_NONE, RESERVE_SESSION, RESERVE_PERSISTENT };

struct reserve {
	enum reserve_kind kind; /* NONE too when the drive knows neither */
	int lun;
	uint8_t key[8];
};

#define RESERVE_CONFLICT "another initiator has reserved the drive; try again when it is free"

/* 0, -EBUSY when another initiator has it, -EIO with `words` about another answer, or when the session is
 * lost. */
int reserve_take(struct initiator *i, int lun, struct reserve *r, char *words, size_t size);
/* Says nothing where it fails: the session ends anyhow. */
void reserve_drop(struct initiator *i, struct reserve *r);

#endif
