/* SPDX-License-Identifier: MIT */
/* A library's configuration in memory: what must hold whoever has written it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "target/service/library.h"
#include "target/service/names.h"

void library_config_clear(struct library_config *config)
{
	free(config->drives);
	free(config->elements);
	access_list_clear(&config->access);
	*config = (struct library_config){0};
}

int library_config_copy(const struct library_config *config, struct library_config *copy)
{
	size_t drives = config->drive_count * sizeof(*config->drives);
	size_t elements = config->element_count * sizeof(*config->elements);

	*copy = *config;
	copy->drives = mem_try_alloc(1, drives);
	copy->elements = mem_try_alloc(1, elements);
	if (!copy->drives || !copy->elements || access_list_copy(&config->access, &copy->access)) {
		copy->access = (struct access_list){0};
		library_config_clear(copy);
		return -ENOMEM;
	}
	memcpy(copy->drives, config->drives, drives);
	memcpy(copy->elements, config->elements, elements);
	return 0;
}

static int element_compare(const void *left, const void *right)
{
	const struct element *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

void library_config_sort(struct library_config *config)
{
	if (config->element_count)
		qsort(config->elements, config->element_count, sizeof(*config->elements),
		      element_compare);
}

struct element *library_config_element(const struct library_config *config, uint16_t address)
{
	struct element wanted = {.address = address};

	return config->element_count ? bsearch(&wanted, config->elements, config->element_count,
					       sizeof(*config->elements), element_compare)
				     : NULL;
}

__attribute__((format(printf, 2, 3))) static int config_say(char message[256], const char *format,
							    ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, 256, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int config_check_names(const struct library_config *config, char message[256])
{
	const char *wrong = name_check_library(config->name);

	if (wrong)
		return config_say(message, "a library's name %s", wrong);
	wrong = name_check_iscsi(config->iqn);
	if (wrong)
		return config_say(message, "an iSCSI name %s", wrong);
	if (config->tapes[0] != '/')
		return config_say(message, "\"tapes\" must be an absolute path");
	return 0;
}

static int config_check_drives(const struct library_config *config, char message[256])
{
	if (config->drive_count < 1 || config->drive_count > LIBRARY_DRIVES_MAX)
		return config_say(message, "a library has 1 to %u drives", LIBRARY_DRIVES_MAX);
	for (size_t i = 0; i < config->drive_count; i++) {
		const struct library_drive *drive = &config->drives[i];
		const struct element *element = library_config_element(config, drive->address);

		if (!element || element->type != ELEMENT_DRIVE)
			return config_say(message, "drive %zu has the address %u, which no element of "
						   "type drive has", i + 1, (unsigned)drive->address);
		if (strcmp(drive->identity.serial, config->identity.serial) == 0)
			return config_say(message, "serial %s is there twice", drive->identity.serial);
		for (size_t k = 0; k < i; k++)
			if (config->drives[k].address == drive->address)
				return config_say(message, "two drives have the address %u",
						  (unsigned)drive->address);
			else if (strcmp(config->drives[k].identity.serial,
					drive->identity.serial) == 0)
				return config_say(message, "serial %s is there twice",
						  drive->identity.serial);
	}
	return 0;
}

static int barcode_compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int config_check_barcodes(const struct library_config *config, char message[256])
{
	const char **barcodes = mem_try_alloc(config->element_count, sizeof(*barcodes));
	size_t count = 0;
	int error = 0;

	if (!barcodes) {
		config_say(message, "not enough memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < config->element_count; i++)
		if (*config->elements[i].barcode)
			barcodes[count++] = config->elements[i].barcode;
	qsort(barcodes, count, sizeof(*barcodes), barcode_compare);
	for (size_t i = 1; i < count && !error; i++)
		if (strcmp(barcodes[i - 1], barcodes[i]) == 0)
			error = config_say(message, "barcode %s is there twice", barcodes[i]);
	free(barcodes);
	return error;
}

static int config_check_elements(const struct library_config *config, char message[256])
{
	size_t counts[ELEMENT_DRIVE + 1] = {0};

	for (size_t i = 0; i < config->element_count; i++) {
		const struct element *element = &config->elements[i];

		counts[element->type]++;
		if (i > 0 && element[-1].address == element->address)
			return config_say(message, "two elements have the address %u",
					  (unsigned)element->address);
		if (element->type == ELEMENT_TRANSPORT && *element->barcode)
			return config_say(message, "a transport element holds no tape at rest");
	}
	if (counts[ELEMENT_TRANSPORT] < 1 || counts[ELEMENT_STORAGE] < 1)
		return config_say(message, "a library has a transport element and a slot at least");
	if (counts[ELEMENT_DRIVE] != config->drive_count)
		return config_say(message, "%zu drives, but %zu elements of type drive",
				  config->drive_count, counts[ELEMENT_DRIVE]);
	return config_check_barcodes(config, message);
}

int library_config_check(const struct library_config *config, char message[256])
{
	int error = config_check_names(config, message);

	if (!error)
		error = config_check_drives(config, message);
	if (!error)
		error = config_check_elements(config, message);
	return error;
}
