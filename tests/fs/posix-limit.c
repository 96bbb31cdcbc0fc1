/* SPDX-License-Identifier: MIT */
/* Limits: long names, long paths, deep trees, files of terabytes. */
#include "tests/fs/posix.h"

#include <sys/resource.h>
#include <signal.h>

static void limit_names(void)
{
	char name[300], other[300];
	memset(name, 'n', sizeof(name));
	name[255] = 0;
	make_text(name, "long");
	TRUE(has_text(name, "long"));
	OK(mkdir("d", 0755));
	OK(chdir("d"));
	memset(other, 'm', sizeof(other));
	other[255] = 0;
	OK(mkdir(other, 0755));
	OK(rmdir(other));
	OK(symlink("x", other));
	OK(chdir(".."));
	name[255] = 'n';
	name[256] = 0;
	ERR(ENAMETOOLONG, open(name, O_CREAT | O_WRONLY, 0644));
	ERR(ENAMETOOLONG, mkdir(name, 0755));
	ERR(ENAMETOOLONG, rmdir(name));
	ERR(ENAMETOOLONG, unlink(name));
	ERR(ENAMETOOLONG, symlink("x", name));
	ERR(ENAMETOOLONG, mkfifo(name, 0644));
	make_file("f", 0644);
	ERR(ENAMETOOLONG, link("f", name));
	ERR(ENAMETOOLONG, rename("f", name));
	ERR(ENAMETOOLONG, stat(name, &(struct stat){0}));
}

static void limit_paths(void)
{
	char path[PATH_MAX + 10];
	memset(path, '/', sizeof(path));
	path[0] = '.';
	memcpy(path + PATH_MAX - 2, "f", 2);
	make_text("f", "far");
	TRUE(has_text(path, "far"));
	memset(path, '/', sizeof(path));
	path[0] = '.';
	memcpy(path + PATH_MAX - 1, "f", 2);
	ERR(ENAMETOOLONG, open(path, O_RDONLY));
}

static void limit_depth(void)
{
	for (int i = 0; i < 600; i++) {
		OK(mkdir("a-folder-in-a-folder", 0755));
		OK(chdir("a-folder-in-a-folder"));
	}
	make_text("f", "deep down");
	TRUE(has_text("f", "deep down"));
	OK(unlink("f"));
	for (int i = 0; i < 600; i++) {
		OK(chdir(".."));
		OK(rmdir("a-folder-in-a-folder"));
	}
}

static void limit_terabytes(void)
{
	static const off_t places[] = {0, (off_t)1 << 32, ((off_t)1 << 40) - 5, (off_t)8 << 40};
	char got[16];
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		ssize_t n = pwrite(fd, "0123456789", 10, places[i]);
		if (n < 0 && errno == EFBIG && i == 3)
			posix_skip("files end below 8 TiB here");
		TRUE(n == 10);
	}
	TRUE(stat_of("f").st_size == ((off_t)8 << 40) + 10);
	OK(fsync(fd));
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		TRUE(pread(fd, got, 10, places[i]) == 10 && memcmp(got, "0123456789", 10) == 0);
	TRUE(pread(fd, got, 10, (off_t)3 << 40) == 10 && got[0] == 0 && got[9] == 0);
	OK(ftruncate(fd, (off_t)1 << 41));
	OK(ftruncate(fd, (off_t)9 << 40));
	TRUE(pread(fd, got, 10, (off_t)8 << 40) == 10 && got[0] == 0);
	TRUE(stat_of("f").st_blocks * 512 < 1 << 20);
}

static void limit_file_size(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit limit = {5000, 5000};
	OK(setrlimit(RLIMIT_FSIZE, &limit));
	char block[4096] = "x";
	TRUE(write(fd, block, 4096) == 4096);
	TRUE(write(fd, block, 4096) == 5000 - 4096);
	ERR(EFBIG, write(fd, block, 4096));
	ERR(EFBIG, ftruncate(fd, 6000));
	TRUE(stat_of("f").st_size == 5000);
}

static void limit_largest_offset(void)
{
	char c = 'x';
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	ERR2(EFBIG, EINVAL, pwrite(fd, &c, 1, INT64_MAX));
	TRUE(pread(fd, &c, 1, INT64_MAX - 1) == 0 || errno == EINVAL);
	TRUE(stat_of("f").st_size == 0);
}

static void limit_many_links(void)
{
	make_file("f", 0644);
	for (int i = 0; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "l%d", i);
		OK(link("f", name));
	}
	TRUE(stat_of("f").st_nlink == 1001);
}

const struct posix_case posix_limit_cases[] = {
	{"limit-names", limit_names},
	{"limit-paths", limit_paths},
	{"limit-depth", limit_depth},
	{"limit-terabytes", limit_terabytes},
	{"limit-file-size", limit_file_size},
	{"limit-largest-offset", limit_largest_offset},
	{"limit-many-links", limit_many_links},
	{NULL},
};
