/* SPDX-License-Identifier: MIT */
/*
 * NAME.reservations read and written: see reservations.h.
 *
 * A file that cannot be read keeps the library from being served: to go on without
 * its reservations would let in those whom they shut out. The units' workers call
 * for it at the same time; reservations->lock is taken with no other one held.
 */
#include "target/service/reservations.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/service/access_io.h"
#include "target/service/reader.h"

#define RESERVATIONS_VERSION 1u
#define UNITS_MAX	     (2 * SCSI_LUNS) /* those of the file, and those of the library */

struct kept_unit {
	char serial[sizeof(((struct scsi_identity *)NULL)->serial)];
	struct scsi_registration *registrations;
	struct scsi_kept kept; /* its registrations are those */
	bool attached; /* there is such a unit: others are not written again */
};

struct reservations {
	char *path;
	struct scsi_keeper keeper;
	pthread_mutex_t lock;
	struct kept_unit units[UNITS_MAX]; /* lock */
	size_t count;			   /* lock */
};

static const char *const root_names[] = {"version", "units", NULL};
static const char *const unit_names[] = {"serial", "type", "owner", "registrations", NULL};
static const char *const registration_names[] = {"initiator", "isid", "portal_group", "key", NULL};

static char *reservations_path(const char *config_path)
{
	size_t length = strlen(config_path), suffix = strlen(".conf");

	return mem_printf("%.*s.reservations", (int)(length - suffix), config_path);
}

static struct kept_unit *unit_find_locked(struct reservations *reservations, const char *serial)
{
	for (size_t i = 0; i < reservations->count; i++)
		if (strcmp(reservations->units[i].serial, serial) == 0)
			return &reservations->units[i];
	return NULL;
}

/* ---- reading ------------------------------------------------------------------------------- */

static void load_registration(struct reader *r, config_setting_t *group,
			      struct scsi_registration *registration)
{
	uint8_t key[8] = {0};
	uint64_t portal_group = 0;

	reader_known(r, group, registration_names);
	reader_text(r, group, "initiator", registration->ports.initiator, sizeof(registration->ports.initiator));
	reader_bytes(r, group, "isid", registration->ports.isid, sizeof(registration->ports.isid));
	reader_number(r, group, "portal_group", UINT16_MAX, &portal_group);
	reader_bytes(r, group, "key", key, sizeof(key));
	registration->ports.portal_group = (uint16_t)portal_group;
	for (size_t i = 0; i < sizeof(key); i++)
		registration->key = registration->key << 8 | key[i];
}

static void load_unit(struct reader *r, config_setting_t *group, struct kept_unit *unit)
{
	uint64_t type = 0, owner = 0;
	size_t count;

	reader_known(r, group, unit_names);
	reader_text(r, group, "serial", unit->serial, sizeof(unit->serial));
	reader_number(r, group, "type", 15, &type);
	reader_number(r, group, "owner", SCSI_REGISTRATIONS_MAX, &owner);
	config_setting_t *list = reader_list(r, group, "registrations", SCSI_REGISTRATIONS_MAX, &count);

	if (!count)
		return;
	unit->registrations = mem_try_zalloc(count, sizeof(*unit->registrations));
	if (!unit->registrations) {
		r->error = -ENOMEM;
		return;
	}
	for (unsigned i = 0; i < count && !r->error; i++)
		load_registration(r, config_setting_get_elem(list, i), &unit->registrations[i]);
	unit->kept = (struct scsi_kept){
		.registrations = unit->registrations,
		.count = count,
		.type = (uint8_t)type,
		.owner = (size_t)owner,
	};
}

static int reservations_parse(struct reservations *reservations, const char *text)
{
	struct reader r;
	char message[LIBRARY_MESSAGE];
	size_t count;

	if (reader_open(&r, reservations->path, text, RESERVATIONS_VERSION) == 0) {
		reader_known(&r, reader_root(&r), root_names);
		config_setting_t *list = reader_list(&r, reader_root(&r), "units", SCSI_LUNS, &count);

		for (unsigned i = 0; i < count && !r.error; i++) {
			load_unit(&r, config_setting_get_elem(list, i), &reservations->units[i]);
			reservations->count = i + 1;
		}
	}
	int error = reader_close(&r, message);

	if (error)
		log_error("%s", message);
	return error;
}

static int reservations_load(struct reservations *reservations)
{
	CLEANUP_FREE char *text = NULL;
	size_t size;
	int error = file_read_all(reservations->path, READER_FILE_MAX, &text, &size);

	if (error == -ENOENT)
		return 0;
	if (!error && strlen(text) != size)
		error = -EBADMSG;
	if (error) {
		log_error("%s: %s", reservations->path, strerror(-error));
		return error;
	}
	return reservations_parse(reservations, text);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void write_unit(FILE *out, const struct kept_unit *unit)
{
	fputs("\t{ serial = ", out);
	text_write(out, unit->serial);
	fprintf(out, "; type = %u; owner = %zu; registrations = (", (unsigned)unit->kept.type,
		unit->kept.owner);
	for (size_t i = 0; i < unit->kept.count; i++) {
		const struct scsi_registration *registration = &unit->kept.registrations[i];

		fprintf(out, "%s\n\t\t{ initiator = ", i ? "," : "");
		text_write(out, registration->ports.initiator);
		fputs("; isid = \"", out);
		for (size_t j = 0; j < sizeof(registration->ports.isid); j++)
			fprintf(out, "%02x", registration->ports.isid[j]);
		fprintf(out, "\"; portal_group = %u; key = \"%016llx\"; }",
			(unsigned)registration->ports.portal_group, (unsigned long long)registration->key);
	}
	fputs(" ); }", out);
}

static int reservations_write(const struct reservations *reservations)
{
	CLEANUP_FREE char *data = NULL;
	size_t size = 0;
	bool first = true;
	FILE *out = open_memstream(&data, &size);

	if (!out)
		return -ENOMEM;
	fprintf(out, "# Persistent reservations that are kept (APTPL), by granary-targetd(8).\nversion = %u;\n"
		     "units = (\n", RESERVATIONS_VERSION);
	for (size_t i = 0; i < reservations->count; i++) {
		if (!reservations->units[i].attached || !reservations->units[i].kept.count)
			continue;
		if (!first)
			fputs(",\n", out);
		first = false;
		write_unit(out, &reservations->units[i]);
	}
	fputs("\n);\n", out);
	return text_replace(reservations->path, out, &data, &size, 0640);
}

static int reservations_save(void *context, const struct scsi_lu *lu, const struct scsi_kept *kept)
{
	struct reservations *reservations = context;
	size_t room = kept->count ? kept->count : 1;
	struct scsi_registration *copy = mem_try_alloc(room, sizeof(*copy));
	int error;

	if (!copy)
		return -ENOMEM;
	LOCK_SCOPE(&reservations->lock);
	struct kept_unit *unit = unit_find_locked(reservations, lu->identity.serial);
	struct kept_unit before = *unit;

	if (kept->count)
		memcpy(copy, kept->registrations, kept->count * sizeof(*copy));
	unit->registrations = copy;
	unit->kept = *kept;
	unit->kept.registrations = copy;
	error = reservations_write(reservations);
	if (error) {
		*unit = before;
		free(copy);
		return error;
	}
	free(before.registrations);
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------- */

int reservations_open(const char *config_path, struct reservations **result)
{
	struct reservations *reservations = mem_zalloc(sizeof(*reservations));
	int error;

	reservations->path = reservations_path(config_path);
	reservations->keeper = (struct scsi_keeper){.save = reservations_save, .context = reservations};
	pthread_mutex_init(&reservations->lock, NULL);
	error = reservations_load(reservations);
	if (error) {
		reservations_close(&reservations);
		return error;
	}
	*result = reservations;
	return 0;
}

void reservations_close(struct reservations **reservations)
{
	struct reservations *old = TAKE(*reservations);

	if (!old)
		return;
	for (size_t i = 0; i < UNITS_MAX; i++)
		free(old->units[i].registrations);
	pthread_mutex_destroy(&old->lock);
	free(old->path);
	free(old);
}

int reservations_attach(struct reservations *reservations, struct scsi_lu *lu)
{
	struct kept_unit *unit;
	int error = 0;
	LOCK_SCOPE(&reservations->lock);

	unit = unit_find_locked(reservations, lu->identity.serial);
	if (!unit) {
		if (reservations->count == UNITS_MAX)
			return -E2BIG;
		unit = &reservations->units[reservations->count++];
		memcpy(unit->serial, lu->identity.serial, sizeof(unit->serial));
	}
	unit->attached = true;
	if (unit->kept.count)
		error = scsi_lu_restore(lu, &unit->kept);
	if (error)
		log_error("%s: the reservations of unit %s cannot be: %s", reservations->path,
			  unit->serial, strerror(-error));
	else
		scsi_lu_keep(lu, &reservations->keeper);
	return error;
}

void reservations_delete(const char *config_path)
{
	CLEANUP_FREE char *path = reservations_path(config_path);

	if (unlink(path) < 0 && errno != ENOENT)
		log_warning("%s: %s", path, strerror(errno));
}
