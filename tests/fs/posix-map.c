/* SPDX-License-Identifier: MIT */
/* mmap(2): shared and private, beside read and write. */
#include "tests/fs/posix.h"

#include <sys/mman.h>

#define SIZE (64 * 4096)

static char *map(int fd, int protection, int flags)
{
	char *p = mmap(NULL, SIZE, protection, flags, fd, 0);
	TRUE(p != MAP_FAILED);
	return p;
}

static void map_shared_is_the_file(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	OK(ftruncate(fd, SIZE));
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), got[16];
	memcpy(p + 5000, "through the map", 15);
	TRUE(pread(fd, got, 15, 5000) == 15 && memcmp(got, "through the map", 15) == 0);
	TRUE(pwrite(fd, "through write", 13, 9000) == 13);
	TRUE(memcmp(p + 9000, "through write", 13) == 0);
	OK(msync(p, SIZE, MS_SYNC));
	OK(munmap(p, SIZE));
	OK(close(fd));
	fd = OK(open("f", O_RDONLY));
	TRUE(pread(fd, got, 15, 5000) == 15 && memcmp(got, "through the map", 15) == 0);
}

static void map_outlives_close_and_name(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	OK(ftruncate(fd, SIZE));
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	OK(close(fd));
	memset(p, 'a', SIZE);
	OK(unlink("f"));
	memset(p, 'b', SIZE / 2);
	OK(msync(p, SIZE, MS_SYNC));
	TRUE(p[0] == 'b' && p[SIZE - 1] == 'a');
	OK(munmap(p, SIZE));
}

static void map_written_without_msync(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	OK(ftruncate(fd, SIZE));
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), got[SIZE];
	for (int i = 0; i < SIZE; i++)
		p[i] = (char)(i * 7);
	OK(munmap(p, SIZE));
	OK(close(fd));
	fd = OK(open("f", O_RDONLY));
	TRUE(read(fd, got, SIZE) == SIZE);
	for (int i = 0; i < SIZE; i++)
		TRUE(got[i] == (char)(i * 7));
}

static void map_private_is_not(void)
{
	char got[8];
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	OK(ftruncate(fd, SIZE));
	TRUE(pwrite(fd, "original", 8, 100) == 8);
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	TRUE(memcmp(p + 100, "original", 8) == 0);
	memcpy(p + 100, "changed!", 8);
	TRUE(pread(fd, got, 8, 100) == 8 && memcmp(got, "original", 8) == 0);
}

static void map_between_processes(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	OK(ftruncate(fd, SIZE));
	volatile char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	pid_t child = OK(fork());
	if (child == 0) {
		p[12345] = 'c';
		_exit(0);
	}
	int status;
	OK(waitpid(child, &status, 0));
	TRUE(status == 0 && p[12345] == 'c');
}

static void map_after_truncate(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	OK(ftruncate(fd, SIZE));
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), got[4096];
	memset(p, 'x', SIZE);
	OK(ftruncate(fd, 6000));
	/* The rest of the last page is zeros, and stays so when the file grows again. */
	for (int i = 6000; i < 8192; i++)
		TRUE(p[i] == 0);
	OK(ftruncate(fd, SIZE));
	TRUE(p[5999] == 'x' && p[6000] == 0 && p[8192] == 0 && p[SIZE - 1] == 0);
	TRUE(pread(fd, got, 4096, 6000) == 4096 && got[0] == 0 && got[4095] == 0);
}

static void map_errors(void)
{
	make_text("f", "x");
	int r = OK(open("f", O_RDONLY)), w = OK(open("f", O_WRONLY));
	TRUE(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0) == MAP_FAILED && errno == EACCES);
	TRUE(mmap(NULL, 4096, PROT_READ, MAP_SHARED, w, 0) == MAP_FAILED && errno == EACCES);
	TRUE(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, r, 0) != MAP_FAILED);
	int d = OK(open(".", O_RDONLY | O_DIRECTORY));
	TRUE(mmap(NULL, 4096, PROT_READ, MAP_SHARED, d, 0) == MAP_FAILED && (errno == ENODEV || errno == EACCES));
}

const struct posix_case posix_map_cases[] = {
	{"map-shared-is-the-file", map_shared_is_the_file},
	{"map-outlives-close-and-name", map_outlives_close_and_name},
	{"map-written-without-msync", map_written_without_msync},
	{"map-private-is-not", map_private_is_not},
	{"map-between-processes", map_between_processes},
	{"map-after-truncate", map_after_truncate},
	{"map-errors", map_errors},
	{NULL},
};
