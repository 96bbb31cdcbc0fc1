/* SPDX-License-Identifier: MIT */
/*
 * Partitions as mode page 11h has them. MODE SENSE tells what the tape in the drive has;
 * MODE SELECT only asks (POFM is set): FORMAT MEDIUM makes it. What was asked for is
 * forgotten with the tape.
 *
 * FDP and SDP leave the sizes to the drive: partition 1 gets a twentieth. IDP brings them, in
 * the units of PSUM; FFFFh is what the other one leaves.
 */
#include "target/tape/drive_partitions.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"

#define WRONG(offset)	 (-(int)(offset) - 1)
#define PARTITION_FIXED	 0x80u /* FDP */
#define PARTITION_SELECT 0x40u /* SDP */
#define PARTITION_HOST	 0x20u /* IDP */
#define PARTITION_FORMAT 0x04u /* POFM */
#define UNITS_POWER	 3u    /* of PSUM: ten to the PARTITION UNITS */
#define SIZE_REST	 0xffffu
#define MEGABYTE	 UINT64_C(1000000)
#define OWN_SHARE	 20u

/* One more than the first; medium format and partitions are recognised (03h); units of 10^9. */
const uint8_t partition_page_defaults[PARTITION_PAGE_SIZE] = {
	0x11, 0x0a, 1, 0, UNITS_POWER << 3 | PARTITION_FORMAT, 0x03, 9, 0, 0xff, 0xff, 0, 0};
const uint8_t partition_page_changeable[PARTITION_PAGE_SIZE] = {
	0x11, 0x0a, 0, 0xff, 0xf8, 0, 0x0f, 0, 0xff, 0xff, 0xff, 0xff};

static bool can_partition(const struct drive *drive)
{
	return drive->settings.generation >= 5 && (!drive->medium || drive->medium->generation >= 5) &&
	       !(drive->medium && drive->media.worm);
}

/* Bytes of one size descriptor's unit; 0 when it is beyond all tapes. */
static uint64_t page_unit(const uint8_t *page)
{
	unsigned power = page[4] >> 3 & 3;
	power = power == UNITS_POWER ? page[6] & 0x0f : 3 * power;
	if (power > 12)
		return 0;
	uint64_t unit = 1;
	while (power--)
		unit *= 10;
	return unit;
}

/* 0, or the offset of what does not fit. */
static unsigned page_sizes(const uint8_t *page, uint64_t capacity, uint64_t sizes[2])
{
	uint64_t unit = page_unit(page);
	uint16_t asked[2] = {be_get16(page + 8), be_get16(page + 10)};
	if (!unit)
		return 6;
	if (asked[0] == SIZE_REST && asked[1] == SIZE_REST)
		return 10;
	for (unsigned i = 0; i < 2; i++)
		sizes[i] = asked[i] == SIZE_REST ? 0 : asked[i] * unit;
	for (unsigned i = 0; i < 2; i++) {
		if (asked[i] == SIZE_REST && sizes[!i] < capacity)
			sizes[i] = capacity - sizes[!i];
		if (sizes[i] == 0 || sizes[i] > capacity)
			return 8 + 2 * i;
	}
	return sizes[0] + sizes[1] <= capacity ? 0 : 10;
}

int partition_page_check(struct scsi_lu *lu, const uint8_t *page)
{
	const struct drive *drive = drive_of(lu);
	unsigned modes = page[4] & (PARTITION_FIXED | PARTITION_SELECT | PARTITION_HOST);
	if (page[3] > can_partition(drive))
		return WRONG(3);
	if (modes & (modes - 1)) /* more than one of them */
		return WRONG(4);
	if (modes != PARTITION_HOST || page[3] == 0 || !drive->medium)
		return 0;
	uint64_t sizes[2];
	unsigned wrong = page_sizes(page, drive_whole_size(drive), sizes);
	return wrong ? WRONG(wrong) : 0;
}

void partition_page_changed(struct scsi_lu *lu, const uint8_t *page)
{
	LOCK_SCOPE(&lu->lock);
	struct drive_info *info = drive_of(lu)->info;
	info->partitions_asked = page[4] & (PARTITION_FIXED | PARTITION_SELECT | PARTITION_HOST);
	memcpy(info->partition_page, page, PARTITION_PAGE_SIZE);
}

void partition_page_refresh(struct scsi_lu *lu, uint8_t *page)
{
	const struct drive *drive = drive_of(lu);
	memcpy(page, partition_page_defaults, PARTITION_PAGE_SIZE);
	page[2] = can_partition(drive);
	if (!drive->medium || drive->medium->cleaning)
		return;
	/* The finest unit in which the tape can be told. */
	uint64_t unit = MEGABYTE;
	page[6] = 6;
	while (drive_whole_size(drive) / unit >= SIZE_REST) {
		unit *= 10;
		page[6]++;
	}
	page[3] = (uint8_t)(drive->media.partitions - 1);
	be_put16(page + 10, 0);
	for (unsigned i = 0; i < drive->media.partitions; i++)
		be_put16(page + 8 + 2 * i, (uint16_t)(drive_partition_size(drive, i) / unit));
}

unsigned drive_partitions_wanted(struct drive *drive, uint64_t sizes[CARTRIDGE_PARTITIONS])
{
	const struct drive_info *info = drive->info;
	const uint8_t *page = info->partition_page;
	uint64_t capacity = drive_whole_size(drive);
	sizes[0] = capacity;
	sizes[1] = 0;
	if (!info->partitions_asked || page[3] == 0 || !can_partition(drive))
		return 1;
	uint64_t asked[2];
	if (page[4] & PARTITION_HOST) {
		if (page_sizes(page, capacity, asked))
			return 1; /* asked for before this tape came */
		memcpy(sizes, asked, sizeof(asked));
		return 2;
	}
	sizes[1] = capacity / OWN_SHARE;
	sizes[0] = capacity - sizes[1];
	return 2;
}
