/* SPDX-License-Identifier: MIT */
/* Attributes: chmod, chown, truncate, time stamps, statvfs. */
#include "tests/fs/posix.h"

#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>

static void chmod_sets_all_bits(void)
{
	make_file("f", 0644);
	OK(mkdir("d", 0755));
	for (mode_t mode = 0; mode <= 07777; mode += 0321) {
		OK(chmod("f", mode));
		TRUE((stat_of("f").st_mode & 07777) == mode);
		TRUE(S_ISREG(stat_of("f").st_mode));
	}
	OK(chmod("d", 01777));
	TRUE((stat_of("d").st_mode & 07777) == 01777);
	struct stat before = stat_of("d");
	tick();
	OK(chmod("d", 0700));
	TRUE(ns_of(stat_of("d").st_ctim) > ns_of(before.st_ctim));
	TRUE(ns_of(stat_of("d").st_mtim) == ns_of(before.st_mtim));
	int fd = OK(open("f", O_RDONLY));
	OK(fchmod(fd, 0600));
	TRUE((stat_of("f").st_mode & 07777) == 0600);
	OK(symlink("f", "l"));
	OK(chmod("l", 0640));
	TRUE((stat_of("f").st_mode & 07777) == 0640);
	ERR(ENOENT, chmod("missing", 0644));
	ERR(ENOTDIR, chmod("f/x", 0644));
}

static void chown_sets_owner(void)
{
	make_file("f", 0644);
	OK(symlink("f", "l"));
	OK(chown("f", 123, 456));
	TRUE(stat_of("f").st_uid == 123 && stat_of("f").st_gid == 456);
	OK(chown("f", (uid_t)-1, 789));
	TRUE(stat_of("f").st_uid == 123 && stat_of("f").st_gid == 789);
	OK(chown("f", 321, (gid_t)-1));
	TRUE(stat_of("f").st_uid == 321 && stat_of("f").st_gid == 789);
	OK(lchown("l", 5, 6));
	TRUE(stat_of("l").st_uid == 5 && stat_of("f").st_uid == 321);
	OK(chown("f", 4000000000u, 4000000001u));
	TRUE(stat_of("f").st_uid == 4000000000u && stat_of("f").st_gid == 4000000001u);
	struct stat before = stat_of("f");
	tick();
	OK(chown("f", 1, 1));
	TRUE(ns_of(stat_of("f").st_ctim) > ns_of(before.st_ctim));
	ERR(ENOENT, chown("missing", 1, 1));
}

static void chown_clears_setuid(void)
{
	make_file("f", 0755);
	OK(chmod("f", 06755));
	OK(chown("f", 1, 1));
	TRUE((stat_of("f").st_mode & 07777) == 0755);
	/* Set-group-ID without group execution is mandatory locking, and stays. */
	OK(chmod("f", 02644));
	OK(chown("f", 2, 2));
	TRUE((stat_of("f").st_mode & 07777) == 02644 || (stat_of("f").st_mode & 07777) == 0644);
	OK(mkdir("d", 0755));
	OK(chmod("d", 02755));
	OK(chown("d", 1, 1));
	TRUE((stat_of("d").st_mode & 07777) == 02755);
}

static void setgid_is_inherited(void)
{
	OK(mkdir("d", 0755));
	OK(chown("d", 0, 77));
	OK(chmod("d", 02775));
	make_file("d/f", 0644);
	OK(mkdir("d/e", 0755));
	OK(symlink("x", "d/l"));
	TRUE(stat_of("d/f").st_gid == 77);
	TRUE(stat_of("d/l").st_gid == 77);
	TRUE(stat_of("d/e").st_gid == 77 && (stat_of("d/e").st_mode & S_ISGID));
	TRUE(!(stat_of("d/f").st_mode & S_ISGID));
}

static void truncate_changes_size(void)
{
	char buffer[32] = "";
	make_text("f", "0123456789");
	struct stat before = stat_of("f");
	tick();
	OK(truncate("f", 4));
	TRUE(has_text("f", "0123"));
	TRUE(ns_of(stat_of("f").st_mtim) > ns_of(before.st_mtim));
	TRUE(ns_of(stat_of("f").st_ctim) > ns_of(before.st_ctim));
	OK(truncate("f", 12));
	int fd = OK(open("f", O_RDWR));
	TRUE(read(fd, buffer, sizeof(buffer)) == 12 && memcmp(buffer, "0123\0\0\0\0\0\0\0\0", 12) == 0);
	OK(ftruncate(fd, 0));
	OK(ftruncate(fd, 100000));
	TRUE(stat_of("f").st_size == 100000 && stat_of("f").st_blocks <= 16);
	/* What was cut off does not come back. */
	TRUE(pwrite(fd, "secret", 6, 50) == 6);
	OK(ftruncate(fd, 52));
	OK(ftruncate(fd, 60));
	TRUE(pread(fd, buffer, 10, 50) == 10 && memcmp(buffer, "se\0\0\0\0\0\0\0\0", 10) == 0);
}

static void truncate_errors(void)
{
	make_file("f", 0644);
	OK(mkdir("d", 0755));
	int r = OK(open("f", O_RDONLY));
	ERR2(EINVAL, EBADF, ftruncate(r, 0));
	ERR(EISDIR, truncate("d", 0));
	ERR(ENOENT, truncate("missing", 0));
	ERR(ENOTDIR, truncate("f/x", 0));
	ERR(EINVAL, truncate("f", -1));
}

static void times_are_set_to_the_nanosecond(void)
{
	make_file("f", 0644);
	OK(symlink("f", "l"));
	struct timespec times[2] = {{1234567890, 123456789}, {987654321, 987654321}};
	OK(utimensat(AT_FDCWD, "f", times, 0));
	struct stat st = stat_of("f");
	TRUE(ns_of(st.st_atim) == ns_of(times[0]) && ns_of(st.st_mtim) == ns_of(times[1]));
	struct timespec other[2] = {{0, UTIME_OMIT}, {1, 1}};
	OK(utimensat(AT_FDCWD, "f", other, 0));
	st = stat_of("f");
	TRUE(ns_of(st.st_atim) == ns_of(times[0]) && ns_of(st.st_mtim) == 1000000001);
	/* Before 1970, and after 2106. */
	struct timespec far[2] = {{-1000, 5}, {5000000000, 7}};
	OK(utimensat(AT_FDCWD, "f", far, 0));
	st = stat_of("f");
	TRUE(ns_of(st.st_atim) == ns_of(far[0]) && ns_of(st.st_mtim) == ns_of(far[1]));
	OK(utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW));
	TRUE(ns_of(stat_of("l").st_mtim) == ns_of(times[1]));
	TRUE(ns_of(stat_of("f").st_mtim) == ns_of(far[1]));
	struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	time_t begin = time(NULL);
	OK(utimensat(AT_FDCWD, "f", now, 0));
	TRUE(stat_of("f").st_mtim.tv_sec >= begin - 1 && stat_of("f").st_atim.tv_sec >= begin - 1);
	struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
	ERR(EINVAL, utimensat(AT_FDCWD, "f", bad, 0));
	ERR(ENOENT, utimensat(AT_FDCWD, "missing", times, 0));
}

static void times_follow_what_is_done(void)
{
	char c;
	make_text("f", "x");
	struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
	OK(utimensat(AT_FDCWD, "f", old, 0));
	struct stat before = stat_of("f");
	tick();
	int fd = OK(open("f", O_RDWR));
	/* relatime: older than the modification, so a read moves it (or never, with noatime). */
	TRUE(read(fd, &c, 1) == 1);
	struct stat after = stat_of("f");
	TRUE(ns_of(after.st_mtim) == ns_of(before.st_mtim));
	tick();
	TRUE(pwrite(fd, "y", 1, 0) == 1);
	after = stat_of("f");
	TRUE(ns_of(after.st_mtim) > ns_of(before.st_mtim));
	TRUE(ns_of(after.st_ctim) > ns_of(before.st_ctim));
	/* A write of nothing and a failed write leave the times alone. */
	tick();
	TRUE(write(fd, "", 0) == 0);
	TRUE(ns_of(stat_of("f").st_mtim) == ns_of(after.st_mtim));
	OK(close(fd));
	tick();
	TRUE(ns_of(stat_of("f").st_mtim) == ns_of(after.st_mtim));
}

static void inode_numbers_are_unique(void)
{
	ino_t seen[64];
	for (int i = 0; i < 64; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%d", i);
		make_file(name, 0644);
		seen[i] = stat_of(name).st_ino;
		for (int j = 0; j < i; j++)
			TRUE(seen[j] != seen[i]);
	}
	TRUE(stat_of("f0").st_dev == stat_of(".").st_dev);
}

static void statvfs_tells(void)
{
	struct statvfs sv;
	OK(statvfs(".", &sv));
	TRUE(sv.f_bsize >= 512 && sv.f_frsize >= 512);
	TRUE(sv.f_blocks > 0 && sv.f_bfree <= sv.f_blocks && sv.f_bavail <= sv.f_bfree);
	TRUE(sv.f_namemax == 255);
	TRUE(sv.f_ffree <= sv.f_files);
}

const struct posix_case posix_attr_cases[] = {
	{"chmod-sets-all-bits", chmod_sets_all_bits, true},
	{"chown-sets-owner", chown_sets_owner, true},
	{"chown-clears-setuid", chown_clears_setuid, true},
	{"setgid-is-inherited", setgid_is_inherited, true},
	{"truncate-changes-size", truncate_changes_size},
	{"truncate-errors", truncate_errors},
	{"times-are-set-to-the-nanosecond", times_are_set_to_the_nanosecond},
	{"times-follow-what-is-done", times_follow_what_is_done},
	{"inode-numbers-are-unique", inode_numbers_are_unique},
	{"statvfs-tells", statvfs_tells},
	{NULL},
};
