/* SPDX-License-Identifier: MIT */
/* Names: mkdir, rmdir, unlink, link, symlink, readlink, mknod. */
#include "tests/fs/posix.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static void mkdir_makes(void)
{
	umask(022);
	struct stat before = stat_of(".");
	tick();
	OK(mkdir("d", 0777));
	struct stat st = stat_of("d");
	TRUE(S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0755);
	TRUE(ns_of(stat_of(".").st_mtim) > ns_of(before.st_mtim));
	/* Two links, or one where a filesystem does not count them. */
	TRUE(st.st_nlink == 2 || st.st_nlink == 1);
	if (st.st_nlink == 2) {
		OK(mkdir("d/a", 0755));
		OK(mkdir("d/b", 0755));
		TRUE(stat_of("d").st_nlink == 4);
		OK(rmdir("d/a"));
		TRUE(stat_of("d").st_nlink == 3);
	}
	TRUE(stat_of("d/..").st_ino == stat_of(".").st_ino);
	TRUE(stat_of("d/.").st_ino == st.st_ino);
	OK(mkdir("slash/", 0700));
	TRUE(exists("slash"));
}

static void mkdir_errors(void)
{
	make_file("f", 0644);
	OK(mkdir("d", 0755));
	OK(symlink("nowhere", "l"));
	ERR(EEXIST, mkdir("d", 0755));
	ERR(EEXIST, mkdir("f", 0755));
	ERR(EEXIST, mkdir("l", 0755));
	ERR(EEXIST, mkdir(".", 0755));
	ERR(EEXIST, mkdir("d/..", 0755));
	ERR(ENOENT, mkdir("a/b", 0755));
	ERR(ENOTDIR, mkdir("f/b", 0755));
	ERR(ENOENT, mkdir("", 0755));
}

static void rmdir_removes(void)
{
	OK(mkdir("d", 0755));
	struct stat before = stat_of(".");
	tick();
	OK(rmdir("d"));
	TRUE(!exists("d"));
	TRUE(ns_of(stat_of(".").st_mtim) > ns_of(before.st_mtim));
	OK(mkdir("d", 0755));
}

static void rmdir_errors(void)
{
	OK(mkdir("d", 0755));
	make_file("d/f", 0644);
	OK(symlink("d", "l"));
	ERR2(ENOTEMPTY, EEXIST, rmdir("d"));
	ERR(ENOTDIR, rmdir("d/f"));
	ERR(ENOTDIR, rmdir("l"));
	ERR(ENOENT, rmdir("missing"));
	ERR(ENOTDIR, rmdir("d/f/x"));
	ERR(EINVAL, rmdir("d/."));
	ERR2(ENOTEMPTY, EINVAL, rmdir("d/.."));
	TRUE(exists("d/f"));
	/* The only entry is a name that has been renamed away. */
	OK(rename("d/f", "f"));
	OK(rmdir("d"));
}

static void unlink_removes(void)
{
	make_file("f", 0644);
	OK(link("f", "g"));
	struct stat before = stat_of("g");
	tick();
	OK(unlink("f"));
	TRUE(stat_of("g").st_nlink == 1);
	TRUE(ns_of(stat_of("g").st_ctim) > ns_of(before.st_ctim));
	TRUE(ns_of(stat_of("g").st_mtim) == ns_of(before.st_mtim));
	OK(unlink("g"));
	ERR(ENOENT, unlink("g"));
	OK(symlink("x", "l"));
	OK(unlink("l"));
	OK(mkfifo("p", 0644));
	OK(unlink("p"));
	TRUE(!exists("l") && !exists("p"));
}

static void unlink_errors(void)
{
	OK(mkdir("d", 0755));
	make_file("f", 0644);
	ERR2(EISDIR, EPERM, unlink("d"));
	ERR(ENOENT, unlink("missing"));
	ERR(ENOTDIR, unlink("f/x"));
	ERR(ENOTDIR, unlink("f/"));
	TRUE(exists("d") && exists("f"));
}

static void link_links(void)
{
	make_text("f", "text");
	struct stat before = stat_of("f");
	tick();
	OK(link("f", "g"));
	struct stat f = stat_of("f"), g = stat_of("g");
	TRUE(f.st_ino == g.st_ino && f.st_nlink == 2 && g.st_nlink == 2);
	TRUE(ns_of(f.st_ctim) > ns_of(before.st_ctim));
	int fd = OK(open("g", O_WRONLY | O_APPEND));
	TRUE(write(fd, "!", 1) == 1);
	OK(close(fd));
	TRUE(has_text("f", "text!"));
	OK(chmod("g", 0600));
	TRUE((stat_of("f").st_mode & 07777) == 0600);
	OK(mkdir("d", 0755));
	OK(link("g", "d/h"));
	TRUE(stat_of("f").st_nlink == 3);
	OK(symlink("f", "l"));
	OK(link("l", "l2"));
	TRUE(S_ISLNK(stat_of("l2").st_mode) && stat_of("l").st_nlink == 2);
	OK(mkfifo("p", 0644));
	OK(link("p", "q"));
	TRUE(stat_of("q").st_ino == stat_of("p").st_ino);
}

static void link_errors(void)
{
	make_file("f", 0644);
	OK(mkdir("d", 0755));
	ERR(EEXIST, link("f", "d"));
	ERR(EEXIST, link("f", "f"));
	ERR(EPERM, link("d", "e"));
	ERR(ENOENT, link("missing", "g"));
	ERR(ENOENT, link("f", "missing/g"));
	ERR(ENOTDIR, link("f", "f/g"));
	ERR(ENOTDIR, link("f/x", "g"));
	TRUE(stat_of("f").st_nlink == 1);
}

static void symlink_holds_its_target(void)
{
	char target[4096], got[4096];
	OK(symlink("some/where", "l"));
	struct stat st = stat_of("l");
	TRUE(S_ISLNK(st.st_mode) && st.st_size == 10);
	TRUE(readlink("l", got, sizeof(got)) == 10 && memcmp(got, "some/where", 10) == 0);
	TRUE(readlink("l", got, 4) == 4);
	memset(target, 'x', sizeof(target));
	target[4095] = 0;
	OK(symlink(target, "long"));
	TRUE(readlink("long", got, sizeof(got)) == 4095 && memcmp(got, target, 4095) == 0);
	TRUE(stat_of("long").st_size == 4095);
	make_text("f", "through");
	OK(symlink("f", "good"));
	TRUE(has_text("good", "through"));
	OK(mkdir("d", 0755));
	OK(symlink("..", "d/up"));
	TRUE(has_text("d/up/f", "through"));
}

static void symlink_errors(void)
{
	char target[PATH_MAX + 1], got[16];
	make_file("f", 0644);
	ERR(EEXIST, symlink("x", "f"));
	ERR(ENOENT, symlink("x", "missing/l"));
	ERR(ENOTDIR, symlink("x", "f/l"));
	ERR(ENOENT, symlink("", "l"));
	memset(target, 'x', sizeof(target));
	target[PATH_MAX] = 0;
	ERR(ENAMETOOLONG, symlink(target, "l"));
	ERR(EINVAL, readlink("f", got, sizeof(got)));
	ERR(ENOENT, readlink("missing", got, sizeof(got)));
}

static void mknod_makes_special_files(void)
{
	OK(mknod("c", S_IFCHR | 0600, makedev(1, 3)));
	OK(mknod("b", S_IFBLK | 0640, makedev(259, 70000)));
	OK(mknod("p", S_IFIFO | 0644, 0));
	OK(mknod("s", S_IFSOCK | 0644, 0));
	OK(mknod("f", S_IFREG | 0644, 0));
	struct stat c = stat_of("c"), b = stat_of("b");
	TRUE(S_ISCHR(c.st_mode) && major(c.st_rdev) == 1 && minor(c.st_rdev) == 3);
	TRUE(S_ISBLK(b.st_mode) && major(b.st_rdev) == 259 && minor(b.st_rdev) == 70000);
	TRUE((b.st_mode & 07777) == 0640);
	TRUE(S_ISFIFO(stat_of("p").st_mode) && S_ISSOCK(stat_of("s").st_mode));
	TRUE(S_ISREG(stat_of("f").st_mode) && stat_of("f").st_size == 0);
	ERR(EEXIST, mknod("c", S_IFIFO | 0600, 0));
	ERR2(EPERM, EINVAL, mknod("d", S_IFDIR | 0755, 0));
	TRUE(stat_of("c").st_size == 0);
}

static void socket_binds(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int server = OK(socket(AF_UNIX, SOCK_STREAM, 0)), client = OK(socket(AF_UNIX, SOCK_STREAM, 0));
	OK(bind(server, (struct sockaddr *)&address, sizeof(address)));
	OK(listen(server, 1));
	TRUE(S_ISSOCK(stat_of("sock").st_mode));
	OK(connect(client, (struct sockaddr *)&address, sizeof(address)));
	OK(unlink("sock"));
	ERR(ENOENT, connect(client, (struct sockaddr *)&address, sizeof(address)));
}

static void names_are_bytes(void)
{
	static const char *const names[] = {"a b", "tab\there", "new\nline", "\xff\xfe", "ünï", "'\"\\", "*?[", "-rf", "..."};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[64];
		snprintf(path, sizeof(path), "./%s", names[i]);
		make_text(path, names[i]);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[64];
		snprintf(path, sizeof(path), "./%s", names[i]);
		TRUE(has_text(path, names[i]));
	}
	make_file("Case", 0644);
	TRUE(!exists("case"));
}

const struct posix_case posix_name_cases[] = {
	{"mkdir-makes", mkdir_makes},
	{"mkdir-errors", mkdir_errors},
	{"rmdir-removes", rmdir_removes},
	{"rmdir-errors", rmdir_errors},
	{"unlink-removes", unlink_removes},
	{"unlink-errors", unlink_errors},
	{"link-links", link_links},
	{"link-errors", link_errors},
	{"symlink-holds-its-target", symlink_holds_its_target},
	{"symlink-errors", symlink_errors},
	{"mknod-makes-special-files", mknod_makes_special_files, true},
	{"socket-binds", socket_binds},
	{"names-are-bytes", names_are_bytes},
	{NULL},
};
