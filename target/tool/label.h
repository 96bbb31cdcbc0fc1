/* SPDX-License-Identifier: MIT */
/* Labels of backup software, by the first bytes of a block. */
#ifndef TARGET_TOOL_LABEL_H
#define TARGET_TOOL_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What it is, in words; false where it is none that is known. */
bool label_recognise(const uint8_t *data, size_t size, char *words, size_t words_size);

#endif
