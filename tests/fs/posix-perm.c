/* SPDX-License-Identifier: MIT */
/* Permissions, as other users see them. All need root, to become those. */
#include "tests/fs/posix.h"

#define ALICE 65501
#define BOB   65502
#define TEAM  65510

static void alice_denied(void)
{
	ERR(EACCES, open("secret", O_RDONLY));
	ERR(EACCES, open("secret", O_WRONLY));
	ERR(EACCES, truncate("secret", 0));
	ERR(EACCES, access("secret", R_OK));
	ERR(EACCES, open("closed/f", O_RDONLY));
	ERR(EACCES, mkdir("readonly/x", 0755));
	ERR(EACCES, unlink("readonly/f"));
	ERR(EACCES, rename("readonly/f", "readonly/g"));
	ERR(EACCES, symlink("x", "readonly/l"));
	ERR(EACCES, open("readonly/new", O_CREAT | O_WRONLY, 0644));
	ERR(EPERM, chmod("secret", 0777));
	ERR(EPERM, chown("secret", ALICE, ALICE));
	OK(close(OK(open("readonly/f", O_RDONLY))));
}

static void perm_bits_bind(void)
{
	make_file("secret", 0600);
	OK(mkdir("closed", 0700));
	make_file("closed/f", 0644);
	OK(mkdir("readonly", 0755));
	make_file("readonly/f", 0644);
	as_user(ALICE, TEAM, alice_denied);
}

static void alice_group(void)
{
	OK(close(OK(open("group", O_RDWR))));
	ERR(EACCES, open("not-group", O_RDONLY));
	ERR(EACCES, open("owner-denied", O_RDONLY));
	OK(chmod("owner-denied", 0400));
	OK(close(OK(open("owner-denied", O_RDONLY))));
}

static void perm_class_is_the_first_that_fits(void)
{
	make_file("group", 0060);
	OK(chown("group", 0, TEAM));
	make_file("not-group", 0604);
	OK(chown("not-group", 0, TEAM));
	make_file("owner-denied", 0077);
	OK(chown("owner-denied", ALICE, TEAM));
	as_user(ALICE, TEAM, alice_group);
}

static void alice_sticky(void)
{
	ERR2(EPERM, EACCES, unlink("tmp/bobs"));
	ERR2(EPERM, EACCES, rename("tmp/bobs", "tmp/x"));
	make_file("tmp/mine", 0644);
	ERR2(EPERM, EACCES, rename("tmp/mine", "tmp/bobs"));
	ERR2(EPERM, EACCES, rmdir("tmp/bobs-folder"));
	OK(rename("tmp/mine", "tmp/still-mine"));
	OK(unlink("tmp/still-mine"));
}

static void perm_sticky_folder(void)
{
	OK(mkdir("tmp", 0777));
	OK(chmod("tmp", 01777));
	make_file("tmp/bobs", 0666);
	OK(chown("tmp/bobs", BOB, BOB));
	OK(mkdir("tmp/bobs-folder", 0777));
	OK(chown("tmp/bobs-folder", BOB, BOB));
	as_user(ALICE, TEAM, alice_sticky);
}

static void alice_owner(void)
{
	OK(chmod("mine", 0640));
	OK(chown("mine", (uid_t)-1, TEAM));
	ERR(EPERM, chown("mine", BOB, (gid_t)-1));
	ERR(EPERM, chown("mine", (uid_t)-1, BOB));
	/* Set-group-ID for a group that one is not in does not stick. */
	OK(chmod("others-group", 02755));
	TRUE(!(stat_of("others-group").st_mode & S_ISGID));
	struct timespec times[2] = {{1, 0}, {2, 0}};
	OK(utimensat(AT_FDCWD, "mine", times, 0));
	ERR(EPERM, utimensat(AT_FDCWD, "writable", times, 0));
	OK(utimensat(AT_FDCWD, "writable", NULL, 0));
	ERR(EACCES, utimensat(AT_FDCWD, "readable", NULL, 0));
}

static void perm_owner_rights(void)
{
	make_file("mine", 0600);
	OK(chown("mine", ALICE, ALICE));
	make_file("others-group", 0755);
	OK(chown("others-group", ALICE, BOB));
	make_file("writable", 0666);
	make_file("readable", 0644);
	as_user(ALICE, TEAM, alice_owner);
}

static void alice_writes(void)
{
	int fd = OK(open("suid", O_WRONLY));
	TRUE(write(fd, "x", 1) == 1);
	OK(close(fd));
	OK(truncate("suid2", 1));
}

static void perm_write_clears_setuid(void)
{
	make_text("suid", "program");
	make_text("suid2", "program");
	OK(chmod("suid", 06777));
	OK(chmod("suid2", 06777));
	as_user(ALICE, TEAM, alice_writes);
	TRUE((stat_of("suid").st_mode & 07777) == 0777);
	TRUE((stat_of("suid2").st_mode & 07777) == 0777);
}

static void alice_creates(void)
{
	make_file("open/f", 0644);
	OK(mkdir("open/d", 0755));
	TRUE(stat_of("open/f").st_uid == ALICE && stat_of("open/f").st_gid == TEAM);
	TRUE(stat_of("open/d").st_uid == ALICE && stat_of("open/d").st_gid == TEAM);
	OK(symlink("x", "open/l"));
	TRUE(stat_of("open/l").st_uid == ALICE);
	OK(mkfifo("open/p", 0644));
	TRUE(stat_of("open/p").st_uid == ALICE);
	ERR(EPERM, mknod("open/c", S_IFCHR | 0644, 0x0103));
}

static void perm_new_files_are_their_makers(void)
{
	OK(mkdir("open", 0777));
	OK(chmod("open", 0777));
	as_user(ALICE, TEAM, alice_creates);
}

static void alice_searches(void)
{
	OK(close(OK(open("search/f", O_RDONLY))));
	ERR(EACCES, open("search", O_RDONLY | O_DIRECTORY));
	ERR(EACCES, stat("list/f", &(struct stat){0}));
	OK(close(OK(open("list", O_RDONLY | O_DIRECTORY))));
	ERR(EACCES, link("list/f", "here/x"));
}

static void perm_search_and_list(void)
{
	OK(mkdir("search", 0711));
	make_file("search/f", 0644);
	OK(mkdir("list", 0744));
	OK(chmod("list", 0744));
	make_file("list/f", 0644);
	OK(mkdir("here", 0777));
	as_user(ALICE, TEAM, alice_searches);
}

static void perm_access_tells(void)
{
	make_file("f", 0644);
	OK(access("f", R_OK | W_OK));
	ERR(EACCES, access("f", X_OK));
	OK(chmod("f", 0755));
	OK(access("f", X_OK));
	ERR(ENOENT, access("missing", F_OK));
}

const struct posix_case posix_perm_cases[] = {
	{"perm-bits-bind", perm_bits_bind, true},
	{"perm-class-is-the-first-that-fits", perm_class_is_the_first_that_fits, true},
	{"perm-sticky-folder", perm_sticky_folder, true},
	{"perm-owner-rights", perm_owner_rights, true},
	{"perm-write-clears-setuid", perm_write_clears_setuid, true},
	{"perm-new-files-are-their-makers", perm_new_files_are_their_makers, true},
	{"perm-search-and-list", perm_search_and_list, true},
	{"perm-access-tells", perm_access_tells, true},
	{NULL},
};
