/* SPDX-License-Identifier: MIT */
/*
 * New tapes. A barcode is the prefix, a number that fills it up to six digits, and
 * the two characters that say the medium: "G00001L8". A barcode that any library
 * has, or had until it was deleted, is not given again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "target/service/names.h"
#include "target/service/tapes.h"
#include "target/tape/media.h"

#define BARCODE_BODY 6u
#define TAPES_MAX    100000u

void tape_barcodes_free(char ***barcodes, size_t count)
{
	for (size_t i = 0; *barcodes && i < count; i++)
		free((*barcodes)[i]);
	free(*barcodes);
	*barcodes = NULL;
}

void tapes_unmake(const char *folder, char **barcodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP_FREE char *path = mem_printf("%s/%s", folder, barcodes[i]);

		cartridge_remove_folder(path);
	}
}

static const struct medium *medium_of_drives(const struct library_config *config)
{
	const struct medium *medium;

	for (unsigned n = 0; (medium = medium_at(n)) != NULL; n++)
		if (!medium->worm && !medium->cleaning &&
		    medium->generation == config->drives[0].model->generation &&
		    strncmp(medium->name, "LTO-M", 5) != 0)
			return medium;
	return NULL;
}

static int make_medium(const struct library_config *config, const struct tape_plan *plan,
		       const struct medium **medium, char message[256])
{
	const struct medium *of_barcode = plan->barcode ? medium_of_barcode(plan->barcode) : NULL;

	if (plan->medium) {
		*medium = medium_find(plan->medium);
		if (!*medium)
			return tape_say(message, -EINVAL,
					"there is no medium \"%.60s\": it is LTO-4 to LTO-9, LTO-M8, one "
					"of these with -WORM, or CLEAN", plan->medium);
		if (of_barcode && of_barcode != *medium)
			return tape_say(message, -EINVAL, "barcode %s says %s, not %s", plan->barcode,
					of_barcode->name, (*medium)->name);
		return 0;
	}
	*medium = of_barcode ? of_barcode : medium_of_drives(config);
	return *medium ? 0 : tape_say(message, -EINVAL, "name the medium: the drives have none of their own");
}

/* The highest number of the barcodes with this beginning and end in all libraries. */
static int make_highest(struct service *service, const char *prefix, const char *suffix,
			unsigned digits, uint64_t *highest)
{
	struct library *library;
	size_t begin = strlen(prefix), whole = begin + digits + strlen(suffix);

	*highest = 0;
	for (size_t n = 0; (library = library_at(service, n)) != NULL; n++) {
		struct tape *tapes = NULL;
		size_t count = 0;
		int error = tapes_list(library, &tapes, &count);

		for (size_t i = 0; i < count; i++) {
			const char *barcode = tapes[i].info.barcode;
			uint64_t number;

			if (strlen(barcode) != whole || strncmp(barcode, prefix, begin) != 0 ||
			    strcmp(barcode + begin + digits, suffix) != 0 ||
			    strspn(barcode + begin, "0123456789") < digits)
				continue;
			number = strtoull(barcode + begin, NULL, 10);
			*highest = number > *highest ? number : *highest;
		}
		tapes_free(&tapes, count);
		library_release(&library);
		if (error)
			return error;
	}
	return 0;
}

static int make_numbers(struct service *service, const struct tape_plan *plan,
			const struct medium *medium, char **barcodes, char message[256])
{
	const char *prefix = plan->prefix ? plan->prefix : medium->cleaning ? "CLN" : "G";
	unsigned digits = BARCODE_BODY - (unsigned)strlen(prefix);
	uint64_t highest, most = 1;
	int error = make_highest(service, prefix, medium->suffix, digits, &highest);

	if (error)
		return tape_say(message, error, "the tapes cannot be listed: %s", strerror(-error));
	for (unsigned i = 0; i < digits; i++)
		most *= 10;
	if (highest + plan->count >= most)
		return tape_say(message, -EINVAL,
				"there are not %llu barcodes left that begin with \"%s\": take another prefix",
				(unsigned long long)plan->count, prefix);
	for (uint64_t i = 0; i < plan->count; i++)
		barcodes[i] = mem_printf("%s%0*llu%s", prefix, (int)digits,
					 (unsigned long long)(highest + 1 + i), medium->suffix);
	return 0;
}

static int make_barcodes(struct service *service, const struct tape_plan *plan,
			 const struct medium *medium, char **barcodes, char message[256])
{
	const char *name = plan->barcode ? plan->barcode : plan->prefix;
	const char *wrong = name ? name_check_barcode(name) : NULL;
	struct library *library;

	if (wrong)
		return tape_say(message, -EINVAL, "a barcode %s", wrong);
	if (plan->barcode) {
		library = tape_find_library(service, plan->barcode);
		if (library)
			tape_say(message, -EEXIST, "library %s has a tape %s already",
				 library->config.name, plan->barcode);
		else
			barcodes[0] = mem_strdup(plan->barcode);
		wrong = library ? "taken" : NULL;
		library_release(&library);
		return wrong ? -EEXIST : 0;
	}
	if (plan->prefix && strlen(plan->prefix) >= BARCODE_BODY)
		return tape_say(message, -EINVAL, "the beginning of barcodes has 1 to %u characters",
				BARCODE_BODY - 1);
	return make_numbers(service, plan, medium, barcodes, message);
}

static int make_one(const char *folder, const char *barcode, const struct medium *medium,
		    uint64_t size, char message[256])
{
	struct cartridge_info info = {
		.capacity = size ? size : medium->capacity,
		.partitions = 1,
		.worm = medium->worm,
		.created = clock_real_ns() / 1000000000,
		.cleanings = medium->cleaning ? 50 : 0,
	};
	int error;

	info.partition_size[0] = info.capacity;
	snprintf(info.medium, sizeof(info.medium), "%s", medium->name);
	snprintf(info.barcode, sizeof(info.barcode), "%s", barcode);
	error = cartridge_create(folder, &info);
	return error ? tape_say(message, error, "tape %s cannot be made in %.120s: %s", barcode, folder,
				strerror(-error))
		     : 0;
}

int tapes_make(struct service *service, const struct library_config *config, const char *folder,
	       const struct tape_plan *plan, char ***barcodes, size_t *count, char message[256])
{
	uint64_t size = plan->size ? plan->size : config->tape_size;
	const struct medium *medium;
	char **made;
	int error;

	if (plan->count < 1 || plan->count > TAPES_MAX)
		return tape_say(message, -EINVAL, "between 1 and %u tapes can be made at a time", TAPES_MAX);
	if (size && size < TAPE_SIZE_LEAST)
		return tape_say(message, -EINVAL, "a tape has at least %u MiB", TAPE_SIZE_LEAST >> 20);
	error = make_medium(config, plan, &medium, message);
	if (error)
		return error;
	made = mem_try_zalloc(plan->count, sizeof(*made));
	if (!made)
		return tape_say(message, -ENOMEM, "not enough memory");
	error = make_barcodes(service, plan, medium, made, message);
	for (uint64_t i = 0; i < plan->count && !error; i++) {
		error = make_one(folder, made[i], medium, size, message);
		if (error)
			tapes_unmake(folder, made, i);
	}
	if (error) {
		tape_barcodes_free(&made, plan->count);
		return error;
	}
	*barcodes = made;
	*count = plan->count;
	return 0;
}
