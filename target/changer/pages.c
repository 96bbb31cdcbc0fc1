/* SPDX-License-Identifier: MIT */
/*
 * Mode and log pages of a medium changer (SMC-3 7.2, 7.3). The mode pages tell
 * what the library is made of; none of it can be changed by a host.
 */
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/changer/internal.h"
#include "target/scsi/alerts.h"

const uint16_t changer_versions[] = {
	0x00a0, /* SAM-5 */
	0x0460, /* SPC-4 */
	0x0480, /* SMC-3 */
	0x0960, /* iSCSI */
	0,
};

static const uint8_t nothing_changes[2 + 2 * CHANGER_TRANSPORTS_MAX > 20 ?
					     2 + 2 * CHANGER_TRANSPORTS_MAX : 20];

/*
 * Page 1Fh. Cartridges stay in drives, import/export and storage elements, not in the transport;
 * they go from each of the three to each of the three, and can be exchanged between them. Bits:
 * 1 transport, 2 storage, 4 import/export, 8 drive.
 */
static const uint8_t page_capabilities[20] = {
	[0] = 0x1f, [1] = 0x12,
	[2] = 0x0e,
	[5] = 0x0e, [6] = 0x0e, [7] = 0x0e,
	[13] = 0x0e, [14] = 0x0e, [15] = 0x0e,
};

static const struct {
	enum element_type type;
	unsigned offset;
} page_addresses[] = {
	{ ELEMENT_TRANSPORT, 2 },
	{ ELEMENT_STORAGE, 6 },
	{ ELEMENT_IMPORT_EXPORT, 10 },
	{ ELEMENT_DRIVE, 14 },
};

/* Where a type would begin if there were any. */
static uint16_t usual_address(const struct personality *personality, enum element_type type)
{
	switch (type) {
	case ELEMENT_TRANSPORT:
		return personality->first_transport;
	case ELEMENT_STORAGE:
		return personality->first_storage;
	case ELEMENT_IMPORT_EXPORT:
		return personality->first_import_export;
	case ELEMENT_DRIVE:
		return personality->first_drive;
	}
	return 0;
}

static void fill_addresses(struct changer *changer)
{
	uint8_t *page = changer->page_addresses;

	page[0] = 0x1d;
	page[1] = sizeof(changer->page_addresses) - 2;
	for (size_t i = 0; i < sizeof(page_addresses) / sizeof(page_addresses[0]); i++) {
		enum element_type type = page_addresses[i].type;
		struct inventory_span span = inventory_span(&changer->inventory, type);
		uint16_t count = 0;

		/* With gaps in the addresses the range has to reach over them. */
		if (span.count > 0)
			count = (uint16_t)(span.last - span.first + 1);
		else
			span.first = usual_address(changer->personality, type);
		be_put16(page + page_addresses[i].offset, span.first);
		be_put16(page + page_addresses[i].offset + 2, count);
	}
}

/* Page 1Eh: a transport does not turn cartridges, and each is alone in its set. */
static size_t fill_geometry(struct changer *changer)
{
	size_t transports = inventory_span(&changer->inventory, ELEMENT_TRANSPORT).count;
	uint8_t *page = changer->page_geometry;

	page[0] = 0x1e;
	page[1] = (uint8_t)(2 * transports);
	return 2 + 2 * transports;
}

void pages_prepare(struct changer *changer)
{
	struct scsi_mode_page *pages = changer->mode_pages;

	fill_addresses(changer);
	pages[0] = (struct scsi_mode_page){
		.code = 0x1d,
		.length = sizeof(changer->page_addresses),
		.defaults = changer->page_addresses,
		.changeable = nothing_changes,
	};
	pages[1] = (struct scsi_mode_page){
		.code = 0x1e,
		.length = (uint16_t)fill_geometry(changer),
		.defaults = changer->page_geometry,
		.changeable = nothing_changes,
	};
	pages[2] = (struct scsi_mode_page){
		.code = 0x1f,
		.length = sizeof(page_capabilities),
		.defaults = page_capabilities,
		.changeable = nothing_changes,
	};
	pages[3] = (struct scsi_mode_page){ 0 };
}

/* ---- log pages ---------------------------------------------------------------------- */

const struct scsi_log_page changer_log_pages[] = {
	{ .code = 0x0d, .build = scsi_log_no_temperature },
	{ .code = 0x2e, .build = scsi_alerts_build, .reset = scsi_alerts_reset, .told = scsi_alerts_told },
	{ 0 },
};
