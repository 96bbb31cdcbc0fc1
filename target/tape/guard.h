/* SPDX-License-Identifier: MIT */
/*
 * Protection information of logical blocks (SSC-5 4.2.29, IBM LTO SCSI Reference GA32-0928 4.9 and
 * annex D): four bytes that a host sends behind each block, and gets back with it.
 */
#ifndef TARGET_TAPE_GUARD_H
#define TARGET_TAPE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_SIZE 4u /* bytes, of every method */

/* LOGICAL BLOCK PROTECTION METHOD of mode page 0Ah/F0h. */
enum guard_method { GUARD_NONE = 0, GUARD_REED_SOLOMON = 1, GUARD_CRC32C = 2 };

/* Of these bytes, with a method that is not GUARD_NONE. */
void guard_put(enum guard_method method, const void *data, size_t size, uint8_t guard[GUARD_SIZE]);
bool guard_holds(enum guard_method method, const void *data, size_t size,
		 const uint8_t guard[GUARD_SIZE]);

#endif
