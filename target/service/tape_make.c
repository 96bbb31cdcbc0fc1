/* SPDX-License-Identifier: MIT */
/*
 * New tapes. A barcode is the prefix, a number that fills it up to six digits, and
 * the two characters that say the medium: "G00001L8". A barcode that any library
 * has, served or not, or had until it was deleted, is not given again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "target/service/known.h"
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

/* The highest number of the barcodes with this beginning and end. */
struct highest {
	const char *prefix, *suffix;
	unsigned digits;
	uint64_t number;
};

static void make_see(void *context, const char *barcode)
{
	struct highest *highest = context;
	size_t begin = strlen(highest->prefix);
	uint64_t number;

	if (strlen(barcode) != begin + highest->digits + strlen(highest->suffix) ||
	    strncmp(barcode, highest->prefix, begin) != 0 ||
	    strcmp(barcode + begin + highest->digits, highest->suffix) != 0 ||
	    strspn(barcode + begin, "0123456789") < highest->digits)
		return;
	number = strtoull(barcode + begin, NULL, 10);
	highest->number = number > highest->number ? number : highest->number;
}

static int make_numbers(const struct known *known, const struct tape_plan *plan,
			const struct medium *medium, char **barcodes, char message[256])
{
	const char *prefix = plan->prefix ? plan->prefix : medium->cleaning ? "CLN" : "G";
	unsigned digits = BARCODE_BODY - (unsigned)strlen(prefix);
	struct highest highest = {prefix, medium->suffix, digits, 0};
	uint64_t most = 1;

	known_each(known, make_see, &highest);
	for (unsigned i = 0; i < digits; i++)
		most *= 10;
	if (highest.number + plan->count >= most)
		return tape_say(message, -EINVAL,
				"there are not %llu barcodes left that begin with \"%s\": take another prefix",
				(unsigned long long)plan->count, prefix);
	for (uint64_t i = 0; i < plan->count; i++)
		barcodes[i] = mem_printf("%s%0*llu%s", prefix, (int)digits,
					 (unsigned long long)(highest.number + 1 + i), medium->suffix);
	return 0;
}

static int make_barcodes(struct service *service, const struct library_config *config,
			 const struct tape_plan *plan, const struct medium *medium, char **barcodes,
			 char message[256])
{
	const char *name = plan->barcode ? plan->barcode : plan->prefix;
	const char *wrong = name ? name_check_barcode(name) : NULL;
	CLEANUP_KNOWN struct known known = {0};
	int error;

	if (wrong)
		return tape_say(message, -EINVAL, "a barcode %s", wrong);
	if (plan->prefix && strlen(plan->prefix) >= BARCODE_BODY)
		return tape_say(message, -EINVAL, "the beginning of barcodes has 1 to %u characters",
				BARCODE_BODY - 1);
	if (known_new(service, &known))
		return tape_say(message, -ENOMEM, "not enough memory");
	error = plan->force ? 0 : known_check_all(&known, message);
	if (error || !plan->barcode)
		return error ? error : make_numbers(&known, plan, medium, barcodes, message);
	error = known_check_free(&known, plan->barcode, config->name, message);
	if (!error)
		barcodes[0] = mem_strdup(plan->barcode);
	return error;
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
	error = make_barcodes(service, config, plan, medium, made, message);
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
