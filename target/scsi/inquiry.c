/* SPDX-License-Identifier: MIT */
/*
 * INQUIRY (SPC-5 6.7): who the unit is. Also for a LUN that is not there (lu is
 * NULL): the qualifier says so.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "target/scsi/common.h"

#define STANDARD_SIZE	 96u
#define VPD_ROOM	 4096u
#define NOT_THERE	 0x7f /* qualifier 3, type 1Fh */
#define VERSION_MAX	 8u
#define PROTOCOL_ISCSI	 0x50

/* Of a class that names none. */
static const uint16_t common_versions[] = {
	0x00a0, /* SAM-5 */
	0x0960, /* iSCSI */
	0x0460, /* SPC-4 */
	0,
};

static void put_versions(uint8_t *data, const uint16_t *versions)
{
	for (unsigned i = 0; i < VERSION_MAX && versions[i]; i++)
		be_put16(data + 2 * i, versions[i]);
}

static void inquiry_standard(struct scsi_lu *lu, struct scsi_task *task, uint16_t allocation)
{
	uint8_t data[STANDARD_SIZE] = {0};
	data[0] = lu ? lu->class->device_type : NOT_THERE;
	data[1] = lu && lu->class->removable ? 0x80 : 0;
	data[2] = 6;	/* SPC-4 */
	data[3] = 0x12; /* HISUP, format 2 */
	data[4] = STANDARD_SIZE - 5;
	data[7] = 0x02; /* CMDQUE */
	ascii_put(data + 8, 8, lu ? lu->identity.vendor : "");
	ascii_put(data + 16, 16, lu ? lu->identity.product : "");
	ascii_put(data + 32, 4, lu ? lu->identity.revision : "");
	put_versions(data + 58, lu && lu->class->versions ? lu->class->versions : common_versions);
	if (lu && lu->class->inquiry)
		lu->class->inquiry(lu, data);
	(void)scsi_reply(task, data, sizeof(data), allocation);
}

/* ---- vital product data -------------------------------------------------------------------- */

static size_t put_designator(uint8_t *data, uint8_t code_set, uint8_t type, const void *bytes,
			     size_t size)
{
	data[0] = code_set;
	data[1] = type;
	data[2] = 0;
	data[3] = (uint8_t)size;
	memcpy(data + 4, bytes, size);
	return 4 + size;
}

/* SPC-5 7.6.11 SCSI name string: UTF-8, with a NUL at least, to a multiple of four bytes. */
static size_t put_name(uint8_t *data, uint8_t association, const char *name)
{
	char padded[256] = {0};
	size_t size = (strnlen(name, sizeof(padded) - 4) + 4) / 4 * 4;
	memcpy(padded, name, strnlen(name, sizeof(padded) - 4));
	return put_designator(data, PROTOCOL_ISCSI | 3, (uint8_t)(0x80 | association << 4 | 8),
			      padded, size);
}

static size_t vpd_serial(struct scsi_lu *lu, const struct scsi_task *task, uint8_t *data)
{
	(void)task;
	size_t length = strlen(lu->identity.serial);
	memcpy(data, lu->identity.serial, length);
	return length;
}

static size_t vpd_identification(struct scsi_lu *lu, const struct scsi_task *task, uint8_t *data)
{
	const struct scsi_identity *identity = &lu->identity;
	uint16_t portal_group = task->nexus->ports.portal_group;
	size_t size = 0, serial = strlen(identity->serial);
	uint8_t vendor[8 + 16 + sizeof(identity->serial)], port[4] = {0};
	char name[SCSI_NAME_MAX + 16];

	ascii_put(vendor, 8, identity->vendor);
	ascii_put(vendor + 8, 16, identity->product);
	memcpy(vendor + 24, identity->serial, serial);
	size += put_designator(data + size, 2, 1, vendor, 24 + serial);
	size += put_designator(data + size, 1, 3, identity->naa, sizeof(identity->naa));
	be_put16(port + 2, portal_group ? portal_group : 1); /* 0 is reserved */
	size += put_designator(data + size, PROTOCOL_ISCSI | 1, 0x94, port, sizeof(port));
	be_put16(port + 2, portal_group);
	size += put_designator(data + size, PROTOCOL_ISCSI | 1, 0x95, port, sizeof(port));
	(void)snprintf(name, sizeof(name), "%s,t,0x%04x", task->nexus->target->name, portal_group);
	size += put_name(data + size, 1, name);
	size += put_name(data + size, 2, task->nexus->target->name);
	return size;
}

/* SPC-5 7.7.5. */
static size_t vpd_extended(struct scsi_lu *lu, const struct scsi_task *task, uint8_t *data)
{
	(void)task;
	data[1] = 0x07; /* head of queue, ordered, simple */
	data[9] = SENSE_SIZE_MAX;
	if (lu->class->inquiry_extended)
		lu->class->inquiry_extended(lu, data);
	return 60;
}

static const struct {
	uint8_t code;
	size_t (*build)(struct scsi_lu *lu, const struct scsi_task *task, uint8_t *data);
} common_pages[] = {
	{0x80, vpd_serial},
	{0x83, vpd_identification},
	{0x86, vpd_extended},
};
#define COMMON_PAGES (sizeof(common_pages) / sizeof(*common_pages))

/* Negative: there is no such page. */
static int vpd_build(struct scsi_lu *lu, const struct scsi_task *task, uint8_t code, uint8_t *data,
		     size_t room)
{
	memset(data, 0, room);
	for (const struct scsi_vpd_page *page = lu->class->vpd_pages; page && page->code; page++)
		if (page->code == code)
			return page->build(lu, data, room);
	for (size_t i = 0; i < COMMON_PAGES; i++)
		if (common_pages[i].code == code)
			return (int)common_pages[i].build(lu, task, data);
	return -1;
}

/* Page 00h: every page that is there now. */
static size_t vpd_list(struct scsi_lu *lu, const struct scsi_task *task, uint8_t *data)
{
	uint8_t scratch[VPD_ROOM];
	size_t size = 0;
	data[size++] = 0;
	for (unsigned code = 1; lu && code <= 0xff; code++)
		if (vpd_build(lu, task, (uint8_t)code, scratch, sizeof(scratch)) >= 0)
			data[size++] = (uint8_t)code;
	return size;
}

static void inquiry_vpd(struct scsi_lu *lu, struct scsi_task *task, uint16_t allocation)
{
	uint8_t data[4 + VPD_ROOM];
	uint8_t code = task->cdb[2];
	int size = -1;
	if (!code)
		size = (int)vpd_list(lu, task, data + 4);
	else if (lu)
		size = vpd_build(lu, task, code, data + 4, VPD_ROOM);
	if (size < 0) {
		scsi_invalid_cdb(task, 2, 7);
		return;
	}
	data[0] = lu ? lu->class->device_type : NOT_THERE;
	data[1] = code;
	be_put16(data + 2, (uint16_t)size);
	(void)scsi_reply(task, data, 4 + (size_t)size, allocation);
}

void inquiry_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint16_t allocation = be_get16(task->cdb + 3);
	if (task->cdb[1] & 1)
		inquiry_vpd(lu, task, allocation);
	else if (task->cdb[2])
		scsi_invalid_cdb(task, 2, 7);
	else
		inquiry_standard(lu, task, allocation);
}
