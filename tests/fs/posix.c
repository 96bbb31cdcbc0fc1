/* SPDX-License-Identifier: MIT */
/*
 * The runner of the POSIX suite.
 *   posix-suite DIR [NAME...]   runs all cases, or those whose name begins so
 * A line a case, "ok NAME" or "not ok NAME: why", then a count. Exit 0 when none failed.
 */
#include "tests/fs/posix.h"

#include <ftw.h>
#include <grp.h>
#include <time.h>

static const struct posix_case *const groups[] = {
	posix_open_cases,  posix_name_cases, posix_rename_cases, posix_attr_cases, posix_perm_cases,
	posix_xattr_cases, posix_acl_cases,  posix_io_cases,     posix_space_cases, posix_map_cases,
	posix_dir_cases,   posix_lock_cases, posix_limit_cases, posix_rules_cases,
};

#define STATUS_SKIPPED 77

_Noreturn void posix_fail(const char *file, int line, const char *what, const char *got)
{
	const char *base = strrchr(file, '/');
	printf("    %s:%d: %s: %s\n", base ? base + 1 : file, line, what, got);
	fflush(stdout);
	_exit(1);
}

long posix_succeed(long result, const char *file, int line, const char *what)
{
	if (result == -1)
		posix_fail(file, line, what, strerror(errno));
	return result;
}

_Noreturn void posix_skip(const char *reason)
{
	printf("    left out: %s\n", reason);
	fflush(stdout);
	_exit(STATUS_SKIPPED);
}

void make_file(const char *path, mode_t mode)
{
	int fd = OK(open(path, O_CREAT | O_EXCL | O_WRONLY, mode));
	OK(fchmod(fd, mode));
	OK(close(fd));
}

void make_text(const char *path, const char *text)
{
	int fd = OK(open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644));
	TRUE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	OK(close(fd));
}

struct stat stat_of(const char *path)
{
	struct stat st;
	OK(lstat(path, &st));
	return st;
}

bool exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

bool has_text(const char *path, const char *text)
{
	char buffer[65536];
	int fd = OK(open(path, O_RDONLY));
	ssize_t n = OK(read(fd, buffer, sizeof(buffer)));
	OK(close(fd));
	return (size_t)n == strlen(text) && memcmp(buffer, text, (size_t)n) == 0;
}

void as_user(uid_t uid, gid_t gid, void (*run)(void))
{
	int status;
	fflush(stdout);
	pid_t child = OK(fork());
	if (child == 0) {
		OK(setgroups(0, NULL));
		OK(setresgid(gid, gid, gid));
		OK(setresuid(uid, uid, uid));
		run();
		_exit(0);
	}
	OK(waitpid(child, &status, 0));
	TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
}

void tick(void)
{
	/* Coarser than the kernel's timer, finer than a person notices. */
	nanosleep(&(struct timespec){.tv_nsec = 15000000}, NULL);
}

int64_t ns_of(struct timespec ts)
{
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	(void)st;
	(void)flag;
	(void)walk;
	return remove(path);
}

/* 0 passed, 1 failed, STATUS_SKIPPED. */
static int case_run(const struct posix_case *c)
{
	int status;
	if (c->needs_root && geteuid() != 0)
		return STATUS_SKIPPED;
	OK(mkdir(c->name, 0755));
	OK(chmod(c->name, 0755));
	fflush(stdout);
	pid_t child = OK(fork());
	if (child == 0) {
		umask(022);
		OK(chdir(c->name));
		alarm(300);
		c->run();
		fflush(stdout);
		_exit(0);
	}
	OK(waitpid(child, &status, 0));
	nftw(c->name, remove_one, 64, FTW_DEPTH | FTW_PHYS);
	if (exists(c->name)) {
		printf("    what the case made cannot be removed\n");
		return 1;
	}
	if (!WIFEXITED(status)) {
		printf("    ended by signal %d\n", WTERMSIG(status));
		return 1;
	}
	return WEXITSTATUS(status) == STATUS_SKIPPED ? STATUS_SKIPPED : WEXITSTATUS(status) != 0;
}

static bool case_chosen(const struct posix_case *c, int argc, char **argv)
{
	if (argc <= 2)
		return true;
	for (int i = 2; i < argc; i++)
		if (strncmp(c->name, argv[i], strlen(argv[i])) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0, skipped = 0;
	if (argc < 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: posix-suite DIR [NAME...]\n");
		return 2;
	}
	for (size_t g = 0; g < sizeof(groups) / sizeof(*groups); g++) {
		for (const struct posix_case *c = groups[g]; c->name; c++) {
			if (!case_chosen(c, argc, argv))
				continue;
			int result = case_run(c);
			printf("%s %s\n", result == 0 ? "ok" : result == 1 ? "not ok" : "skip", c->name);
			passed += result == 0;
			failed += result == 1;
			skipped += result == STATUS_SKIPPED;
		}
	}
	printf("%u cases passed, %u failed, %u left out\n", passed, failed, skipped);
	return failed || !passed;
}
