/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over its seeds, for `make check`: the target gets every
 * file in tests/fuzz/seeds/NAME, whole and cut off at several places.
 * NAME is the program's own, without "fuzz-".
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEED_MAX (1u << 22)

static int run_seed(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(SEED_MAX);
	if (!file || !data) {
		perror(path);
		exit(1);
	}
	size_t size = fread(data, 1, SEED_MAX, file);
	fclose(file);
	for (unsigned eighths = 0; eighths <= 8; eighths++) {
		/* A copy of the exact size, so that a sanitizer sees a read past the end. */
		size_t part = size * eighths / 8;
		uint8_t *copy = malloc(part ? part : 1);
		memcpy(copy, data, part);
		LLVMFuzzerTestOneInput(copy, part);
		free(copy);
	}
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	char path[4096];
	const char *source = getenv("top_srcdir");
	const char *name = strstr(argv[0], "fuzz-");
	int seeds = 0;
	for (int i = 1; i < argc; i++)
		seeds += run_seed(argv[i]);
	if (argc > 1)
		return 0;
	while (name && strstr(name + 1, "fuzz-"))
		name = strstr(name + 1, "fuzz-");
	snprintf(path, sizeof(path), "%s/tests/fuzz/seeds/%s", source ? source : ".",
		 name ? name + 5 : "");
	DIR *folder = opendir(path);
	if (!folder) {
		perror(path);
		return 1;
	}
	for (struct dirent *e; (e = readdir(folder));) {
		char seed[8192];
		if (e->d_name[0] == '.')
			continue;
		snprintf(seed, sizeof(seed), "%s/%s", path, e->d_name);
		seeds += run_seed(seed);
	}
	closedir(folder);
	printf("%d seeds\n", seeds);
	return seeds ? 0 : 1;
}
