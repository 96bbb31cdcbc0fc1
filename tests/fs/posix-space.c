/* SPDX-License-Identifier: MIT */
/* Space: sparse files, SEEK_HOLE and SEEK_DATA, fallocate. */
#include "tests/fs/posix.h"

#define KB(n) ((off_t)(n) << 10)

static int file_with(off_t size)
{
	int fd = OK(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
	char *data = malloc((size_t)size);
	for (off_t i = 0; i < size; i++)
		data[i] = (char)(1 + (i * 31 + i / 251) % 250);
	TRUE(write(fd, data, (size_t)size) == size);
	free(data);
	return fd;
}

static bool zeros(int fd, off_t from, off_t to)
{
	char buffer[65536];
	for (off_t at = from; at < to;) {
		size_t want = to - at < (off_t)sizeof(buffer) ? (size_t)(to - at) : sizeof(buffer);
		ssize_t n = OK(pread(fd, buffer, want, at));
		if (n != (ssize_t)want)
			return false;
		for (ssize_t i = 0; i < n; i++)
			if (buffer[i])
				return false;
		at += n;
	}
	return true;
}

static int allocate(int fd, int mode, off_t offset, off_t length)
{
	int result = fallocate(fd, mode, offset, length);
	if (result < 0 && errno == EOPNOTSUPP)
		posix_skip("this mode of fallocate is not supported here");
	return result;
}

static void sparse_files_are_sparse(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	TRUE(pwrite(fd, "end", 3, KB(1024 * 1024)) == 3);
	TRUE(stat_of("f").st_size == KB(1024 * 1024) + 3);
	OK(fsync(fd));
	TRUE(stat_of("f").st_blocks * 512 < KB(1024));
	TRUE(zeros(fd, KB(500000), KB(500100)));
	TRUE(zeros(fd, KB(1024 * 1024) - 100, KB(1024 * 1024)));
}

static void seek_finds_data_and_holes(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	char block[65536];
	memset(block, 'x', sizeof(block));
	OK(ftruncate(fd, KB(2048)));
	TRUE(pwrite(fd, block, sizeof(block), KB(512)) == (ssize_t)sizeof(block));
	OK(fsync(fd));
	OK(close(fd));
	/* While it may be mapped and changed all may be data. */
	fd = OK(open("f", O_RDONLY));
	off_t data = OK(lseek(fd, 0, SEEK_DATA));
	/* Where holes are not kept all is data: that is allowed. */
	if (data == 0)
		posix_skip("holes are not kept here");
	TRUE(data <= KB(512) && data > KB(512 - 64) && lseek(fd, 0, SEEK_HOLE) == 0);
	off_t hole = OK(lseek(fd, KB(512), SEEK_HOLE));
	TRUE(hole >= KB(576) && hole < KB(640));
	ERR(ENXIO, lseek(fd, hole, SEEK_DATA));
	TRUE(lseek(fd, hole, SEEK_HOLE) == hole);
	ERR(ENXIO, lseek(fd, KB(2048), SEEK_DATA));
	ERR(ENXIO, lseek(fd, KB(2048), SEEK_HOLE));
	/* The end of a file without holes is a hole. */
	int full = file_with(KB(100));
	TRUE(lseek(full, 0, SEEK_HOLE) == KB(100) && lseek(full, 5, SEEK_DATA) == 5);
}

static void fallocate_grows(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	OK(allocate(fd, 0, 0, KB(300)));
	TRUE(stat_of("f").st_size == KB(300) && zeros(fd, 0, KB(300)));
	OK(allocate(fd, FALLOC_FL_KEEP_SIZE, KB(300), KB(300)));
	TRUE(stat_of("f").st_size == KB(300));
	/* What is there stays. */
	int g = file_with(KB(10));
	OK(allocate(g, 0, 0, KB(20)));
	char c;
	TRUE(pread(g, &c, 1, 9) == 1 && c != 0);
	TRUE(stat_of("f").st_size == KB(20) && zeros(g, KB(10), KB(20)));
}

static void fallocate_punches(void)
{
	int fd = file_with(KB(1000));
	struct stat before = stat_of("f");
	tick();
	OK(allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, KB(100), KB(500)));
	struct stat st = stat_of("f");
	TRUE(st.st_size == KB(1000) && zeros(fd, KB(100), KB(600)));
	TRUE(ns_of(st.st_mtim) > ns_of(before.st_mtim));
	OK(fsync(fd));
	TRUE(stat_of("f").st_blocks * 512 <= KB(560));
	char c;
	TRUE(pread(fd, &c, 1, KB(100) - 1) == 1 && c != 0);
	TRUE(pread(fd, &c, 1, KB(600)) == 1 && c != 0);
	/* At odd places, too. */
	OK(allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, KB(700) + 7, 1001));
	TRUE(zeros(fd, KB(700) + 7, KB(700) + 1008));
	TRUE(pread(fd, &c, 1, KB(700) + 6) == 1 && c != 0);
	TRUE(pread(fd, &c, 1, KB(700) + 1008) == 1 && c != 0);
	/* Beyond the end nothing happens. */
	OK(allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, KB(2000), KB(10)));
	TRUE(stat_of("f").st_size == KB(1000));
}

static void fallocate_zeroes(void)
{
	int fd = file_with(KB(200));
	OK(allocate(fd, FALLOC_FL_ZERO_RANGE, KB(50), KB(20)));
	TRUE(zeros(fd, KB(50), KB(70)) && stat_of("f").st_size == KB(200));
	OK(allocate(fd, FALLOC_FL_ZERO_RANGE, KB(190), KB(20)));
	TRUE(zeros(fd, KB(190), KB(210)) && stat_of("f").st_size == KB(210));
	OK(allocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, KB(205), KB(20)));
	TRUE(stat_of("f").st_size == KB(210));
	char c;
	TRUE(pread(fd, &c, 1, KB(70)) == 1 && c != 0);
}

static void fallocate_errors(void)
{
	int fd = file_with(KB(10)), r = OK(open("f", O_RDONLY));
	OK(allocate(fd, 0, 0, KB(10)));
	ERR(EINVAL, fallocate(fd, 0, 0, 0));
	ERR(EINVAL, fallocate(fd, 0, -1, 10));
	ERR(EBADF, fallocate(r, 0, 0, 10));
	ERR(EOPNOTSUPP, fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
	ERR2(EFBIG, ENOSPC, fallocate(fd, 0, INT64_MAX - 10, 100));
}

static void punched_space_is_written_again(void)
{
	int fd = file_with(KB(600));
	for (int i = 0; i < 30; i++) {
		off_t at = KB(17) * i + 13 * i;
		OK(allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, KB(9)));
		TRUE(pwrite(fd, "middle", 6, at + KB(4)) == 6);
	}
	for (int i = 0; i < 30; i++) {
		off_t at = KB(17) * i + 13 * i;
		char text[6];
		TRUE(zeros(fd, at, at + KB(4)) && zeros(fd, at + KB(4) + 6, at + KB(9)));
		TRUE(pread(fd, text, 6, at + KB(4)) == 6 && memcmp(text, "middle", 6) == 0);
	}
}

const struct posix_case posix_space_cases[] = {
	{"sparse-files-are-sparse", sparse_files_are_sparse},
	{"seek-finds-data-and-holes", seek_finds_data_and_holes},
	{"fallocate-grows", fallocate_grows},
	{"fallocate-punches", fallocate_punches},
	{"fallocate-zeroes", fallocate_zeroes},
	{"fallocate-errors", fallocate_errors},
	{"punched-space-is-written-again", punched_space_is_written_again},
	{NULL},
};
