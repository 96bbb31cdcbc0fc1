/* SPDX-License-Identifier: MIT */
/* open(2), creat(2) and what their flags mean. */
#include "tests/fs/posix.h"

static void open_create_mode(void)
{
	umask(027);
	OK(close(OK(open("f", O_CREAT | O_WRONLY, 0666))));
	TRUE((stat_of("f").st_mode & 07777) == 0640);
	TRUE(stat_of("f").st_size == 0 && stat_of("f").st_nlink == 1);
	OK(close(OK(open("odd", O_CREAT | O_RDWR, 0))));
	TRUE((stat_of("odd").st_mode & 07777) == 0);
	/* The mode of a new file does not bind the handle that made it. */
	int fd = OK(open("readonly", O_CREAT | O_RDWR, 0400));
	TRUE(write(fd, "x", 1) == 1);
	OK(close(fd));
}

static void open_create_updates_parent(void)
{
	OK(mkdir("d", 0755));
	struct stat before = stat_of("d");
	tick();
	make_file("d/f", 0644);
	struct stat after = stat_of("d");
	TRUE(ns_of(after.st_mtim) > ns_of(before.st_mtim));
	TRUE(ns_of(after.st_ctim) > ns_of(before.st_ctim));
	/* Opening what is there changes nothing in the folder. */
	tick();
	OK(close(OK(open("d/f", O_CREAT | O_WRONLY, 0644))));
	TRUE(ns_of(stat_of("d").st_mtim) == ns_of(after.st_mtim));
}

static void open_exclusive(void)
{
	make_file("f", 0644);
	OK(mkdir("d", 0755));
	OK(symlink("missing", "dangling"));
	ERR(EEXIST, open("f", O_CREAT | O_EXCL | O_WRONLY, 0644));
	ERR(EEXIST, open("d", O_CREAT | O_EXCL | O_WRONLY, 0644));
	ERR(EEXIST, open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644));
	TRUE(!exists("missing"));
	OK(close(OK(open("dangling", O_CREAT | O_WRONLY, 0644))));
	TRUE(exists("missing"));
}

static void open_truncate(void)
{
	make_text("f", "some text");
	struct stat before = stat_of("f");
	tick();
	OK(close(OK(open("f", O_WRONLY | O_TRUNC))));
	struct stat after = stat_of("f");
	TRUE(after.st_size == 0 && after.st_blocks == 0);
	TRUE(ns_of(after.st_mtim) > ns_of(before.st_mtim));
	TRUE(ns_of(after.st_ctim) > ns_of(before.st_ctim));
	make_text("f", "again");
	OK(close(OK(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644))));
	TRUE(has_text("f", ""));
}

static void open_append(void)
{
	make_text("f", "one");
	int a = OK(open("f", O_WRONLY | O_APPEND)), b = OK(open("f", O_WRONLY | O_APPEND));
	TRUE(write(a, "two", 3) == 3);
	TRUE(write(b, "three", 5) == 5);
	TRUE(lseek(a, 0, SEEK_SET) == 0);
	TRUE(write(a, "four", 4) == 4);
	TRUE(has_text("f", "onetwothreefour"));
	OK(close(a));
	OK(close(b));
}

static void open_kinds(void)
{
	make_file("f", 0644);
	OK(mkdir("d", 0755));
	OK(symlink("f", "l"));
	ERR(EISDIR, open("d", O_WRONLY));
	ERR(EISDIR, open("d", O_RDWR));
	ERR2(EISDIR, EINVAL, open("d", O_RDONLY | O_CREAT, 0644));
	ERR(ENOTDIR, open("f", O_RDONLY | O_DIRECTORY));
	ERR(ENOTDIR, open("l", O_RDONLY | O_DIRECTORY));
	ERR(ELOOP, open("l", O_RDONLY | O_NOFOLLOW));
	OK(close(OK(open("l", O_PATH | O_NOFOLLOW))));
	ERR(ENOTDIR, open("f/x", O_RDONLY));
	ERR(ENOTDIR, open("f/x", O_RDWR | O_CREAT, 0644));
	ERR(ENOENT, open("missing", O_RDONLY));
	ERR(ENOENT, open("missing/x", O_RDWR | O_CREAT, 0644));
	ERR(ENOENT, open("", O_RDONLY));
	ERR(EISDIR, open("d/", O_RDWR | O_CREAT, 0644));
	ERR2(EISDIR, ENOENT, open("new/", O_RDWR | O_CREAT, 0644));
}

static void open_loop(void)
{
	OK(symlink("b", "a"));
	OK(symlink("a", "b"));
	ERR(ELOOP, open("a", O_RDONLY));
	ERR(ELOOP, open("a/x", O_RDONLY));
	ERR(ELOOP, mkdir("a/x", 0755));
	ERR(ELOOP, unlink("b/x"));
}

static void open_fifo(void)
{
	OK(mkfifo("p", 0644));
	ERR(ENXIO, open("p", O_WRONLY | O_NONBLOCK));
	int r = OK(open("p", O_RDONLY | O_NONBLOCK)), w = OK(open("p", O_WRONLY | O_NONBLOCK));
	char c = 0;
	TRUE(write(w, "z", 1) == 1 && read(r, &c, 1) == 1 && c == 'z');
	TRUE(stat_of("p").st_size == 0);
}

static void open_tmpfile(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0644);
	if (fd < 0) {
		/* A clean refusal leaves nothing behind and is what programs fall back from. */
		TRUE(errno == EOPNOTSUPP);
		return;
	}
	TRUE(write(fd, "x", 1) == 1);
	struct stat st;
	OK(fstat(fd, &st));
	TRUE(st.st_nlink == 0);
	OK(close(fd));
}

static void open_handles_are_their_own(void)
{
	make_text("f", "0123456789");
	char c;
	int a = OK(open("f", O_RDONLY)), b = OK(open("f", O_RDWR));
	TRUE(lseek(a, 4, SEEK_SET) == 4);
	TRUE(read(b, &c, 1) == 1 && c == '0');
	TRUE(read(a, &c, 1) == 1 && c == '4');
	ERR(EBADF, write(a, "x", 1));
	int w = OK(open("f", O_WRONLY));
	ERR(EBADF, read(w, &c, 1));
}

static void open_unlinked_lives_on(void)
{
	char buffer[8] = "";
	make_text("f", "alive");
	int fd = OK(open("f", O_RDWR));
	OK(unlink("f"));
	TRUE(!exists("f"));
	struct stat st;
	OK(fstat(fd, &st));
	TRUE(st.st_nlink == 0 && st.st_size == 5);
	TRUE(pread(fd, buffer, 5, 0) == 5 && memcmp(buffer, "alive", 5) == 0);
	TRUE(pwrite(fd, "!", 1, 5) == 1);
	OK(ftruncate(fd, 3));
	OK(fchmod(fd, 0600));
	TRUE(pread(fd, buffer, 8, 0) == 3);
	/* The name is free for another file, with another inode. */
	make_text("f", "new");
	TRUE(stat_of("f").st_ino != st.st_ino);
	TRUE(pread(fd, buffer, 8, 0) == 3 && memcmp(buffer, "ali", 3) == 0);
	OK(close(fd));
}

static void open_at(void)
{
	OK(mkdir("d", 0755));
	int d = OK(open("d", O_RDONLY | O_DIRECTORY));
	OK(close(OK(openat(d, "f", O_CREAT | O_WRONLY, 0644))));
	TRUE(exists("d/f"));
	OK(renameat(d, "f", AT_FDCWD, "g"));
	TRUE(exists("g") && !exists("d/f"));
	/* A folder that is gone takes no new names. */
	OK(rmdir("d"));
	ERR(ENOENT, openat(d, "f", O_CREAT | O_WRONLY, 0644));
	ERR(ENOENT, mkdirat(d, "x", 0755));
	struct stat st;
	OK(fstat(d, &st));
	TRUE(S_ISDIR(st.st_mode));
}

const struct posix_case posix_open_cases[] = {
	{"open-create-mode", open_create_mode},
	{"open-create-updates-parent", open_create_updates_parent},
	{"open-exclusive", open_exclusive},
	{"open-truncate", open_truncate},
	{"open-append", open_append},
	{"open-kinds", open_kinds},
	{"open-loop", open_loop},
	{"open-fifo", open_fifo},
	{"open-tmpfile", open_tmpfile},
	{"open-handles-are-their-own", open_handles_are_their_own},
	{"open-unlinked-lives-on", open_unlinked_lives_on},
	{"open-at", open_at},
	{NULL},
};
