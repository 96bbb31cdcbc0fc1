/* SPDX-License-Identifier: MIT */
/*
 * VPD pages of a drive besides the common ones (SSC-5 8.6), and IBM's component pages.
 * They may be read beside other commands: what they tell does not change while the drive lives.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/scsi/alerts.h"
#include "target/tape/drive_guard.h"
#include "target/tape/drive_info.h"

/* B0h: WORM cartridges are handled, TapeAlert is. */
static int vpd_capabilities(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	(void)lu;
	if (room < 2)
		return -ENOBUFS;
	data[0] = 0x03; /* TSMC, WORM */
	data[1] = 0;
	return 2;
}

/* B1h: the serial number of the maker; these drives have one only. */
static int vpd_serial(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	const char *serial = lu->identity.serial;
	size_t length = strlen(serial);
	if (length > room)
		return -ENOBUFS;
	memcpy(data, serial, length);
	return (int)length;
}

/* B2h: TapeAlert flags that may come. Log page 2Eh has all 64. */
static int vpd_alerts(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	(void)lu;
	static const uint8_t flags[] = {
		DRIVE_ALERT_HARD_ERROR, DRIVE_ALERT_READ_FAILURE, DRIVE_ALERT_WRITE_FAILURE,
		DRIVE_ALERT_WRITE_PROTECT, DRIVE_ALERT_NO_REMOVAL, DRIVE_ALERT_CLEANING_MEDIA,
		DRIVE_ALERT_UNSUPPORTED_FORMAT, DRIVE_ALERT_READ_ONLY_FORMAT,
		DRIVE_ALERT_EXPIRED_CLEANING, DRIVE_ALERT_WORM_OVERWRITE,
	};
	uint64_t alerts = 0;
	if (room < 8)
		return -ENOBUFS;
	for (size_t i = 0; i < sizeof(flags); i++)
		alerts |= scsi_alert(flags[i]);
	drive_put_alerts(data, alerts);
	return 8;
}

/* B3h: the changer's serial number; not there for a drive without one. */
static int vpd_automation(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	LOCK_SCOPE(&lu->lock);
	const char *serial = drive_of(lu)->automation;
	size_t length = strlen(serial);
	if (!length)
		return -ENOENT;
	if (length > room)
		return -ENOBUFS;
	memcpy(data, serial, length);
	return (int)length;
}

/* B4h: where the changer knows the drive. */
static int vpd_element(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	uint16_t element = drive_of(lu)->settings.element;
	if (!element)
		return -ENOENT;
	if (room < 2)
		return -ENOBUFS;
	be_put16(data, element);
	return 2;
}

/* 87h, the mode page policy: all nexuses share the pages, but for those of protection information. */
static int vpd_mode_policy(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	static const uint8_t policies[] = {0x0a, 0xf0, 0x03, 0, 0x3f, 0xff, 0x00, 0};
	size_t skip = drive_guards(drive_of(lu)) ? 0 : 4;
	if (room < sizeof(policies))
		return -ENOBUFS;
	memcpy(data, policies + skip, sizeof(policies) - skip);
	return (int)(sizeof(policies) - skip);
}

/* B5h (SSC-5 8.6.8): the methods of logical block protection, for writes and reads. */
static int vpd_guards(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	const struct drive *drive = drive_of(lu);
	size_t size = 4; /* reserved */
	if (!drive_guards(drive))
		return -ENOENT;
	if (room < 12)
		return -ENOBUFS;
	memset(data, 0, 12);
	for (unsigned method = 1; method <= drive_guard_last(drive); method++, size += 4) {
		data[size] = 3; /* bytes that follow */
		data[size + 1] = (uint8_t)method;
		data[size + 2] = GUARD_SIZE;
		data[size + 3] = 0xc0; /* LBP_W_C, LBP_R_C */
	}
	return (int)size;
}

/* C0h of IBM drives: code name, time, date, platform of the firmware. */
static int vpd_firmware(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	if (!drive_is_ibm(drive_of(lu)))
		return -ENOENT;
	if (room < 39)
		return -ENOBUFS;
	memset(data, ' ', 39);
	memcpy(data, lu->identity.revision, strlen(lu->identity.revision));
	memcpy(data + 12, "000000", 7);	  /* HHMMSS, NUL */
	memcpy(data + 19, "20200101", 8); /* YYYYMMDD */
	memcpy(data + 27, "granary", 7);
	return 39;
}

/* C1h of IBM drives: serial numbers, of the maker and as told. */
static int vpd_serials(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	if (!drive_is_ibm(drive_of(lu)))
		return -ENOENT;
	if (room < 24)
		return -ENOBUFS;
	ascii_put(data, 12, lu->identity.serial);
	ascii_put(data + 12, 12, lu->identity.serial);
	return 24;
}

const struct scsi_vpd_page drive_info_vpd_pages[] = {
	{0x87, vpd_mode_policy},
	{0xb0, vpd_capabilities},
	{0xb1, vpd_serial},
	{0xb2, vpd_alerts},
	{0xb3, vpd_automation},
	{0xb4, vpd_element},
	{0xb5, vpd_guards},
	{0xc0, vpd_firmware},
	{0xc1, vpd_serials},
	{0, NULL},
};

/* SAM-5, SPC-4, SSC-4, iSCSI; no version claimed. */
const uint16_t drive_versions[] = {0x00a0, 0x0460, 0x0520, 0x0960, 0};
