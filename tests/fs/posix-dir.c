/* SPDX-License-Identifier: MIT */
/* Reading directories, also while they change. */
#include "tests/fs/posix.h"

#include <dirent.h>

/* POSIX_ENTRIES=1000000 for the large run. */
static int many(void)
{
	const char *text = getenv("POSIX_ENTRIES");
	return text ? atoi(text) : 20000;
}

static DIR *folder(const char *path)
{
	DIR *dir = opendir(path);
	if (!dir)
		posix_fail(__FILE__, __LINE__, path, strerror(errno));
	return dir;
}

static int count_entries(const char *path)
{
	int n = 0;
	DIR *dir = folder(path);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void dir_lists_everything_once(void)
{
	bool dot = false, up = false;
	unsigned seen = 0;
	OK(mkdir("d", 0755));
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof(name), "d/entry%02d", i);
		if (i % 2)
			make_file(name, 0644);
		else
			OK(mkdir(name, 0755));
	}
	DIR *dir = folder("d");
	for (struct dirent *e; (e = readdir(dir));) {
		int i;
		char path[300];
		dot |= strcmp(e->d_name, ".") == 0;
		up |= strcmp(e->d_name, "..") == 0;
		if (sscanf(e->d_name, "entry%d", &i) != 1)
			continue;
		TRUE(!(seen & 1u << i));
		seen |= 1u << i;
		snprintf(path, sizeof(path), "d/%s", e->d_name);
		TRUE(e->d_ino == stat_of(path).st_ino);
		TRUE(e->d_type == DT_UNKNOWN || e->d_type == (i % 2 ? DT_REG : DT_DIR));
	}
	TRUE(dot && up && seen == (1u << 20) - 1);
	closedir(dir);
}

static void dir_rewinds(void)
{
	make_file("a", 0644);
	DIR *dir = folder(".");
	int before = 0, after = 0;
	while (readdir(dir))
		before++;
	make_file("b", 0644);
	rewinddir(dir);
	while (readdir(dir))
		after++;
	TRUE(after == before + 1);
	closedir(dir);
}

static void dir_seeks(void)
{
	long places[100];
	char names[100][256];
	int n = 0;
	for (int i = 0; i < 90; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%d", i);
		make_file(name, 0644);
	}
	DIR *dir = folder(".");
	for (;;) {
		places[n] = telldir(dir);
		struct dirent *e = readdir(dir);
		if (!e)
			break;
		snprintf(names[n++], 256, "%s", e->d_name);
	}
	TRUE(n == 92);
	for (int i = n - 1; i >= 0; i -= 7) {
		seekdir(dir, places[i]);
		struct dirent *e = readdir(dir);
		TRUE(e && strcmp(e->d_name, names[i]) == 0);
	}
	closedir(dir);
}

/* Entries that are there all the time come exactly once while others come and go. */
static void dir_survives_changes(void)
{
	enum { STAY = 2000 };
	static unsigned char seen[STAY];
	char name[32];
	OK(mkdir("d", 0755));
	for (int i = 0; i < STAY; i++) {
		snprintf(name, sizeof(name), "d/stay%d", i);
		make_file(name, 0644);
		snprintf(name, sizeof(name), "d/go%d", i);
		make_file(name, 0644);
	}
	DIR *dir = folder("d");
	int step = 0;
	for (struct dirent *e; (e = readdir(dir)); step++) {
		int i;
		if (sscanf(e->d_name, "stay%d", &i) == 1) {
			TRUE(i >= 0 && i < STAY && !seen[i]);
			seen[i] = 1;
		}
		snprintf(name, sizeof(name), "d/go%d", (step * 17) % STAY);
		unlink(name);
		if (step % 3 == 0) {
			snprintf(name, sizeof(name), "d/new%d", step);
			make_file(name, 0644);
		}
		if (step % 500 == 0) {
			int fd = OK(open("d", O_RDONLY));
			OK(fsync(fd));
			OK(close(fd));
		}
	}
	for (int i = 0; i < STAY; i++)
		TRUE(seen[i]);
	closedir(dir);
}

static void dir_removed_while_read(void)
{
	OK(mkdir("d", 0755));
	make_file("d/f", 0644);
	DIR *dir = folder("d");
	TRUE(readdir(dir) != NULL);
	OK(unlink("d/f"));
	OK(rmdir("d"));
	while (readdir(dir))
		;
	closedir(dir);
	/* rm -rf: delete while reading. */
	OK(mkdir("d", 0755));
	for (int i = 0; i < 3000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "d/f%d", i);
		make_file(name, 0644);
	}
	dir = folder("d");
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] != '.')
			OK(unlinkat(dirfd(dir), e->d_name, 0));
	}
	closedir(dir);
	TRUE(count_entries("d") == 2);
	OK(rmdir("d"));
}

static void dir_of_many(void)
{
	int n = many();
	alarm(300 + (unsigned)n / 500);
	OK(mkdir("d", 0755));
	int d = OK(open("d", O_RDONLY | O_DIRECTORY));
	for (int i = 0; i < n; i++) {
		char name[40];
		snprintf(name, sizeof(name), "a rather ordinary file name %d", i);
		OK(close(OK(openat(d, name, O_CREAT | O_EXCL | O_WRONLY, 0644))));
	}
	TRUE(count_entries("d") == n + 2);
	for (int i = 0; i < n; i += n / 100 + 1) {
		char name[40];
		struct stat st;
		snprintf(name, sizeof(name), "a rather ordinary file name %d", i);
		OK(fstatat(d, name, &st, 0));
		OK(unlinkat(d, name, 0));
		ERR(ENOENT, fstatat(d, name, &st, 0));
	}
	TRUE(count_entries("d") == n + 2 - (n + n / 100) / (n / 100 + 1));
}

static void dir_errors(void)
{
	make_file("f", 0644);
	TRUE(opendir("f") == NULL && errno == ENOTDIR);
	TRUE(opendir("missing") == NULL && errno == ENOENT);
}

const struct posix_case posix_dir_cases[] = {
	{"dir-lists-everything-once", dir_lists_everything_once},
	{"dir-rewinds", dir_rewinds},
	{"dir-seeks", dir_seeks},
	{"dir-survives-changes", dir_survives_changes},
	{"dir-removed-while-read", dir_removed_while_read},
	{"dir-of-many", dir_of_many},
	{"dir-errors", dir_errors},
	{NULL},
};
