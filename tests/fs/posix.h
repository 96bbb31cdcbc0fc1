/* SPDX-License-Identifier: MIT */
/*
 * The POSIX suite: what Linux programs expect of a filesystem, call by call,
 * error codes included. It runs on any folder, so that the machine's native
 * filesystem is its own control. Every case runs in a process of its own, in a
 * fresh folder that is its working directory, with umask 022.
 *
 * A case ends the process at the first expectation that does not hold.
 */
#ifndef TESTS_FS_POSIX_H
#define TESTS_FS_POSIX_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct posix_case {
	const char *name;
	void (*run)(void);
	bool needs_root;
};

/* One array a file, ended by a NULL name. */
extern const struct posix_case posix_open_cases[], posix_name_cases[], posix_rename_cases[],
	posix_attr_cases[], posix_perm_cases[], posix_xattr_cases[], posix_acl_cases[],
	posix_io_cases[], posix_space_cases[], posix_map_cases[], posix_dir_cases[],
	posix_lock_cases[], posix_limit_cases[], posix_rules_cases[];

_Noreturn void posix_fail(const char *file, int line, const char *what, const char *got);
/* The result, unless it is -1: then the case has failed. */
long posix_succeed(long result, const char *file, int line, const char *what);
/* Ends the case as passed-over, with a reason: for what a filesystem may leave out. */
_Noreturn void posix_skip(const char *reason);

/* The call must succeed; its value. */
#define OK(call) posix_succeed((long)(call), __FILE__, __LINE__, #call)
/* The call must fail with this error. */
#define ERR(error, call)                                                                           \
	do {                                                                                       \
		errno = 0;                                                                         \
		long err_ = (long)(call);                                                          \
		if (err_ != -1)                                                                    \
			posix_fail(__FILE__, __LINE__, #call " must fail: " #error, "it succeeded"); \
		if (errno != (error))                                                              \
			posix_fail(__FILE__, __LINE__, #call " must fail: " #error, strerror(errno)); \
	} while (0)
/* The call must fail with one of two errors, where the standard leaves the choice. */
#define ERR2(error, other, call)                                                                   \
	do {                                                                                       \
		errno = 0;                                                                         \
		long err_ = (long)(call);                                                          \
		if (err_ != -1 || (errno != (error) && errno != (other)))                          \
			posix_fail(__FILE__, __LINE__, #call " must fail: " #error " or " #other,   \
				   err_ != -1 ? "it succeeded" : strerror(errno));                 \
	} while (0)
#define TRUE(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			posix_fail(__FILE__, __LINE__, #condition, "it does not hold");            \
	} while (0)

/* ---- helpers ---- */
/* An empty file, or one with these bytes; closed again. */
void make_file(const char *path, mode_t mode);
void make_text(const char *path, const char *text);
struct stat stat_of(const char *path); /* lstat */
bool exists(const char *path);
/* Contents equal. */
bool has_text(const char *path, const char *text);
/* Runs `run` in a child with this uid and gid and no capabilities; it must pass. */
void as_user(uid_t uid, gid_t gid, void (*run)(void));
/* Waits until a new time stamp differs from those taken before. */
void tick(void);
int64_t ns_of(struct timespec ts);

#endif
