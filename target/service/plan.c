/* SPDX-License-Identifier: MIT */
/*
 * New libraries, and more of an old one. A serial number has ten characters, as
 * those of the devices that the personalities stand for. The NAA identifier is of
 * the locally assigned kind (SPC-5 7.7.6.4.5: 3h), sixty bits out of the unit's
 * uuid; the others begin with a company's number, and we have none.
 */
#include "target/service/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/service/names.h"

#define SERIAL_LENGTH 10u

struct place {
	enum element_type type;
	const char *name;
	uint64_t first, count;
};

static void random_bytes(void *bytes, size_t size)
{
	/* Up to 256 bytes come whole, and there is no other error once the pool has been filled. */
	ASSERT(size <= 256);
	while (getrandom(bytes, size, 0) != (ssize_t)size)
		ASSERT(errno == EINTR);
}

void service_random_text(char *text, size_t length)
{
	static const char characters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	uint8_t bytes[256];

	static_assert(sizeof(characters) - 1 == 32, "five bits a character");
	random_bytes(bytes, length);
	for (size_t i = 0; i < length; i++)
		text[i] = characters[bytes[i] % 32];
	text[length] = '\0';
}

__attribute__((format(printf, 2, 3))) static int plan_say(char message[256], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, 256, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* uuid version 4 (RFC 9562). */
static void plan_uuid(uint8_t uuid[16])
{
	random_bytes(uuid, 16);
	uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0f));
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
}

static bool plan_serial_is_used(const struct library_plan *plan, const struct library_config *config,
				const char *serial)
{
	if (strcmp(config->identity.serial, serial) == 0)
		return true;
	for (size_t i = 0; i < config->drive_count; i++)
		if (strcmp(config->drives[i].identity.serial, serial) == 0)
			return true;
	return plan->serial_is_used && plan->serial_is_used(plan->context, serial);
}

static void plan_identity(const struct library_plan *plan, const struct library_config *config,
			  struct scsi_identity *identity)
{
	char serial[SERIAL_LENGTH + 1];

	plan_uuid(identity->uuid);
	for (size_t i = 0; i < 8; i++)
		identity->naa[i] = identity->uuid[i] ^ identity->uuid[15 - i];
	identity->naa[0] = (uint8_t)(0x30 | (identity->naa[0] & 0x0f));
	do
		service_random_text(serial, SERIAL_LENGTH);
	while (plan_serial_is_used(plan, config, serial));
	strcpy(identity->serial, serial);
}

static void plan_drive(const struct library_plan *plan, const struct library_config *config,
		       const struct drive_model *model, uint16_t address,
		       struct library_drive *drive)
{
	*drive = (struct library_drive){.model = model, .address = address};
	plan_identity(plan, config, &drive->identity);
	memcpy(drive->identity.vendor, model->vendor, sizeof(model->vendor));
	memcpy(drive->identity.product, model->product, sizeof(model->product));
	memcpy(drive->identity.revision, model->revision, sizeof(model->revision));
}

/* The four stretches of addresses, sorted by where they begin. */
static void plan_places(const struct library_plan *plan, const struct personality *p,
			struct place places[4])
{
	const struct place unsorted[4] = {
		{ELEMENT_TRANSPORT, "robots", p->first_transport, 1},
		{ELEMENT_STORAGE, "slots", p->first_storage, plan->slots},
		{ELEMENT_IMPORT_EXPORT, "import/export slots", p->first_import_export,
		 plan->import_slots},
		{ELEMENT_DRIVE, "drives", p->first_drive, plan->drives},
	};

	for (size_t i = 0; i < 4; i++) {
		size_t place = i;

		for (; place > 0 && places[place - 1].first > unsorted[i].first; place--)
			places[place] = places[place - 1];
		places[place] = unsorted[i];
	}
}

static int plan_check_counts(const struct library_plan *plan, const struct personality *p,
			     char message[256])
{
	struct place places[4];

	if (plan->drives < 1 || plan->drives > LIBRARY_DRIVES_MAX)
		return plan_say(message, "a library has 1 to %u drives", LIBRARY_DRIVES_MAX);
	if (plan->slots < 1)
		return plan_say(message, "a library has at least one slot");
	if (plan->recycle_days > LIBRARY_RECYCLE_MAX)
		return plan_say(message, "deleted tapes are kept for at most %u days",
				LIBRARY_RECYCLE_MAX);
	if (plan->tape_size > INT64_MAX)
		return plan_say(message, "a tape of this size is not possible");
	plan_places(plan, p, places);
	for (size_t i = 0; i < 4; i++) {
		uint64_t end = i < 3 ? places[i + 1].first : UINT16_MAX + 1u;

		if (places[i].count > end - places[i].first)
			return plan_say(message, "%s has addresses for %llu %s, not for %llu", p->title,
					(unsigned long long)(end - places[i].first), places[i].name,
					(unsigned long long)places[i].count);
	}
	return 0;
}

/* Elements as the plan has them, with what is in those that there are already. */
static int plan_elements(const struct library_plan *plan, struct library_config *config,
			 char message[256])
{
	CLEANUP_FREE struct element *elements = NULL;
	struct place places[4];
	size_t count = 0;

	elements = mem_try_zalloc(1 + plan->drives + plan->slots + plan->import_slots,
				  sizeof(*elements));
	if (!elements)
		return -ENOMEM;
	plan_places(plan, config->personality, places);
	for (size_t i = 0; i < 4; i++) {
		for (uint64_t n = 0; n < places[i].count; n++) {
			uint16_t address = (uint16_t)(places[i].first + n);
			const struct element *old = library_config_element(config, address);

			elements[count] = (struct element){.address = address,
							   .type = places[i].type};
			if (old && old->type == places[i].type)
				elements[count] = *old;
			count++;
		}
	}
	const struct library_config made = {.elements = elements, .element_count = count};

	for (size_t i = 0; i < config->element_count; i++) {
		const struct element *old = &config->elements[i];
		const struct element *now = library_config_element(&made, old->address);

		if (*old->barcode && (!now || now->type != old->type))
			return plan_say(message, "tape %s is in place %u, which would go", old->barcode,
					(unsigned)old->address);
	}
	free(config->elements);
	config->elements = TAKE(elements);
	config->element_count = count;
	return 0;
}

static int plan_model(const struct library_plan *plan, const struct personality *p,
		      const struct drive_model **model, char message[256])
{
	const char *name = plan->drive ? plan->drive : p->drive;

	*model = drive_model_find(name);
	return *model ? 0 : plan_say(message, "there is no drive \"%.60s\"; granary vtl personalities lists them",
				     name);
}

/* Drives after those that there are, or without the last ones. */
static int plan_drives(const struct library_plan *plan, struct library_config *config,
		       const struct drive_model *model)
{
	struct library_drive *drives = mem_try_zalloc(plan->drives, sizeof(*drives));
	size_t kept = config->drive_count < plan->drives ? config->drive_count : plan->drives;

	if (!drives)
		return -ENOMEM;
	if (kept)
		memcpy(drives, config->drives, kept * sizeof(*drives));
	free(config->drives);
	config->drives = drives;
	config->drive_count = kept;
	for (; config->drive_count < plan->drives; config->drive_count++) {
		uint64_t address = config->personality->first_drive + config->drive_count;

		plan_drive(plan, config, model, (uint16_t)address, &drives[config->drive_count]);
	}
	return 0;
}

int library_plan_make(const struct library_plan *plan, struct library_config *config,
		      char message[256])
{
	const struct personality *p = personality_find(plan->personality);
	const struct drive_model *model;
	const char *wrong = name_check_library(plan->name);
	int error;

	*config = (struct library_config){0};
	if (wrong)
		return plan_say(message, "a library's name %s", wrong);
	if (!p)
		return plan_say(message, "there is no personality \"%.60s\"; granary vtl personalities "
					 "lists them", plan->personality);
	error = plan_model(plan, p, &model, message);
	if (!error)
		error = plan_check_counts(plan, p, message);
	if (error)
		return error;
	if (snprintf(config->iqn, sizeof(config->iqn), "%s:%s", plan->iqn_prefix, plan->name) >=
	    (int)sizeof(config->iqn))
		return plan_say(message, "the iSCSI name would be too long");
	if (strlen(plan->tapes) >= sizeof(config->tapes))
		return plan_say(message, "the path of the tapes is too long");
	strcpy(config->name, plan->name);
	strcpy(config->tapes, plan->tapes);
	config->personality = p;
	config->tape_size = plan->tape_size;
	config->recycle_days = (uint32_t)plan->recycle_days;
	config->encryption = plan->encryption;
	plan_uuid(config->uuid);
	plan_identity(plan, config, &config->identity);
	memcpy(config->identity.vendor, p->vendor, sizeof(p->vendor));
	memcpy(config->identity.product, p->product, sizeof(p->product));
	memcpy(config->identity.revision, p->revision, sizeof(p->revision));
	error = plan_drives(plan, config, model);
	if (!error)
		error = plan_elements(plan, config, message);
	if (!error)
		error = library_config_check(config, message);
	if (error)
		library_config_clear(config);
	return error;
}

int library_plan_resize(const struct library_plan *plan, struct library_config *config,
			char message[256])
{
	const struct drive_model *model = config->drives[config->drive_count - 1].model;
	int error = plan->drive ? plan_model(plan, config->personality, &model, message) : 0;

	if (!error)
		error = plan_check_counts(plan, config->personality, message);
	/* Elements first: they may say no. */
	if (!error)
		error = plan_elements(plan, config, message);
	if (!error)
		error = plan_drives(plan, config, model);
	return error ? error : library_config_check(config, message);
}
