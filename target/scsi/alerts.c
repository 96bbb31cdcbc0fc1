/* SPDX-License-Identifier: MIT */
/*
 * TapeAlert. Who has read flags is remembered by its ports, not by its nexus: programs that log in
 * anew for each look would find the same flags each time. Only readers of flags that are still raised
 * are kept, so at most times there is none; of too many the one that has been here longest is
 * forgotten, and is told its flags once more.
 */
#include "target/scsi/alerts.h"

#include <stdlib.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/unit.h"

enum { FLAGS = 64, READERS_MAX = 256, PARAMETER_SIZE = 5 };

struct scsi_alert_reader {
	TAILQ_ENTRY(scsi_alert_reader) link;
	struct scsi_ports ports;
	uint64_t told; /* never 0 */
};

static void reader_remove(struct scsi_unit *unit, struct scsi_alert_reader *reader)
{
	TAILQ_REMOVE(&unit->alert_readers, reader, link);
	unit->alert_reader_count--;
	free(reader);
}

static struct scsi_alert_reader *reader_find(const struct scsi_unit *unit, const struct scsi_nexus *nexus)
{
	struct scsi_alert_reader *reader;
	TAILQ_FOREACH(reader, &unit->alert_readers, link)
		if (scsi_ports_equal(&reader->ports, &nexus->ports))
			return reader;
	return NULL;
}

/* NULL: there is no memory, so it will be told again. */
static struct scsi_alert_reader *reader_add(struct scsi_unit *unit, const struct scsi_nexus *nexus)
{
	struct scsi_alert_reader *reader = mem_try_zalloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	if (unit->alert_reader_count == READERS_MAX)
		reader_remove(unit, TAILQ_FIRST(&unit->alert_readers));
	reader->ports = nexus->ports;
	TAILQ_INSERT_TAIL(&unit->alert_readers, reader, link);
	unit->alert_reader_count++;
	return reader;
}

/* Nobody has read these flags. */
static void readers_forget(struct scsi_unit *unit, uint64_t flags)
{
	struct scsi_alert_reader *reader, *next;
	for (reader = TAILQ_FIRST(&unit->alert_readers); reader; reader = next) {
		next = TAILQ_NEXT(reader, link);
		reader->told &= ~flags;
		if (!reader->told)
			reader_remove(unit, reader);
	}
}

void alert_readers_free(struct scsi_unit *unit)
{
	readers_forget(unit, SCSI_ALERTS_ALL);
}

void scsi_alerts_raise_locked(struct scsi_lu *lu, uint64_t flags)
{
	lu->unit->alerts |= flags;
	readers_forget(lu->unit, flags);
}

void scsi_alerts_lower_locked(struct scsi_lu *lu, uint64_t flags)
{
	lu->unit->alerts &= ~flags;
	readers_forget(lu->unit, flags);
}

uint64_t scsi_alerts_locked(const struct scsi_lu *lu)
{
	return lu->unit->alerts;
}

uint64_t scsi_alerts_of_locked(const struct scsi_lu *lu, const struct scsi_nexus *nexus)
{
	const struct scsi_alert_reader *reader = reader_find(lu->unit, nexus);
	return lu->unit->alerts & ~(reader ? reader->told : 0);
}

void scsi_alerts_build(struct scsi_lu *lu, struct scsi_log *log)
{
	LOCK_SCOPE(&lu->lock);
	uint64_t alerts = scsi_alerts_of_locked(lu, log->nexus);
	for (uint16_t flag = 1; flag <= FLAGS; flag++)
		scsi_log_number(log, flag, LOG_BINARY, 1, alerts >> (flag - 1) & 1);
}

void scsi_alerts_told(struct scsi_lu *lu, const struct scsi_nexus *nexus, const uint8_t *data, size_t size)
{
	uint64_t told = 0;
	for (; size >= PARAMETER_SIZE; data += PARAMETER_SIZE, size -= PARAMETER_SIZE)
		if (data[PARAMETER_SIZE - 1])
			told |= scsi_alert(be_get16(data));
	LOCK_SCOPE(&lu->lock);
	told &= lu->unit->alerts;
	if (!told)
		return;
	struct scsi_alert_reader *reader = reader_find(lu->unit, nexus);
	if (!reader)
		reader = reader_add(lu->unit, nexus);
	if (reader)
		reader->told |= told;
}

void scsi_alerts_reset(struct scsi_lu *lu)
{
	LOCK_SCOPE(&lu->lock);
	scsi_alerts_lower_locked(lu, SCSI_ALERTS_ALL);
}
