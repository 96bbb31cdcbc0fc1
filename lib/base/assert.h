/* SPDX-License-Identifier: MIT */
/*
 * Assertions that stay on in production. They state what this program itself
 * guarantees; they are never applied to what a disk, a wire or a user sent.
 */
#ifndef LIB_BASE_ASSERT_H
#define LIB_BASE_ASSERT_H

#include <assert.h>
#include <errno.h>

/* Ends the process with the place and the broken invariant on the log. */
_Noreturn void assert_failed(const char *file, int line, const char *function, const char *what);

#define ASSERT(condition)                                                                          \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0))                                             \
			assert_failed(__FILE__, __LINE__, __func__, #condition);                   \
	} while (0)

/* Object magic: the first member of a struct is `uint32_t magic`. */
#define ASSERT_OBJECT(pointer, value)                                                              \
	do {                                                                                       \
		ASSERT((pointer) != NULL);                                                         \
		ASSERT((pointer)->magic == (value));                                               \
	} while (0)

#endif
