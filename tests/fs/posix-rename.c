/* SPDX-License-Identifier: MIT */
/* rename(2) and renameat2(2). */
#include "tests/fs/posix.h"

static int rename2(const char *from, const char *to, unsigned flags)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void rename_moves(void)
{
	make_text("f", "text");
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	struct stat f = stat_of("f"), a = stat_of("a");
	tick();
	OK(rename("f", "a/g"));
	TRUE(!exists("f") && has_text("a/g", "text"));
	TRUE(stat_of("a/g").st_ino == f.st_ino);
	TRUE(ns_of(stat_of("a").st_mtim) > ns_of(a.st_mtim));
	TRUE(ns_of(stat_of("a/g").st_mtim) == ns_of(f.st_mtim));
	OK(rename("a", "b/c"));
	TRUE(has_text("b/c/g", "text"));
	TRUE(stat_of("b/c/..").st_ino == stat_of("b").st_ino);
	OK(symlink("x", "l"));
	OK(rename("l", "m"));
	TRUE(S_ISLNK(stat_of("m").st_mode));
	OK(mkfifo("p", 0644));
	OK(rename("p", "b/q"));
	TRUE(S_ISFIFO(stat_of("b/q").st_mode));
}

static void rename_counts_links(void)
{
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mkdir("a/d", 0755));
	if (stat_of("a").st_nlink != 3)
		posix_skip("this filesystem does not count a folder's links");
	OK(rename("a/d", "b/d"));
	TRUE(stat_of("a").st_nlink == 2 && stat_of("b").st_nlink == 3);
	OK(mkdir("a/d", 0755));
	OK(rename("a/d", "b/d"));
	TRUE(stat_of("a").st_nlink == 2 && stat_of("b").st_nlink == 3);
}

static void rename_replaces(void)
{
	make_text("new", "new");
	make_text("old", "old");
	OK(link("old", "other"));
	int fd = OK(open("old", O_RDONLY));
	struct stat fresh = stat_of("new");
	OK(rename("new", "old"));
	TRUE(!exists("new") && has_text("old", "new") && stat_of("old").st_ino == fresh.st_ino);
	TRUE(stat_of("other").st_nlink == 1);
	char buffer[4] = "";
	TRUE(read(fd, buffer, 3) == 3 && memcmp(buffer, "old", 3) == 0);
	OK(mkdir("d", 0755));
	OK(mkdir("e", 0755));
	make_file("d/f", 0644);
	OK(rename("d", "e"));
	TRUE(exists("e/f") && !exists("d"));
}

static void rename_same_file(void)
{
	make_file("f", 0644);
	OK(rename("f", "f"));
	OK(link("f", "g"));
	/* Two names of one file: nothing happens. */
	OK(rename("f", "g"));
	TRUE(exists("f") && exists("g") && stat_of("f").st_nlink == 2);
}

static void rename_errors(void)
{
	make_file("f", 0644);
	OK(mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	OK(mkdir("empty", 0755));
	ERR(ENOENT, rename("missing", "x"));
	ERR(ENOENT, rename("f", "missing/x"));
	ERR(EISDIR, rename("f", "empty"));
	ERR(ENOTDIR, rename("empty", "f"));
	ERR2(ENOTEMPTY, EEXIST, rename("empty", "d"));
	ERR(EINVAL, rename("d", "d/e/x"));
	ERR(EINVAL, rename("d", "d/x"));
	ERR2(ENOTEMPTY, EEXIST, rename("d/e", "d"));
	ERR(ENOTDIR, rename("f/x", "y"));
	ERR(ENOTDIR, rename("f", "f/x"));
	ERR2(EBUSY, EINVAL, rename("d/.", "x"));
	ERR2(EBUSY, EINVAL, rename("d", "empty/.."));
	ERR(ENOENT, rename("", "x"));
	ERR(ENOTDIR, rename("f", "new/"));
	TRUE(exists("f") && exists("d/e") && exists("empty"));
}

static void rename_noreplace(void)
{
	make_text("a", "a");
	make_text("b", "b");
	OK(mkdir("d", 0755));
	ERR(EEXIST, rename2("a", "b", RENAME_NOREPLACE));
	ERR(EEXIST, rename2("a", "d", RENAME_NOREPLACE));
	ERR(EEXIST, rename2("a", "a", RENAME_NOREPLACE));
	TRUE(has_text("a", "a") && has_text("b", "b"));
	OK(rename2("a", "c", RENAME_NOREPLACE));
	TRUE(has_text("c", "a") && !exists("a"));
	ERR(ENOENT, rename2("a", "e", RENAME_NOREPLACE));
}

static void rename_exchange(void)
{
	make_text("f", "f");
	OK(mkdir("d", 0755));
	OK(mkdir("sub", 0755));
	make_text("d/in", "in");
	OK(rename2("f", "d", RENAME_EXCHANGE));
	TRUE(has_text("d", "f") && has_text("f/in", "in"));
	OK(rename2("d", "f", RENAME_EXCHANGE));
	OK(mkdir("sub/e", 0755));
	nlink_t links = stat_of("sub").st_nlink;
	OK(rename2("f", "sub/e", RENAME_EXCHANGE));
	TRUE(S_ISDIR(stat_of("f").st_mode) && has_text("sub/e", "f"));
	TRUE(links == 1 || stat_of("sub").st_nlink == links - 1);
	TRUE(stat_of("f/..").st_ino == stat_of(".").st_ino);
	ERR(ENOENT, rename2("f", "missing", RENAME_EXCHANGE));
	ERR(EINVAL, rename2("d", "d/in", RENAME_EXCHANGE));
	ERR(EINVAL, rename2("d/in", "d", RENAME_EXCHANGE));
	ERR(EINVAL, rename2("d", "f", RENAME_EXCHANGE | RENAME_NOREPLACE));
}

static void rename_whiteout_or_refusal(void)
{
	make_text("a", "a");
	if (rename2("a", "b", RENAME_WHITEOUT) == 0) {
		TRUE(has_text("b", "a"));
		return;
	}
	TRUE(errno == EINVAL || errno == EPERM);
	TRUE(has_text("a", "a") && !exists("b"));
}

static void rename_open_file(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	TRUE(write(fd, "one", 3) == 3);
	OK(rename("f", "g"));
	TRUE(write(fd, "two", 3) == 3);
	TRUE(has_text("g", "onetwo"));
	OK(mkdir("d", 0755));
	int d = OK(open("d", O_RDONLY | O_DIRECTORY));
	OK(rename("d", "e"));
	OK(close(OK(openat(d, "x", O_CREAT | O_WRONLY, 0644))));
	TRUE(exists("e/x"));
}

/* Replacing a name by rename is never seen half done. */
static void rename_is_atomic(void)
{
	make_text("target", "0000");
	pid_t child = OK(fork());
	if (child == 0) {
		for (int i = 0; i < 400; i++) {
			char text[8], name[8];
			snprintf(text, sizeof(text), "%04d", i);
			snprintf(name, sizeof(name), "t%d", i % 3);
			make_text(name, text);
			OK(rename(name, "target"));
		}
		_exit(0);
	}
	int status = -1, seen = 0;
	while (waitpid(child, &status, WNOHANG) == 0) {
		char buffer[8] = "";
		int fd = OK(open("target", O_RDONLY));
		TRUE(read(fd, buffer, sizeof(buffer)) == 4);
		int now = atoi(buffer);
		TRUE(now >= seen);
		seen = now;
		OK(close(fd));
	}
	TRUE(status == 0);
}

static void rename_deep_directory(void)
{
	OK(mkdir("a", 0755));
	OK(mkdir("a/b", 0755));
	OK(mkdir("a/b/c", 0755));
	OK(mkdir("x", 0755));
	make_text("a/b/c/f", "deep");
	OK(rename("a/b", "x/b"));
	TRUE(has_text("x/b/c/f", "deep") && !exists("a/b"));
	TRUE(stat_of("x/b/..").st_ino == stat_of("x").st_ino);
	OK(rmdir("a"));
}

const struct posix_case posix_rename_cases[] = {
	{"rename-moves", rename_moves},
	{"rename-counts-links", rename_counts_links},
	{"rename-replaces", rename_replaces},
	{"rename-same-file", rename_same_file},
	{"rename-errors", rename_errors},
	{"rename-noreplace", rename_noreplace},
	{"rename-exchange", rename_exchange},
	{"rename-whiteout-or-refusal", rename_whiteout_or_refusal},
	{"rename-open-file", rename_open_file},
	{"rename-is-atomic", rename_is_atomic},
	{"rename-deep-directory", rename_deep_directory},
	{NULL},
};
