/* SPDX-License-Identifier: MIT */
/*
 * REPORT DENSITY SUPPORT (SSC-5 7.9) out of the table of media: what the drive reads and
 * writes, or what the tape in it is. And the table of commands that tell.
 */
#include <string.h>

#include "lib/base/bytes.h"
#include "target/tape/drive_mam.h"

#define DENSITY_SIZE 52u
#define TYPE_SIZE    56u
#define REPORT_MAX   (4u + 20u * TYPE_SIZE)
#define MEGABYTE     UINT64_C(1000000)

#define ASKS_MEDIA 0x01u /* byte 1 of the CDB */
#define ASKS_TYPES 0x02u

struct report {
	uint8_t data[REPORT_MAX];
	size_t size;
};

static uint8_t *report_add(struct report *report, size_t size)
{
	if (size > sizeof(report->data) - report->size)
		return NULL;
	uint8_t *at = report->data + report->size;
	report->size += size;
	return at;
}

/* A density support descriptor (SSC-5 table 66). */
static void add_density(struct report *report, const struct drive *drive, const struct medium *medium)
{
	bool writes = medium_access(drive->settings.generation, medium) == MEDIUM_WRITE;
	uint8_t *at = report_add(report, DENSITY_SIZE);
	if (!at)
		return;
	at[0] = at[1] = medium->density;
	at[2] = (uint8_t)(writes << 7 | (medium->generation == drive->settings.generation &&
					 medium->density != 0x5d) << 5); /* WRTOK, DEFLT */
	be_put24(at + 5, medium->bits_per_mm);
	be_put16(at + 8, medium->width);
	be_put16(at + 10, (uint16_t)medium->tracks);
	be_put32(at + 12, (uint32_t)(medium->capacity / MEGABYTE));
	ascii_put(at + 16, 8, medium->organization);
	ascii_put(at + 24, 8, medium->density_name);
	ascii_put(at + 32, 20, medium->description);
}

/* A medium type descriptor (SSC-5 table 67). */
static void add_type(struct report *report, const struct medium *medium)
{
	uint8_t *at = report_add(report, TYPE_SIZE);
	if (!at)
		return;
	at[0] = medium->medium_type;
	be_put16(at + 2, TYPE_SIZE - 4);
	at[4] = 1; /* density codes */
	at[5] = medium->density;
	be_put16(at + 14, medium->width);
	ascii_put(at + 24, 8, medium->organization);
	ascii_put(at + 32, 8, medium->worm ? "WORM" : "Data");
	ascii_put(at + 40, 16, medium->name);
}

/* Both kinds of list go by code; WORM cartridges are a type, not a density. */
static void add_medium(struct report *report, const struct drive *drive, const struct medium *medium,
		       bool types)
{
	if (types)
		add_type(report, medium);
	else
		add_density(report, drive, medium);
}

static void add_all(struct report *report, const struct drive *drive, bool types)
{
	const struct medium *medium;
	for (unsigned n = 0; (medium = medium_at(n)); n++) {
		if (medium->cleaning || (medium->worm && !types) ||
		    medium_access(drive->settings.generation, medium) == MEDIUM_NONE)
			continue;
		add_medium(report, drive, medium, types);
	}
}

static void density_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	struct report report = {.size = 4};
	bool types = task->cdb[1] & ASKS_TYPES;
	if (task->cdb[1] & ASKS_MEDIA) {
		if (!drive_ready(drive, task))
			return;
		add_medium(&report, drive, drive->medium, types);
	} else {
		add_all(&report, drive, types);
	}
	/* The length counts what follows it: two reserved bytes, and the descriptors. */
	be_put16(report.data, (uint16_t)(report.size - 2));
	scsi_reply(task, report.data, report.size, be_get16(task->cdb + 7));
}

#define ATTRIBUTE_READ(action_, name_)                                                             \
	{.opcode = 0x8c, .has_action = true, .action = (action_), .length = 16,                    \
	 .usage = {0x8c, 0x1f, 0, 0, 0, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0}, \
	 .timeout = 120, .flags = SCSI_IF_WRITE_EXCLUSIVE, .name = (name_), .run = mam_run_read, .waits = drive_waits_drain}

const struct scsi_opcode drive_info_opcodes[] = {
	{.opcode = 0x44, .length = 10, .usage = {0x44, 0x03, 0, 0, 0, 0, 0, 0xff, 0xff, 0},
	 .timeout = 60, .flags = SCSI_IF_RESERVED, .name = "REPORT DENSITY SUPPORT", .run = density_run},
	ATTRIBUTE_READ(0, "READ ATTRIBUTE(VALUES)"),
	ATTRIBUTE_READ(1, "READ ATTRIBUTE(LIST)"),
	ATTRIBUTE_READ(2, "READ ATTRIBUTE(VOLUMES)"),
	ATTRIBUTE_READ(3, "READ ATTRIBUTE(PARTITIONS)"),
	ATTRIBUTE_READ(5, "READ ATTRIBUTE(SUPPORTED)"),
	{.opcode = 0x8d, .length = 16,
	 .usage = {0x8d, 0x01, 0, 0, 0, 0xff, 0, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0},
	 .timeout = 120, .name = "WRITE ATTRIBUTE", .run = mam_run_write, .waits = drive_waits},
	{.run = NULL},
};
