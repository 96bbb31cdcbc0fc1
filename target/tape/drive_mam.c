/* SPDX-License-Identifier: MIT */
/*
 * READ ATTRIBUTE (SPC-5 6.17): what the medium auxiliary memory tells.
 *
 * An attribute exists when its row can make it, or when the cartridge keeps one. Lists are in
 * ascending order and start with the first attribute that the CDB asks for, which must exist
 * (24h/00h). The length that is told counts what the allocation length cuts off.
 */
#include "target/tape/drive_mam.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

/* ---- what is made when it is read ---------------------------------------------------------- */

static void live_remaining(const struct drive *drive, unsigned partition, uint8_t *value)
{
	be_put64(value, drive_remaining(drive, partition) / DRIVE_MEBIBYTE);
}

static void live_maximum(const struct drive *drive, unsigned partition, uint8_t *value)
{
	be_put64(value, drive_partition_size(drive, partition) / DRIVE_MEBIBYTE);
}

static void live_space(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	size_t used = mam_used(drive);
	be_put64(value, used < MAM_CAPACITY ? MAM_CAPACITY - used : 0);
}

static void live_organization(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	ascii_put(value, 8, drive->medium->organization);
}

static void live_density(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	value[0] = drive->medium->density;
}

static void live_formats(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	be_put16(value, (uint16_t)(drive->info->past.formats + 1));
}

static void live_barcode(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	ascii_put(value, 32, drive->media.barcode);
}

static void live_written(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	be_put64(value, drive_volume_totals(drive).written_bytes / DRIVE_MEBIBYTE);
}

static void live_read(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	be_put64(value, drive_volume_totals(drive).read_bytes / DRIVE_MEBIBYTE);
}

static void live_load_written(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	be_put64(value, drive->load.written_bytes / DRIVE_MEBIBYTE);
}

static void live_load_read(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	be_put64(value, drive->load.read_bytes / DRIVE_MEBIBYTE);
}

/* SPC-4 7.4.2.2.9, .10: the first encrypted block of the partition, and the first one after it that is
 * not; all ones where there is none. */
static uint64_t encrypted_first(const struct drive *drive, unsigned partition)
{
	uint64_t first;
	int error = cartridge_find_flags(drive->cartridge, partition, 0, CARTRIDGE_ENCRYPTED, &first);
	return error ? UINT64_MAX : first;
}

static void live_encrypted(const struct drive *drive, unsigned partition, uint8_t *value)
{
	be_put64(value, encrypted_first(drive, partition));
}

static void live_unencrypted(const struct drive *drive, unsigned partition, uint8_t *value)
{
	uint64_t object = encrypted_first(drive, partition);
	if (object != UINT64_MAX && cartridge_find_flags(drive->cartridge, partition, object, 0, &object))
		object = UINT64_MAX;
	be_put64(value, object);
}

static void put48(uint8_t *value, uint64_t number)
{
	be_put16(value, (uint16_t)(number >> 32));
	be_put32(value + 2, (uint32_t)number);
}

/* MEDIUM USAGE HISTORY (SPC-5 table 425): numbers of six bytes; each amount has a count of retries
 * behind it, of which there are none here. Partitions are not counted when they are changed. */
static void live_usage(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	enum { WRITTEN, READ = 2, LAST_WRITTEN = 4, LAST_READ = 6, ALL_WRITTEN = 8, ALL_READ = 10,
	       LOADS = 12, FORMATS = 14, NUMBERS };
	struct volume_totals totals = drive_volume_totals(drive);
	const uint64_t numbers[NUMBERS] = {
		[WRITTEN] = drive->load.written_bytes / DRIVE_MEBIBYTE,
		[READ] = drive->load.read_bytes / DRIVE_MEBIBYTE,
		[LAST_WRITTEN] = totals.last_written / DRIVE_MEBIBYTE,
		[LAST_READ] = totals.last_read / DRIVE_MEBIBYTE,
		[ALL_WRITTEN] = totals.written_bytes / DRIVE_MEBIBYTE,
		[ALL_READ] = totals.read_bytes / DRIVE_MEBIBYTE,
		[LOADS] = drive->info->loads,
		[FORMATS] = totals.formats,
	};
	for (size_t i = 0; i < NUMBERS; i++)
		put48(value + 6 * i, numbers[i]);
}

static void live_maker(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)drive, (void)partition;
	ascii_put(value, 8, "GRANARY");
}

static void live_serial(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	char text[33];
	for (unsigned i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02X", drive->media.uuid[i]);
	memcpy(value, text, 32);
}

/* Meters, as the LTO specifications have them. */
static void live_length(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	static const uint16_t meters[] = {[4] = 820, [5] = 846, [6] = 846, [7] = 960, [8] = 960, [9] = 1035};
	unsigned generation = drive->medium->generation;
	if (generation < sizeof(meters) / sizeof(meters[0]))
		be_put32(value, meters[generation]);
}

static void live_width(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	be_put32(value, drive->medium->width);
}

static void live_date(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	time_t created = (time_t)drive->media.created;
	struct tm tm;
	char text[32] = "19700101";
	if (gmtime_r(&created, &tm))
		strftime(text, sizeof(text), "%Y%m%d", &tm);
	memcpy(value, text, 8);
}

static void live_mam_capacity(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)drive, (void)partition;
	be_put64(value, MAM_CAPACITY);
}

static void live_medium_type(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)partition;
	value[0] = drive->media.worm ? 0x80 : 0x00;
}

static void live_nothing(const struct drive *drive, unsigned partition, uint8_t *value)
{
	(void)drive, (void)partition, (void)value;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct mam_row rows[] = {
	{0x0000, 8, MAM_BINARY, MAM_PARTITION, live_remaining},
	{0x0001, 8, MAM_BINARY, MAM_PARTITION, live_maximum},
	{MAM_ALERTS, 8, MAM_BINARY, 0, NULL}, /* of the load before */
	{MAM_LOAD_COUNT, 8, MAM_BINARY, 0, NULL},
	{0x0004, 8, MAM_BINARY, 0, live_space},
	{0x0005, 8, MAM_ASCII, 0, live_organization},
	{0x0006, 1, MAM_BINARY, 0, live_density},
	{0x0007, 2, MAM_BINARY, 0, live_formats},
	{0x0008, 32, MAM_ASCII, 0, live_barcode},
	{MAM_CHANGE_REFERENCE, 4, MAM_BINARY, 0, NULL},
	{MAM_LAST_DRIVE, MAM_DRIVE_SIZE, MAM_ASCII, 0, NULL},
	{MAM_LAST_DRIVE + 1, MAM_DRIVE_SIZE, MAM_ASCII, 0, NULL},
	{MAM_LAST_DRIVE + 2, MAM_DRIVE_SIZE, MAM_ASCII, 0, NULL},
	{MAM_LAST_DRIVE + 3, MAM_DRIVE_SIZE, MAM_ASCII, 0, NULL},
	{0x0220, 8, MAM_BINARY, 0, live_written},
	{0x0221, 8, MAM_BINARY, 0, live_read},
	{0x0222, 8, MAM_BINARY, 0, live_load_written},
	{0x0223, 8, MAM_BINARY, 0, live_load_read},
	{0x0224, 8, MAM_BINARY, MAM_PARTITION, live_encrypted},
	{0x0225, 8, MAM_BINARY, MAM_PARTITION, live_unencrypted},
	{0x0340, 90, MAM_BINARY, 0, live_usage},
	{0x0400, 8, MAM_ASCII, 0, live_maker},
	{0x0401, 32, MAM_ASCII, 0, live_serial},
	{0x0402, 4, MAM_BINARY, 0, live_length},
	{0x0403, 4, MAM_BINARY, 0, live_width},
	{0x0404, 8, MAM_ASCII, 0, live_organization},
	{0x0405, 1, MAM_BINARY, 0, live_density},
	{0x0406, 8, MAM_ASCII, 0, live_date},
	{0x0407, 8, MAM_BINARY, 0, live_mam_capacity},
	{0x0408, 1, MAM_BINARY, 0, live_medium_type},
	{0x0409, 2, MAM_BINARY, 0, live_nothing}, /* type information: none for data cartridges */
	{0x0800, 8, MAM_ASCII, MAM_HOST | MAM_PARTITION, NULL},	 /* application vendor */
	{0x0801, 32, MAM_ASCII, MAM_HOST | MAM_PARTITION, NULL}, /* its name */
	{0x0802, 8, MAM_ASCII, MAM_HOST | MAM_PARTITION, NULL},	 /* its version */
	{0x0803, 160, MAM_TEXT, MAM_HOST | MAM_PARTITION, NULL}, /* user medium text label */
	{0x0804, 12, MAM_ASCII, MAM_HOST | MAM_PARTITION, NULL}, /* date and time last written */
	{0x0805, 1, MAM_BINARY, MAM_HOST | MAM_PARTITION, NULL}, /* text localization */
	{0x0806, 32, MAM_ASCII, MAM_HOST | MAM_PARTITION, NULL}, /* barcode */
	{0x0807, 80, MAM_TEXT, MAM_HOST | MAM_PARTITION, NULL},	 /* owning host */
	{0x0808, 160, MAM_TEXT, MAM_HOST | MAM_PARTITION, NULL}, /* media pool */
	{0x0809, 16, MAM_ASCII, MAM_HOST | MAM_PARTITION, NULL}, /* partition label */
	{0x080a, 1, MAM_BINARY, MAM_HOST | MAM_PARTITION, NULL}, /* load/unload at partition */
	{0x080b, 16, MAM_ASCII, MAM_HOST | MAM_PARTITION, NULL}, /* application format version */
	/* Volume coherency information: 23 bytes and what the application adds; LTFS writes 70. */
	{0x080c, 1023, MAM_BINARY, MAM_HOST | MAM_PARTITION | MAM_VARIABLE, NULL},
	{0x0820, 36, MAM_BINARY, MAM_HOST, NULL}, /* medium globally unique id */
	{0x0821, 36, MAM_BINARY, MAM_HOST, NULL}, /* media pool globally unique id */
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

const struct mam_row *mam_find(uint16_t id)
{
	static const struct mam_row vendor = {
		MAM_HOST_VENDOR, 4096, MAM_BINARY, MAM_HOST | MAM_VARIABLE, NULL};
	if (id >= MAM_HOST_VENDOR && id <= MAM_HOST_VENDOR_LAST)
		return &vendor;
	for (size_t n = 0; n < ROWS; n++)
		if (rows[n].id == id)
			return &rows[n];
	return NULL;
}

/* Where the cartridge keeps an attribute that `partition` is asked for. */
static unsigned mam_partition(const struct mam_row *row, unsigned partition)
{
	return row->flags & MAM_PARTITION ? partition : 0;
}

size_t mam_used(const struct drive *drive)
{
	size_t used = 0;
	for (unsigned partition = 0; partition < drive->media.partitions; partition++) {
		struct cartridge_attribute attribute;
		uint32_t id = 0x0800;
		while (id <= UINT16_MAX &&
		       !cartridge_next_attribute(drive->cartridge, partition, (uint16_t)id, &attribute)) {
			const struct mam_row *row = mam_find(attribute.id);
			if (row && row->flags & MAM_HOST && mam_partition(row, partition) == partition)
				used += attribute.length + MAM_ENTRY_SIZE;
			id = (uint32_t)attribute.id + 1;
		}
	}
	return used;
}

bool mam_addressed(struct drive *drive, struct scsi_task *task, unsigned *partition)
{
	if (!drive_ready(drive, task))
		return false;
	if (task->cdb[5]) { /* logical volume: there is one */
		scsi_invalid_cdb(task, 5, 8);
		return false;
	}
	if (task->cdb[7] >= drive->media.partitions) {
		scsi_invalid_cdb(task, 7, 8);
		return false;
	}
	int err = drive_drain(drive);
	if (err) {
		drive_check_flush(drive, task, err);
		return false;
	}
	*partition = task->cdb[7];
	return true;
}

/* ---- READ ATTRIBUTE --------------------------------------------------------------------------- */

#define LIST_MAX (3 * MAM_CAPACITY) /* values with their headers, or identifiers */

struct list {
	struct drive *drive;
	unsigned partition;
	uint16_t first;
	bool found; /* the first one exists */
	bool values;
	uint8_t *data;
	size_t size;
};

static void list_add(struct list *list, uint16_t id, const struct mam_row *row, const uint8_t *value,
		     uint16_t length)
{
	size_t need = list->values ? 5u + length : 2u;
	if (id < list->first || list->size + need > LIST_MAX)
		return;
	if (id == list->first)
		list->found = true;
	uint8_t *at = list->data + list->size;
	list->size += need;
	be_put16(at, id);
	if (!list->values)
		return;
	at[2] = (uint8_t)((row->flags & MAM_HOST ? 0 : 0x80) | row->format);
	be_put16(at + 3, length);
	memcpy(at + 5, value, length);
}

/* What exists of one row; for the vendor range that is several. */
static void list_add_row(struct list *list, const struct mam_row *row)
{
	uint8_t value[128] = {0};
	struct cartridge_attribute kept;
	if (row->live) {
		row->live(list->drive, list->partition, value);
		list_add(list, row->id, row, value, row->length);
	} else if (!cartridge_attribute(list->drive->cartridge, mam_partition(row, list->partition), row->id,
					&kept)) {
		list_add(list, row->id, row, kept.value, kept.length);
	}
}

static void list_add_vendor(struct list *list)
{
	struct cartridge_attribute kept;
	uint32_t id = MAM_HOST_VENDOR;
	while (id <= MAM_HOST_VENDOR_LAST &&
	       !cartridge_next_attribute(list->drive->cartridge, list->partition, (uint16_t)id, &kept) &&
	       kept.id <= MAM_HOST_VENDOR_LAST) {
		struct mam_row row = *mam_find(kept.id);
		row.format = kept.format;
		list_add(list, kept.id, &row, kept.value, kept.length);
		id = (uint32_t)kept.id + 1;
	}
}

enum { READ_VALUES, READ_LIST, READ_VOLUMES, READ_PARTITIONS, READ_SUPPORTED = 5 };

static void list_build(struct list *list, unsigned action)
{
	for (size_t n = 0; n < ROWS; n++) {
		if (action == READ_SUPPORTED)
			list_add(list, rows[n].id, &rows[n], NULL, 0);
		else
			list_add_row(list, &rows[n]);
	}
	list_add_vendor(list);
}

static void read_list(struct drive *drive, struct scsi_task *task, unsigned action, unsigned partition)
{
	CLEANUP_FREE uint8_t *data = mem_try_zalloc(1, 4 + LIST_MAX);
	if (!data) {
		scsi_check(task, SENSE_HARDWARE_ERROR, ASC_INTERNAL_FAILURE);
		return;
	}
	struct list list = {
		.drive = drive, .partition = partition, .first = be_get16(task->cdb + 8),
		.values = action == READ_VALUES, .data = data + 4,
	};
	list_build(&list, action);
	/* The list that starts at 0000h is all of it; any other start must be there (SPC-5 6.17.1). */
	if (!list.found && list.first != 0) {
		scsi_invalid_cdb(task, 8, 8);
		return;
	}
	be_put32(data, (uint32_t)list.size);
	scsi_reply(task, data, 4 + list.size, be_get32(task->cdb + 10));
}

void mam_run_read(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	unsigned action = task->cdb[1] & 0x1f, partition;
	if (!mam_addressed(drive, task, &partition))
		return;
	if (action == READ_VOLUMES || action == READ_PARTITIONS) {
		/* First number, how many of them. */
		const uint8_t data[4] = {
			0, 2, 0, (uint8_t)(action == READ_VOLUMES ? 1 : drive->media.partitions)};
		scsi_reply(task, data, sizeof(data), be_get32(task->cdb + 10));
		return;
	}
	read_list(drive, task, action, partition);
}
