/* SPDX-License-Identifier: MIT */
/*
 * Mode pages of a drive (SSC-5 8.5, SPC-5 7.5), their header and block descriptor.
 *
 * What can be changed does something or is what every LTO drive takes without doing more
 * (compression: the store below compresses, so the bit is kept and told, nothing else).
 * Whatever changes by itself (active partition, partition sizes, WORM) is filled in when it
 * is read. Pages of the same thing agree: 0Fh and 10h both tell drive->mode.compression.
 */
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/scsi/alerts.h"
#include "target/tape/drive_guard.h"
#include "target/tape/drive_info.h"
#include "target/tape/drive_partitions.h"

/* A field is wrong: what struct scsi_mode_page's check() answers. */
#define WRONG(offset) (-(int)(offset) - 1)

/* ---- 0Fh data compression (SSC-5 8.5.4), 10h device configuration (8.5.3) ------------------- */

/* DCE, DCC; DDE; algorithm 1, as LTO drives name theirs. */
static const uint8_t compression_defaults[16] = {
	0x0f, 0x0e, 0xc0, 0x80, 0, 0, 0, 1, 0, 0, 0, 1};
static const uint8_t compression_changeable[16] = {0x0f, 0x0e, 0x80};

/* Write delay 15 s; LOIS (READ POSITION works); EEG and SEW; algorithm 1. */
static const uint8_t configuration_defaults[16] = {
	0x10, 0x0e, 0, 0, 0, 0, 0, 150, 0x40, 0, 0x18, 0, 0, 0, 1, 0};
static const uint8_t configuration_changeable[16] = {
	0x10, 0x0e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0};

static void set_compression(struct scsi_lu *lu, bool on)
{
	LOCK_SCOPE(&lu->lock);
	drive_of(lu)->mode.compression = on;
}

static void compression_changed(struct scsi_lu *lu, const uint8_t *page)
{
	set_compression(lu, page[2] & 0x80);
}

static void compression_refresh(struct scsi_lu *lu, uint8_t *page)
{
	page[2] = drive_of(lu)->mode.compression ? 0xc0 : 0x40;
}

static int configuration_check(struct scsi_lu *lu, const uint8_t *page)
{
	(void)lu;
	return page[14] <= 1 ? 0 : WRONG(14);
}

static void configuration_changed(struct scsi_lu *lu, const uint8_t *page)
{
	set_compression(lu, page[14]);
}

static void configuration_refresh(struct scsi_lu *lu, uint8_t *page)
{
	const struct drive *drive = drive_of(lu);
	page[3] = (uint8_t)drive->partition;
	page[14] = drive->mode.compression;
}

/* 10h/01h: WRITE MODE and SHORT ERASE MODE 2h (an EOD is written); PEWS. */
static const uint8_t extension_defaults[32] = {0x50, 0x01, 0, 0x1c, 0, 0x02};
static const uint8_t extension_changeable[32] = {0x50, 0x01, 0, 0x1c, 0, 0xf0, 0xff, 0xff};

static int extension_check(struct scsi_lu *lu, const uint8_t *page)
{
	(void)lu;
	return page[5] >> 4 <= 1 ? 0 : WRONG(5);
}

static void extension_changed(struct scsi_lu *lu, const uint8_t *page)
{
	LOCK_SCOPE(&lu->lock);
	struct drive *drive = drive_of(lu);
	drive->mode.append_only = page[5] >> 4 == 1;
	drive->mode.early_warning = be_get16(page + 6);
}

static void extension_refresh(struct scsi_lu *lu, uint8_t *page)
{
	const struct drive *drive = drive_of(lu);
	page[5] = (uint8_t)(drive->mode.append_only << 4 | 0x02);
	be_put16(page + 6, drive->mode.early_warning);
}

/* ---- 1Ch informational exceptions (SSC-5 8.5.6) ---------------------------------------------- */

#define EXCEPTIONS_DISABLED 0x08 /* DEXCPT */
#define EXCEPTIONS_TEST	    0x04

/* TapeAlert is polled (log page 2Eh): MRIE 0. MRIE 3h, a recovered error, is taken as LTO drives do:
 * PER of page 01h, which would let it be told, cannot be set. */
static const uint8_t exceptions_defaults[12] = {0x1c, 0x0a, EXCEPTIONS_DISABLED};
static const uint8_t exceptions_changeable[12] = {
	0x1c, 0x0a, EXCEPTIONS_DISABLED | EXCEPTIONS_TEST, 0x0f, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
#define MRIE_NONE      0
#define MRIE_RECOVERED 3

/* TEST FLAG NUMBER: 1..64 raises that flag, its negative takes it back, 32767 raises all. */
#define TEST_ALL 32767

static int exceptions_check(struct scsi_lu *lu, const uint8_t *page)
{
	(void)lu;
	int32_t flag = (int32_t)be_get32(page + 8);
	if (page[3] != MRIE_NONE && page[3] != MRIE_RECOVERED)
		return WRONG(3);
	if (!(page[2] & EXCEPTIONS_TEST))
		return 0;
	if (page[2] & EXCEPTIONS_DISABLED)
		return WRONG(2);
	return (flag >= -64 && flag <= 64) || flag == TEST_ALL ? 0 : WRONG(8);
}

static void exceptions_changed(struct scsi_lu *lu, const uint8_t *page)
{
	struct drive *drive = drive_of(lu);
	int32_t flag = (int32_t)be_get32(page + 8);
	if (!(page[2] & EXCEPTIONS_TEST))
		return;
	LOCK_SCOPE(&lu->lock);
	if (flag == TEST_ALL)
		drive_alerts_raise_locked(drive, SCSI_ALERTS_ALL);
	else if (flag > 0)
		drive_alerts_raise_locked(drive, scsi_alert((unsigned)flag));
	else if (flag < 0)
		scsi_alerts_lower_locked(lu, scsi_alert((unsigned)-flag));
}

static void exceptions_refresh(struct scsi_lu *lu, uint8_t *page)
{
	(void)lu;
	page[2] &= (uint8_t)~EXCEPTIONS_TEST; /* has been done */
}

/* ---- 1Dh medium configuration (SSC-5 8.5.10) -------------------------------------------------- */

static const uint8_t medium_defaults[32] = {0x1d, 0x1e};
static const uint8_t medium_changeable[32] = {0x1d, 0x1e};

/* WORMM; labels 01h (format labels may be written anew), filemarks 03h (any that come right before
 * the end of data may be overwritten). */
static void medium_refresh(struct scsi_lu *lu, uint8_t *page)
{
	const struct drive *drive = drive_of(lu);
	bool worm = drive->medium && drive->media.worm;
	page[2] = worm;
	page[4] = 0;
	page[5] = worm ? 0x03 : 0;
}

/* ---- those in which nothing changes ------------------------------------------------------------ */

static const uint8_t recovery[12] = {0x01, 0x0a};     /* SSC-5 8.5.2: all recovery is on */
static const uint8_t disconnect[16] = {0x02, 0x0e};   /* SPC-5 7.5.14 */
static const uint8_t unit_protocol[8] = {0x18, 0x06, 0x05}; /* 5h: iSCSI */
static const uint8_t port_protocol[8] = {0x19, 0x06, 0x05};
static const uint8_t power[12] = {0x1a, 0x0a};	      /* no timers */
/* IBM's own: what the drive does about encryption. */
static const uint8_t vendor_defaults[8] = {0x24, 0x06};

#define ENCRYPTION_CAPABLE 0x01

static void vendor_refresh(struct scsi_lu *lu, uint8_t *page)
{
	if (drive_of(lu)->settings.encryption)
		page[7] |= ENCRYPTION_CAPABLE;
}

/* LTFS sends this page back before it does anything, so it is there where blocks carry no protection,
 * too, and nothing can be changed in it. */
#define UNGUARDED {0x0a, 0xf0, GUARD_PAGE_SIZE, guard_page_defaults, guard_page_defaults}
#define GUARDED                                                                                    \
	{0x0a, 0xf0, GUARD_PAGE_SIZE, guard_page_defaults, guard_page_changeable,                  \
	 guard_page_check, NULL, NULL, guard_page_changed, guard_page_refresh}

#define STANDARD_PAGES(GUARD)                                                                      \
	{0x01, 0, sizeof(recovery), recovery, recovery, NULL, NULL, NULL},                         \
	{0x02, 0, sizeof(disconnect), disconnect, disconnect, NULL, NULL, NULL},                   \
	GUARD,                                                                                     \
	{0x0f, 0, sizeof(compression_defaults), compression_defaults, compression_changeable,      \
	 NULL, compression_changed, compression_refresh},                                          \
	{0x10, 0, sizeof(configuration_defaults), configuration_defaults,                          \
	 configuration_changeable, configuration_check, configuration_changed,                     \
	 configuration_refresh},                                                                   \
	{0x10, 1, sizeof(extension_defaults), extension_defaults, extension_changeable,            \
	 extension_check, extension_changed, extension_refresh},                                   \
	{0x11, 0, PARTITION_PAGE_SIZE, partition_page_defaults, partition_page_changeable,         \
	 partition_page_check, partition_page_changed, partition_page_refresh},                    \
	{0x18, 0, sizeof(unit_protocol), unit_protocol, unit_protocol_fixed, NULL, NULL, NULL},    \
	{0x19, 0, sizeof(port_protocol), port_protocol, port_protocol_fixed, NULL, NULL, NULL},    \
	{0x1a, 0, sizeof(power), power, power, NULL, NULL, NULL},                                  \
	{0x1c, 0, sizeof(exceptions_defaults), exceptions_defaults, exceptions_changeable,         \
	 exceptions_check, exceptions_changed, exceptions_refresh},                                \
	{0x1d, 0, sizeof(medium_defaults), medium_defaults, medium_changeable, NULL, NULL,         \
	 medium_refresh}

static const uint8_t unit_protocol_fixed[8] = {0x18, 0x06};
static const uint8_t port_protocol_fixed[8] = {0x19, 0x06};

#define IBM_PAGES                                                                                  \
	{0x24, 0, sizeof(vendor_defaults), vendor_defaults, vendor_defaults, NULL, NULL,           \
	 vendor_refresh}

static const struct scsi_mode_page pages[] = {STANDARD_PAGES(UNGUARDED), {0}};
static const struct scsi_mode_page pages_guarded[] = {STANDARD_PAGES(GUARDED), {0}};
static const struct scsi_mode_page pages_ibm[] = {STANDARD_PAGES(UNGUARDED), IBM_PAGES, {0}};
static const struct scsi_mode_page pages_ibm_guarded[] = {STANDARD_PAGES(GUARDED), IBM_PAGES, {0}};

const struct scsi_mode_page *drive_mode_pages(const struct drive *drive)
{
	if (drive_is_ibm(drive))
		return drive_guards(drive) ? pages_ibm_guarded : pages_ibm;
	return drive_guards(drive) ? pages_guarded : pages;
}

/* ---- header and block descriptor (SSC-5 8.3.1) ------------------------------------------------- */

#define DENSITY_DEFAULT	  0x00u
#define DENSITY_NO_CHANGE 0x7fu

void drive_mode_header(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific,
		       uint8_t descriptor[8], size_t *descriptor_size)
{
	const struct drive *drive = drive_of(lu);
	const struct medium *medium = drive->medium;
	memset(descriptor, 0, 8);
	*descriptor_size = 8;
	*medium_type = medium ? medium->medium_type : 0;
	*device_specific = drive->mode.unbuffered ? 0 : 0x10;
	if (medium && drive->write_protected)
		*device_specific |= 0x80;
	descriptor[0] = medium ? medium->density : 0;
	be_put24(descriptor + 5, drive->mode.block_size);
}

int drive_mode_descriptor(struct scsi_lu *lu, const uint8_t descriptor[8])
{
	struct drive *drive = drive_of(lu);
	uint8_t density = descriptor[0];
	uint32_t size = be_get24(descriptor + 5);
	if (density != DENSITY_DEFAULT && density != DENSITY_NO_CHANGE &&
	    !(drive->medium && density == drive->medium->density))
		return WRONG(0);
	/* It counts protection information, for hosts that have it. */
	if (size > CARTRIDGE_BLOCK_MAX + (drive_guards(drive) ? GUARD_SIZE : 0))
		return WRONG(5);
	LOCK_SCOPE(&lu->lock);
	drive->mode.block_size = size;
	return 0;
}

int drive_mode_device_specific(struct scsi_lu *lu, uint8_t device_specific, bool change)
{
	unsigned buffered = device_specific >> 4 & 7;
	if (buffered > 1)
		return -1;
	if (!change)
		return 0;
	LOCK_SCOPE(&lu->lock);
	drive_of(lu)->mode.unbuffered = !buffered;
	return 0;
}
