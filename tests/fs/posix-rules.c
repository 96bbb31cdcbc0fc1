/* SPDX-License-Identifier: MIT */
/* Rules between calls: who loses which bits when, what is refused how, what each handle sees. */
#include "tests/fs/posix.h"

#include <endian.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#define ALICE 65501
#define TEAM  65510
#define OTHER 65511

/* ---- set-ID bits and capabilities ---- */

static mode_t bits(const char *path)
{
	return stat_of(path).st_mode & 07777;
}

static void alice_changes_programs(void)
{
	int fd = OK(open("allocated", O_RDWR));
	if (fallocate(fd, 0, 0, 100) < 0)
		TRUE(errno == EOPNOTSUPP);
	else
		TRUE(bits("allocated") == 0777);
	OK(ftruncate(OK(open("cut", O_RDWR)), 3));
	OK(open("emptied", O_WRONLY | O_TRUNC));
	TRUE(pwrite(OK(open("both", O_RDWR)), "x", 1, 2) == 1);
	TRUE(write(OK(open("appended", O_WRONLY | O_APPEND)), "x", 1) == 1);
	int from = OK(open("cut", O_RDONLY)), to = OK(open("copied", O_RDWR));
	TRUE(copy_file_range(from, NULL, to, NULL, 3, 0) == 3);
}

static void rules_contents_take_set_id_bits(void)
{
	static const char *const names[] = {"allocated", "cut", "emptied", "both", "appended", "copied"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		make_text(names[i], "program");
		OK(chmod(names[i], 06777));
	}
	as_user(ALICE, TEAM, alice_changes_programs);
	for (size_t i = 1; i < sizeof(names) / sizeof(*names); i++)
		if (bits(names[i]) != 0777)
			posix_fail(__FILE__, __LINE__, names[i], "it has kept its bits");
	/* Whoever has the capability keeps them. */
	make_text("roots", "program");
	OK(chmod("roots", 06755));
	OK(truncate("roots", 3));
	TRUE(bits("roots") == 06755);
}

static void rules_contents_take_capabilities(void)
{
	/* Version 2, cap_net_raw permitted. */
	uint32_t capability[5] = {htole32(0x02000000), htole32(1 << 13)};
	char got[64];
	for (int how = 0; how < 4; how++) {
		make_text("f", "program");
		OK(setxattr("f", "security.capability", capability, sizeof(capability), 0));
		int fd = OK(open("f", how == 0 ? O_WRONLY : O_RDWR));
		if (how < 2)
			TRUE(write(fd, "x", 1) == 1);
		else if (how == 2)
			OK(ftruncate(fd, 2));
		else
			OK(fchown(fd, 5, 5));
		OK(close(fd));
		ERR(ENODATA, getxattr("f", "security.capability", got, sizeof(got)));
		OK(unlink("f"));
	}
}

static void alice_in_the_folder(void)
{
	umask(0);
	OK(close(OK(open("d/program", O_CREAT | O_WRONLY, 02775))));
	OK(mkdir("d/sub", 0755));
}

/* In a set-group-ID folder a stranger to its group makes no set-group-ID program. */
static void rules_setgid_folder(void)
{
	OK(mkdir("d", 0777));
	OK(chown("d", 0, OTHER));
	OK(chmod("d", 02777));
	as_user(ALICE, TEAM, alice_in_the_folder);
	TRUE(stat_of("d/program").st_gid == OTHER);
	TRUE(!(bits("d/program") & S_ISGID));
	TRUE(stat_of("d/sub").st_gid == OTHER && (bits("d/sub") & S_ISGID));
}

struct acl_bytes {
	uint32_t version;
	struct {
		uint16_t tag, permissions;
		uint32_t id;
	} entries[3];
};

static int set_list(const char *path)
{
	struct acl_bytes list = {htole32(2), {{htole16(1), htole16(7), UINT32_MAX},
					      {htole16(4), htole16(5), UINT32_MAX},
					      {htole16(32), htole16(5), UINT32_MAX}}};
	return setxattr(path, "system.posix_acl_access", &list, sizeof(list), 0);
}

static void alice_sets_lists(void)
{
	if (set_list("others") < 0 && errno == EOPNOTSUPP)
		posix_skip("this filesystem has no ACLs");
	OK(set_list("mine"));
	TRUE(bits("mine") == 02755);
	TRUE(bits("others") == 0755);
}

/* As chmod: set-group-ID for a group that one is not in does not stay. */
static void rules_access_list_takes_setgid(void)
{
	make_file("others", 02755);
	make_file("mine", 02755);
	OK(chown("others", ALICE, OTHER));
	OK(chown("mine", ALICE, TEAM));
	OK(chmod("others", 02755));
	OK(chmod("mine", 02755));
	as_user(ALICE, TEAM, alice_sets_lists);
	OK(chmod("others", 02755));
	OK(set_list("others"));
	TRUE(bits("others") == 02755);
}

/* ---- times ---- */

static void alice_sets_times(void)
{
	struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct timespec mixed[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
	OK(utimensat(AT_FDCWD, "writable", now, 0));
	OK(utimensat(AT_FDCWD, "writable", omit, 0));
	OK(utimensat(AT_FDCWD, "readable", omit, 0));
	ERR(EACCES, utimensat(AT_FDCWD, "readable", now, 0));
	ERR(EPERM, utimensat(AT_FDCWD, "writable", mixed, 0));
	OK(utimensat(AT_FDCWD, "mine", mixed, 0));
}

static void rules_times_of_others(void)
{
	make_file("writable", 0666);
	make_file("readable", 0644);
	make_file("mine", 0444);
	OK(chown("mine", ALICE, TEAM));
	struct stat before = stat_of("readable");
	tick();
	as_user(ALICE, TEAM, alice_sets_times);
	TRUE(ns_of(stat_of("readable").st_ctim) == ns_of(before.st_ctim));
}

static void rules_birth_time(void)
{
	struct statx x;
	make_file("f", 0644);
	struct stat before = stat_of("f");
	tick();
	make_text("f", "later");
	struct timespec old[2] = {{1, 0}, {1, 0}};
	OK(utimensat(AT_FDCWD, "f", old, 0));
	OK(statx(AT_FDCWD, "f", 0, STATX_ALL, &x));
	TRUE((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	TRUE(x.stx_mtime.tv_sec == 1 && x.stx_size == 5 && x.stx_ino == before.st_ino);
	if (!(x.stx_mask & STATX_BTIME))
		posix_skip("the time of birth is not told here");
	TRUE(x.stx_btime.tv_sec <= before.st_ctim.tv_sec && x.stx_btime.tv_sec + 60 > before.st_ctim.tv_sec);
}

/* ---- what is refused, and how ---- */

static void rules_fallocate_modes(void)
{
	static const int modes[] = {FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE,
				    FALLOC_FL_UNSHARE_RANGE};
	make_text("f", "contents");
	int fd = OK(open("f", O_RDWR));
	bool refused = true;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (fallocate(fd, modes[i], 0, 4096) < 0)
			TRUE(errno == EOPNOTSUPP || errno == EINVAL);
		else
			refused = false;
	ERR2(EOPNOTSUPP, EINVAL, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	ERR2(EOPNOTSUPP, EINVAL, fallocate(fd, 0x4000, 0, 4096));
	TRUE(!refused || has_text("f", "contents"));
	OK(mkfifo("p", 0600));
	ERR(ESPIPE, fallocate(OK(open("p", O_RDWR)), 0, 0, 10));
}

static void rules_seek_at_the_end(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	ERR(ENXIO, lseek(fd, 0, SEEK_DATA));
	ERR(ENXIO, lseek(fd, 0, SEEK_HOLE));
	TRUE(write(fd, "12345", 5) == 5);
	TRUE(lseek(fd, 4, SEEK_DATA) == 4 && lseek(fd, 4, SEEK_HOLE) == 5);
	ERR(ENXIO, lseek(fd, 5, SEEK_DATA));
	ERR(ENXIO, lseek(fd, 5, SEEK_HOLE));
	ERR(ENXIO, lseek(fd, -1, SEEK_DATA));
	ERR(EINVAL, lseek(fd, -1, SEEK_SET));
	ERR(EINVAL, lseek(fd, 0, 77));
	OK(ftruncate(fd, 1 << 20));
	/* Where holes are not kept, the end is the only one. */
	off_t hole = lseek(fd, (1 << 20) - 1, SEEK_HOLE);
	TRUE(hole == (1 << 20) - 1 || hole == 1 << 20);
}

static void rules_copy_range_errors(void)
{
	make_text("f", "0123456789");
	make_file("g", 0644);
	int r = OK(open("f", O_RDONLY)), w = OK(open("f", O_RDWR));
	int a = OK(open("g", O_WRONLY | O_APPEND)), d = OK(open(".", O_RDONLY));
	loff_t at = 0, to = 3, end = 10, beyond = 50;
	ERR(EBADF, copy_file_range(r, NULL, r, NULL, 5, 0));
	ERR(EBADF, copy_file_range(r, NULL, a, NULL, 5, 0));
	ERR2(EISDIR, EBADF, copy_file_range(d, NULL, w, NULL, 5, 0));
	ERR(EINVAL, copy_file_range(r, &at, w, &to, 5, 0));
	ERR(EINVAL, copy_file_range(r, NULL, w, NULL, 5, 1));
	int g = OK(open("g", O_RDWR));
	TRUE(copy_file_range(r, &end, g, NULL, 5, 0) == 0);
	TRUE(copy_file_range(r, &beyond, g, NULL, 5, 0) == 0);
	TRUE(copy_file_range(r, &at, g, NULL, 100, 0) == 10 && at == 10);
	TRUE(has_text("f", "0123456789") && has_text("g", "0123456789"));
}

static void rules_ioctls_are_refused(void)
{
	make_file("f", 0644);
	make_text("g", "text");
	int f = OK(open("f", O_RDWR)), g = OK(open("g", O_RDONLY));
	if (ioctl(f, FICLONE, g) < 0)
		TRUE(errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL || errno == EXDEV);
	else
		TRUE(has_text("f", "text"));
	ERR(ENOTTY, ioctl(f, 0x12345678, 0));
}

static void rules_links(void)
{
	char name[16], target[16], got[16], long_target[4097];
	OK(mkdir("d", 0755));
	ERR(EPERM, link("d", "e"));
	OK(symlink("missing", "l"));
	/* The link itself, and what it points to. */
	OK(linkat(AT_FDCWD, "l", AT_FDCWD, "m", 0));
	TRUE(S_ISLNK(stat_of("m").st_mode) && stat_of("m").st_nlink == 2);
	ERR(ENOENT, linkat(AT_FDCWD, "l", AT_FDCWD, "n", AT_SYMLINK_FOLLOW));
	TRUE(readlink("l", got, 3) == 3 && memcmp(got, "mis", 3) == 0);
	ERR(EINVAL, readlink("d", got, sizeof(got)));
	make_text("c0", "end");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(target, sizeof(target), "c%d", i - 1);
		OK(symlink(target, name));
	}
	TRUE(has_text("c40", "end"));
	ERR(ELOOP, open("c41", O_RDONLY));
	memset(long_target, 't', sizeof(long_target));
	long_target[4096] = 0;
	ERR(ENAMETOOLONG, symlink(long_target, "long"));
}

static void rules_dots(void)
{
	OK(mkdir("d", 0755));
	ERR(EINVAL, rmdir("d/."));
	ERR(ENOTEMPTY, rmdir("d/.."));
	ERR2(EISDIR, EPERM, unlink("d"));
	ERR2(EBUSY, EINVAL, rename("d/.", "e"));
	ERR2(EBUSY, EINVAL, rename("d", "d/."));
	ERR2(EEXIST, EBUSY, mkdir("d/.", 0755));
	make_file("f", 0644);
	ERR(ENOTDIR, rename("f", "g/"));
	OK(rename("d/", "e/"));
	TRUE(exists("e"));
}

static void rules_bad_memory(void)
{
	make_text("f", "text");
	int fd = OK(open("f", O_RDWR));
	void *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TRUE(none != MAP_FAILED);
	ERR(EFAULT, write(fd, none, 10));
	ERR(EFAULT, read(fd, none, 4));
	ERR(EFAULT, write(OK(open("f", O_WRONLY)), none, 10));
	TRUE(write(fd, "", 0) == 0 && stat_of("f").st_size == 4);
}

static void alice_tags(void)
{
	/* Only its owner gives a sticky folder attributes. */
	ERR(EPERM, setxattr("sticky", "user.a", "x", 1, 0));
	OK(setxattr("open", "user.a", "x", 1, 0));
}

static void rules_xattr_limits(void)
{
	static char value[65536], got[65536];
	make_file("f", 0644);
	OK(mkfifo("p", 0644));
	ERR(EPERM, setxattr("p", "user.a", "x", 1, 0));
	ERR2(ENODATA, EPERM, getxattr("p", "user.a", got, sizeof(got)));
	ERR2(EINVAL, EOPNOTSUPP, setxattr("f", "user.", "x", 1, 0));
	ERR(ERANGE, setxattr("f", "", "x", 1, 0));
	ERR(EINVAL, setxattr("f", "user.a", "x", 1, 77));
	memset(value, 'v', sizeof(value));
	if (setxattr("f", "user.a", value, sizeof(value), 0) == 0) {
		ERR(ERANGE, getxattr("f", "user.a", got, 65535));
		TRUE(getxattr("f", "user.a", got, 65536) == 65536 && got[65535] == 'v');
	} else {
		TRUE(errno == ENOSPC || errno == E2BIG);
	}
	OK(setxattr("f", "user.b", "", 0, 0));
	TRUE(getxattr("f", "user.b", NULL, 0) == 0);
	OK(mkdir("sticky", 0777));
	OK(chmod("sticky", 01777));
	OK(mkdir("open", 0777));
	OK(chmod("open", 0777));
	as_user(ALICE, TEAM, alice_tags);
}

/* ---- handles beside each other ---- */

static void rules_handles_see_each_other(void)
{
	char got[32] = "", page[4096];
	memset(page, 'p', sizeof(page));
	make_text("f", "0123456789");
	int r = OK(open("f", O_RDONLY));
	TRUE(pread(r, got, 10, 0) == 10);
	char *p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, r, 0);
	TRUE(p != MAP_FAILED && p[3] == '3');
	int w = OK(open("f", O_WRONLY));
	TRUE(pwrite(w, "abc", 3, 2) == 3);
	TRUE(memcmp(p, "01abc56789", 10) == 0);
	TRUE(pread(r, got, 10, 0) == 10 && memcmp(got, "01abc56789", 10) == 0);
	/* Longer, through the one; shorter, through another; seen by the third. */
	TRUE(pwrite(w, page, 4096, 4096) == 4096);
	TRUE(p[4096] == 'p' && p[10] == 0 && p[4095] == 0);
	OK(truncate("f", 4));
	TRUE(p[0] == '0' && p[4] == 0 && pread(r, got, 10, 0) == 4);
	TRUE(pwrite(w, "x", 1, 6) == 1);
	TRUE(pread(r, got, 10, 0) == 7 && memcmp(got, "01ab\0\0x", 7) == 0 && p[6] == 'x');
	int a = OK(open("f", O_WRONLY | O_APPEND));
	/* Linux appends with pwrite(2), too. */
	TRUE(pwrite(a, "end", 3, 0) == 3);
	TRUE(pread(r, got, 20, 0) == 10 && memcmp(got + 7, "end", 3) == 0 && memcmp(p + 7, "end", 3) == 0);
	/* Written through a map, read through a handle that came before it. */
	int b = OK(open("f", O_RDWR));
	char *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, b, 0);
	TRUE(q != MAP_FAILED);
	q[0] = 'Q';
	TRUE(pread(r, got, 1, 0) == 1 && got[0] == 'Q' && p[0] == 'Q');
	TRUE(pwrite(w, "W", 1, 0) == 1);
	TRUE(q[0] == 'W' && p[0] == 'W');
}

static void rules_read_only_for_writing(void)
{
	char c = 'x';
	/* git and tar: made without the right to write, and written. */
	int fd = OK(open("object", O_CREAT | O_EXCL | O_RDWR, 0444));
	TRUE(write(fd, &c, 1) == 1);
	OK(ftruncate(fd, 5));
	OK(fchmod(fd, 0400));
	TRUE(pwrite(fd, &c, 1, 4) == 1);
	OK(close(fd));
	TRUE(stat_of("object").st_size == 5 && bits("object") == 0400);
	OK(rename("object", "there"));
	/* Any handle can be synced. */
	fd = OK(open("there", O_RDONLY));
	OK(fsync(fd));
	OK(fdatasync(fd));
	int d = OK(open(".", O_RDONLY | O_DIRECTORY));
	OK(fsync(d));
	OK(fdatasync(d));
	OK(syncfs(d));
	OK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
}

static void rules_changes_are_told(void)
{
	char events[4096] __attribute__((aligned(8)));
	uint32_t seen = 0;
	OK(mkdir("d", 0755));
	int watch = OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	OK(inotify_add_watch(watch, "d", IN_ALL_EVENTS));
	make_text("d/f", "x");
	OK(chmod("d/f", 0600));
	OK(rename("d/f", "d/g"));
	OK(unlink("d/g"));
	ssize_t size = OK(read(watch, events, sizeof(events)));
	for (ssize_t at = 0; at < size;) {
		struct inotify_event e;
		memcpy(&e, events + at, sizeof(e));
		seen |= e.mask;
		at += (ssize_t)(sizeof(e) + e.len);
	}
	uint32_t wanted = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM |
			  IN_MOVED_TO | IN_DELETE;
	TRUE((seen & wanted) == wanted);
}

const struct posix_case posix_rules_cases[] = {
	{"rules-contents-take-set-id-bits", rules_contents_take_set_id_bits, true},
	{"rules-contents-take-capabilities", rules_contents_take_capabilities, true},
	{"rules-setgid-folder", rules_setgid_folder, true},
	{"rules-access-list-takes-setgid", rules_access_list_takes_setgid, true},
	{"rules-times-of-others", rules_times_of_others, true},
	{"rules-birth-time", rules_birth_time},
	{"rules-fallocate-modes", rules_fallocate_modes},
	{"rules-seek-at-the-end", rules_seek_at_the_end},
	{"rules-copy-range-errors", rules_copy_range_errors},
	{"rules-ioctls-are-refused", rules_ioctls_are_refused},
	{"rules-links", rules_links},
	{"rules-dots", rules_dots},
	{"rules-bad-memory", rules_bad_memory},
	{"rules-xattr-limits", rules_xattr_limits, true},
	{"rules-handles-see-each-other", rules_handles_see_each_other},
	{"rules-read-only-for-writing", rules_read_only_for_writing},
	{"rules-changes-are-told", rules_changes_are_told},
	{NULL},
};
