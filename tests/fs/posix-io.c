/* SPDX-License-Identifier: MIT */
/* Reading and writing: positions, vectors, sizes, synchronous writes, copies. */
#include "tests/fs/posix.h"

#include <sys/syscall.h>
#include <sys/uio.h>

static void fill(unsigned char *data, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245u + 12345u;
		data[i] = (unsigned char)(seed >> 16);
	}
}

static void io_positions(void)
{
	char buffer[32];
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	TRUE(write(fd, "0123456789", 10) == 10);
	TRUE(lseek(fd, 0, SEEK_CUR) == 10);
	TRUE(pwrite(fd, "AB", 2, 3) == 2);
	TRUE(lseek(fd, 0, SEEK_CUR) == 10);
	TRUE(pread(fd, buffer, 32, 2) == 8 && memcmp(buffer, "2AB56789", 8) == 0);
	TRUE(pread(fd, buffer, 32, 10) == 0);
	TRUE(pread(fd, buffer, 32, 1000000) == 0);
	TRUE(lseek(fd, -3, SEEK_END) == 7);
	TRUE(read(fd, buffer, 32) == 3);
	ERR(EINVAL, lseek(fd, -1, SEEK_SET));
	ERR(EINVAL, pread(fd, buffer, 1, -1));
	TRUE(lseek(fd, 100, SEEK_SET) == 100);
	TRUE(write(fd, "x", 1) == 1);
	TRUE(stat_of("f").st_size == 101);
	TRUE(pread(fd, buffer, 32, 80) == 21 && buffer[0] == 0 && buffer[20] == 'x');
}

static void io_vectors(void)
{
	char a[4], b[8], one[] = "one", nothing[] = "", rest[] = "twothree";
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	struct iovec out[3] = {{one, 3}, {nothing, 0}, {rest, 8}};
	TRUE(writev(fd, out, 3) == 11);
	struct iovec in[2] = {{a, 4}, {b, 8}};
	TRUE(preadv(fd, in, 2, 1) == 10);
	TRUE(memcmp(a, "netw", 4) == 0 && memcmp(b, "othree", 6) == 0);
	TRUE(pwritev(fd, out, 1, 20) == 3);
	TRUE(stat_of("f").st_size == 23);
}

/* Every size and offset around the borders of pages, requests and chunks. */
static void io_borders(void)
{
	static const size_t borders[] = {1, 511, 4095, 4096, 4097, 8191, 8192, 65535, 65536, 65537,
					 131072, 262143, 262145, 1048575, 1048576, 1048577, 3000001};
	unsigned char *data = malloc(4 << 20), *got = malloc(4 << 20);
	fill(data, 4 << 20, 7);
	for (size_t i = 0; i < sizeof(borders) / sizeof(*borders); i++) {
		size_t size = borders[i];
		int fd = OK(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
		TRUE(pwrite(fd, data, size, (off_t)(i * 13)) == (ssize_t)size);
		TRUE(stat_of("f").st_size == (off_t)(size + i * 13));
		TRUE(pread(fd, got, size, (off_t)(i * 13)) == (ssize_t)size);
		TRUE(memcmp(got, data, size) == 0);
		/* Over the end of it, and before it. */
		TRUE(pwrite(fd, data + 5, size, (off_t)(size / 2)) == (ssize_t)size);
		TRUE(pread(fd, got, size, (off_t)(size / 2)) == (ssize_t)size);
		TRUE(memcmp(got, data + 5, size) == 0);
		OK(close(fd));
		fd = OK(open("f", O_RDONLY));
		TRUE(pread(fd, got, size, (off_t)(size / 2)) == (ssize_t)size);
		TRUE(memcmp(got, data + 5, size) == 0);
		OK(close(fd));
	}
	free(data);
	free(got);
}

static void io_small_appends(void)
{
	unsigned char data[20000], got[20001];
	fill(data, sizeof(data), 3);
	int fd = OK(open("f", O_WRONLY | O_CREAT | O_APPEND, 0644));
	for (size_t at = 0; at < sizeof(data);) {
		size_t n = 1 + at % 97;
		if (n > sizeof(data) - at)
			n = sizeof(data) - at;
		TRUE(write(fd, data + at, n) == (ssize_t)n);
		at += n;
	}
	OK(close(fd));
	fd = OK(open("f", O_RDONLY));
	TRUE(read(fd, got, sizeof(got)) == (ssize_t)sizeof(data));
	TRUE(memcmp(got, data, sizeof(data)) == 0);
}

static void io_concurrent_appends(void)
{
	enum { WRITERS = 4, LINES = 500, LINE = 16 };
	char line[LINE + 1], all[WRITERS * LINES * LINE];
	unsigned next[WRITERS] = {0};
	make_file("f", 0644);
	for (int w = 0; w < WRITERS; w++) {
		if (OK(fork()) == 0) {
			int fd = OK(open("f", O_WRONLY | O_APPEND));
			for (int i = 0; i < LINES; i++) {
				snprintf(line, sizeof(line), "%d %012d\n", w, i);
				TRUE(write(fd, line, LINE - 1) == LINE - 1);
			}
			_exit(0);
		}
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;
		OK(wait(&status));
		TRUE(status == 0);
	}
	int fd = OK(open("f", O_RDONLY));
	ssize_t size = OK(read(fd, all, sizeof(all)));
	TRUE(size == WRITERS * LINES * (LINE - 1));
	for (ssize_t at = 0; at < size; at += LINE - 1) {
		unsigned w = (unsigned)(all[at] - '0'), i = (unsigned)atoi(all + at + 2);
		TRUE(w < WRITERS && all[at + LINE - 2] == '\n' && i == next[w]);
		next[w]++;
	}
}

static void io_synchronous(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT | O_SYNC, 0644));
	TRUE(write(fd, "sync", 4) == 4);
	OK(close(fd));
	fd = OK(open("f", O_WRONLY | O_DSYNC | O_APPEND));
	TRUE(write(fd, "ed", 2) == 2);
	OK(fsync(fd));
	OK(fdatasync(fd));
	OK(syncfs(fd));
	OK(close(fd));
	TRUE(has_text("f", "synced"));
	fd = OK(open(".", O_RDONLY | O_DIRECTORY));
	OK(fsync(fd));
	/* A handle for reading may sync, too. */
	int r = OK(open("f", O_RDONLY));
	OK(fsync(r));
}

static void io_on_directory(void)
{
	char c;
	OK(mkdir("d", 0755));
	int fd = OK(open("d", O_RDONLY));
	ERR(EISDIR, read(fd, &c, 1));
	ERR2(EBADF, EISDIR, write(fd, &c, 1));
	ERR2(EINVAL, EBADF, ftruncate(fd, 0));
}

static void copy_range_copies(void)
{
	unsigned char *data = malloc(3000000), *got = malloc(3000000);
	fill(data, 3000000, 11);
	int a = OK(open("a", O_RDWR | O_CREAT, 0644)), b = OK(open("b", O_RDWR | O_CREAT, 0644));
	TRUE(write(a, data, 3000000) == 3000000);
	off_t from = 12345, to = 678;
	ssize_t n = copy_file_range(a, &from, b, &to, 2000000, 0);
	if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		posix_skip("no copy_file_range here");
	while (n > 0 && from < 12345 + 2000000) {
		ssize_t more = OK(copy_file_range(a, &from, b, &to, (size_t)(12345 + 2000000 - from), 0));
		n = more > 0 ? n + more : 0;
	}
	TRUE(n == 2000000 && from == 2012345 && to == 2000678);
	TRUE(stat_of("b").st_size == 2000678);
	TRUE(pread(b, got, 2000000, 678) == 2000000 && memcmp(got, data + 12345, 2000000) == 0);
	TRUE(pread(b, got, 678, 0) == 678 && got[0] == 0 && got[677] == 0);
	/* Short at the end of the source, nothing beyond it. */
	from = 2999000, to = 0;
	TRUE(copy_file_range(a, &from, b, &to, 50000, 0) == 1000);
	from = 3000000;
	TRUE(copy_file_range(a, &from, b, &to, 10, 0) == 0);
	/* The copy is its own. */
	TRUE(pwrite(a, "changed", 7, 2999000) == 7);
	TRUE(pread(b, got, 1000, 0) == 1000 && memcmp(got, data + 2999000, 1000) == 0);
	/* Inside one file, without overlap. */
	from = 0, to = 1500000;
	TRUE(copy_file_range(a, &from, a, &to, 100000, 0) == 100000);
	TRUE(pread(a, got, 100000, 1500000) == 100000 && memcmp(got, data, 100000) == 0);
	from = 0, to = 50;
	ERR(EINVAL, copy_file_range(a, &from, a, &to, 100, 0));
	int r = OK(open("b", O_RDONLY));
	from = to = 0;
	ERR(EBADF, copy_file_range(a, &from, r, &to, 10, 0));
}

static void copy_range_sees_fresh_writes(void)
{
	char got[64] = "";
	int a = OK(open("a", O_RDWR | O_CREAT, 0644)), b = OK(open("b", O_RDWR | O_CREAT, 0644));
	for (int i = 0; i < 20; i++) {
		char text[16];
		snprintf(text, sizeof(text), "version %04d", i);
		TRUE(pwrite(a, text, 12, 0) == 12);
		off_t from = 0, to = i * 12;
		if (copy_file_range(a, &from, b, &to, 12, 0) != 12)
			posix_skip("no copy_file_range here");
		TRUE(pread(b, got, 12, i * 12) == 12 && memcmp(got, text, 12) == 0);
	}
	TRUE(stat_of("b").st_size == 240);
}

const struct posix_case posix_io_cases[] = {
	{"io-positions", io_positions},
	{"io-vectors", io_vectors},
	{"io-borders", io_borders},
	{"io-small-appends", io_small_appends},
	{"io-concurrent-appends", io_concurrent_appends},
	{"io-synchronous", io_synchronous},
	{"io-on-directory", io_on_directory},
	{"copy-range-copies", copy_range_copies},
	{"copy-range-sees-fresh-writes", copy_range_sees_fresh_writes},
	{NULL},
};
