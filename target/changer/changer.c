/* SPDX-License-Identifier: MIT */
/*
 * A medium changer's life, and what the operator does with it. The operator's
 * functions run as jobs in turn with the hosts' commands, so neither ever sees
 * the other's move half made; hosts hear of them by unit attentions.
 */
#include "target/changer/changer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/changer/internal.h"

#define DEVICE_CHANGER 0x08

static void changer_ready(struct scsi_lu *lu, struct scsi_task *task)
{
	/* The inventory is known from the start, and no door can be opened. */
	(void)lu;
	(void)task;
}

static void changer_mode_header(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific,
				uint8_t descriptor[8], size_t *descriptor_size)
{
	(void)lu;
	(void)descriptor;
	*medium_type = 0;
	*device_specific = 0;
	*descriptor_size = 0;
}

static void changer_inquiry(struct scsi_lu *lu, uint8_t data[96])
{
	if (changer_of(lu)->personality->inquiry_barcode)
		data[55] |= 0x01;
}

static void changer_reset(struct scsi_lu *lu, enum scsi_reset kind)
{
	struct changer *changer = changer_of(lu);

	(void)kind;
	LOCK_SCOPE(&lu->lock);
	tags_clear(changer);
}

static void changer_nexus_lost(struct scsi_lu *lu, struct scsi_nexus *nexus)
{
	tags_forget_locked(changer_of(lu), nexus);
}

static const struct scsi_class changer_class = {
	.device_type = DEVICE_CHANGER,
	.removable = true,
	.opcodes = changer_opcodes,
	.log_pages = changer_log_pages,
	.versions = changer_versions,
	.ready = changer_ready,
	.mode_header = changer_mode_header,
	.inquiry = changer_inquiry,
	.reset = changer_reset,
	.nexus_lost = changer_nexus_lost,
};

/* ---- life --------------------------------------------------------------------------- */

/* The serial number as the product has it. -EINVAL: it has no room. */
static int changer_identity(const struct changer *changer, const struct scsi_identity *from,
			    struct scsi_identity *to)
{
	const struct personality *p = changer->personality;
	struct inventory_span slots = inventory_span(&changer->inventory, ELEMENT_STORAGE);
	uint16_t storage = slots.count > 0 ? slots.first : p->first_storage;
	char hex[5] = "";
	int size;

	if (p->serial_has_storage)
		snprintf(hex, sizeof(hex), "%04X", storage);
	*to = *from;
	size = snprintf(to->serial, sizeof(to->serial), "%s%s%s", from->serial, hex,
			p->serial_suffix != NULL ? p->serial_suffix : "");
	return size >= 0 && (size_t)size < sizeof(to->serial) ? 0 : -EINVAL;
}

static enum volume_kind changer_volume_kind(const struct changer *changer, const char *barcode)
{
	enum volume_kind kind = VOLUME_UNKNOWN;

	if (changer->calls.volume_kind != NULL)
		kind = changer->calls.volume_kind(changer->calls.context, barcode);
	return kind != VOLUME_UNKNOWN ? kind : barcode_volume_kind(barcode);
}

static int changer_fill(struct changer *changer, const struct changer_settings *settings)
{
	const struct inventory *inventory = &changer->inventory;
	int error = inventory_new(&changer->inventory, settings->elements, settings->element_count);

	if (error != 0)
		return error;
	if (inventory_span(inventory, ELEMENT_DRIVE).count != settings->drive_count ||
	    inventory_span(inventory, ELEMENT_TRANSPORT).count > CHANGER_TRANSPORTS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < inventory->count; i++) {
		struct element *e = &inventory->elements[i];

		e->kind = element_is_full(e) ? changer_volume_kind(changer, e->barcode) : VOLUME_UNKNOWN;
	}
	if (settings->drive_count == 0)
		return 0;
	changer->bays = mem_try_zalloc(settings->drive_count, sizeof(*changer->bays));
	if (changer->bays == NULL)
		return -ENOMEM;
	changer->bay_count = settings->drive_count;
	for (size_t i = 0; i < changer->bay_count; i++)
		changer->bays[i].drive = settings->drives[i];
	return 0;
}

static int changer_build(struct changer *changer, const struct changer_settings *settings)
{
	struct scsi_identity identity;
	int error = changer_fill(changer, settings);

	if (error == 0)
		error = changer_identity(changer, &settings->identity, &identity);
	if (error != 0)
		return error;
	status_prepare(changer);
	pages_prepare(changer);
	changer->class = changer_class;
	changer->class.mode_pages = changer->mode_pages;
	return scsi_lu_new(&changer->class, &identity, changer, &changer->lu);
}

int changer_new(const struct changer_settings *settings, struct changer **result)
{
	struct changer *changer = mem_try_zalloc(1, sizeof(*changer));
	int error;

	if (changer == NULL)
		return -ENOMEM;
	changer->magic = CHANGER_MAGIC;
	changer->personality = settings->personality;
	changer->calls = (struct changer_settings){
		.context = settings->context,
		.cartridge_path = settings->cartridge_path,
		.volume_kind = settings->volume_kind,
		.save = settings->save,
		.hook = settings->hook,
	};
	TAILQ_INIT(&changer->searches);
	error = changer_build(changer, settings);
	if (error != 0) {
		changer_free(&changer);
		return error;
	}
	robot_restore(changer);
	*result = changer;
	return 0;
}

void changer_free(struct changer **changer)
{
	struct changer *c = TAKE(*changer);

	if (c == NULL)
		return;
	ASSERT_OBJECT(c, CHANGER_MAGIC);
	if (c->lu != NULL)
		scsi_lu_free(&c->lu);
	tags_clear(c);
	inventory_clear(&c->inventory);
	free(c->bays);
	free(c);
}

struct scsi_lu *changer_lu(struct changer *changer)
{
	ASSERT_OBJECT(changer, CHANGER_MAGIC);
	return changer->lu;
}

/* ---- the operator ------------------------------------------------------------------- */

/* What a job is asked for, and answers. */
struct errand {
	uint16_t from, to;
	const char *barcode;
	enum element_type type; /* of the element that has been filled or emptied */
	struct refusal refusal;
};

bool changer_is_ejecting(struct changer *changer)
{
	ASSERT_OBJECT(changer, CHANGER_MAGIC);
	LOCK_SCOPE(&changer->lu->lock);
	return changer->ejecting;
}

static int run_errand(struct changer *changer, int (*job)(struct scsi_lu *lu, void *context),
		      struct errand *errand, char message[256])
{
	int error;

	/* Whoever asks may be the hook: it would wait for itself. */
	if (changer_is_ejecting(changer)) {
		snprintf(message, 256, "an eject hook of the library runs: nothing moves until it has ended");
		return -EBUSY;
	}
	error = scsi_lu_call(changer->lu, job, errand);
	if (error != 0 && errand->refusal.error == 0)
		refuse(&errand->refusal, error, SENSE_NO_SENSE, ASC_NONE, "%s", strerror(-error));
	snprintf(message, 256, "%s", errand->refusal.text);
	return error;
}

static int move_job(struct scsi_lu *lu, void *context)
{
	struct errand *e = context;

	return robot_move(changer_of(lu), e->from, e->to, &e->refusal);
}

int changer_move(struct changer *changer, uint16_t from, uint16_t to, char message[256])
{
	struct errand errand = { .from = from, .to = to };
	int error = run_errand(changer, move_job, &errand, message);

	/* A tape that lacks data has been moved all the same. */
	if (error == 0 || errand.refusal.code == ASC_WRITE_ERROR)
		scsi_attention(changer->lu, NULL, ASC_MEDIUM_CHANGED);
	return error;
}

/* The operator's hand reaches slots and import/export slots, and not while a host prevents it. */
static int reach(struct changer *changer, const struct element *element, bool takes,
		 struct refusal *refusal)
{
	bool prevented;

	if (element->type != ELEMENT_STORAGE && element->type != ELEMENT_IMPORT_EXPORT)
		return refuse(refusal, -EINVAL, SENSE_NO_SENSE, ASC_NONE,
			      "element %u is a %s: neither slot nor import/export slot",
			      element->address, element_type_name(element->type));
	{
		LOCK_SCOPE(&changer->lu->lock);
		prevented = scsi_removal_prevented_locked(changer->lu);
	}
	if (prevented && (takes || element->type == ELEMENT_IMPORT_EXPORT))
		return refuse(refusal, -EPERM, SENSE_NO_SENSE, ASC_NONE,
			      "a host prevents access to %s %u", element_type_name(element->type),
			      element->address);
	return 0;
}

/* Changes one element as it will be saved. */
static int commit_element(struct changer *changer, const struct element *changed,
			  struct refusal *refusal)
{
	struct inventory next = { 0 };
	int error = inventory_copy(&changer->inventory, &next);

	if (error != 0)
		return refuse(refusal, error, SENSE_NO_SENSE, ASC_NONE, "no memory");
	*inventory_find(&next, changed->address) = *changed;
	error = robot_commit(changer, &next, refusal);
	inventory_clear(&next);
	return error;
}

static struct element *find_barcode(const struct changer *changer, const char *barcode)
{
	for (size_t i = 0; i < changer->inventory.count; i++)
		if (strcmp(changer->inventory.elements[i].barcode, barcode) == 0)
			return &changer->inventory.elements[i];
	return NULL;
}

static int put_job(struct scsi_lu *lu, void *context)
{
	struct changer *changer = changer_of(lu);
	struct errand *e = context;
	struct refusal *r = &e->refusal;
	struct element *there = find_barcode(changer, e->barcode);
	size_t homes = 0;
	struct element *slot = e->to != 0 ? inventory_find(&changer->inventory, e->to) :
					    inventory_free_slot(&changer->inventory, &homes);
	struct element changed;
	int error;

	if (there != NULL)
		return refuse(r, -EEXIST, SENSE_NO_SENSE, ASC_NONE, "%s is in %s %u already",
			      e->barcode, element_type_name(there->type), there->address);
	if (slot == NULL && homes > 0)
		return refuse(r, -ENOSPC, SENSE_NO_SENSE, ASC_NONE,
			      "every free slot is kept for a tape that is in a drive: name one to take "
			      "it all the same");
	if (slot == NULL && e->to == 0)
		return refuse(r, -ENOSPC, SENSE_NO_SENSE, ASC_NONE,
			      "the library is full: no slot is free");
	if (slot == NULL)
		return refuse(r, -ENOENT, SENSE_NO_SENSE, ASC_NONE, "there is no element %u", e->to);
	error = reach(changer, slot, false, r);
	if (error != 0)
		return error;
	if (slot->disabled)
		return refuse(r, -EACCES, SENSE_NO_SENSE, ASC_NONE, "%s %u is disabled",
			      element_type_name(slot->type), slot->address);
	if (element_is_full(slot))
		return refuse(r, -EEXIST, SENSE_NO_SENSE, ASC_NONE, "%s %u holds %s",
			      element_type_name(slot->type), slot->address, slot->barcode);
	changed = *slot;
	snprintf(changed.barcode, sizeof(changed.barcode), "%s", e->barcode);
	changed.kind = changer_volume_kind(changer, e->barcode);
	changed.source = 0;
	changed.imported = slot->type == ELEMENT_IMPORT_EXPORT;
	e->to = slot->address;
	e->type = slot->type;
	return commit_element(changer, &changed, r);
}

static int take_job(struct scsi_lu *lu, void *context)
{
	struct changer *changer = changer_of(lu);
	struct errand *e = context;
	struct refusal *r = &e->refusal;
	const struct element *slot = inventory_find(&changer->inventory, e->from);
	struct element changed;
	int error;

	if (slot == NULL)
		return refuse(r, -ENOENT, SENSE_NO_SENSE, ASC_NONE, "there is no element %u",
			      e->from);
	error = reach(changer, slot, true, r);
	if (error != 0)
		return error;
	if (!element_is_full(slot))
		return refuse(r, -ENOENT, SENSE_NO_SENSE, ASC_NONE, "%s %u is empty",
			      element_type_name(slot->type), slot->address);
	if (e->barcode != NULL && strcmp(e->barcode, slot->barcode) != 0)
		return refuse(r, -ENOENT, SENSE_NO_SENSE, ASC_NONE, "%s %u holds %s by now",
			      element_type_name(slot->type), slot->address, slot->barcode);
	/* What lies in an import/export slot was let go when it was moved there. */
	if (slot->type == ELEMENT_STORAGE &&
	    changer_hook(changer, "eject", slot->barcode, slot, NULL) != 0)
		return refuse(r, -EPERM, SENSE_NO_SENSE, ASC_NONE,
			      "the eject hook keeps %s in slot %u", slot->barcode, slot->address);
	e->type = slot->type;
	changed = *slot;
	element_vacate(&changed);
	return commit_element(changer, &changed, r);
}

/* Tells hosts that somebody was at an element. */
static void tell_hosts(struct changer *changer, enum element_type type)
{
	scsi_attention(changer->lu, NULL,
		       type == ELEMENT_IMPORT_EXPORT ? ASC_IMPORT_EXPORT_ACCESSED :
							  ASC_MEDIUM_CHANGED);
}

int changer_put(struct changer *changer, const char *barcode, uint16_t *address, char message[256])
{
	struct errand errand = { .to = *address, .barcode = barcode };
	size_t size = strlen(barcode);
	int error;

	if (size == 0 || size > BARCODE_MAX) {
		snprintf(message, 256, "a barcode has 1 to %u characters", BARCODE_MAX);
		return -EINVAL;
	}
	error = run_errand(changer, put_job, &errand, message);
	if (error != 0)
		return error;
	*address = errand.to;
	tell_hosts(changer, errand.type);
	return 0;
}

int changer_take(struct changer *changer, uint16_t address, char message[256])
{
	return changer_take_tape(changer, address, NULL, message);
}

int changer_take_tape(struct changer *changer, uint16_t address, const char *barcode, char message[256])
{
	struct errand errand = { .from = address, .barcode = barcode };
	int error = run_errand(changer, take_job, &errand, message);

	if (error == 0)
		tell_hosts(changer, errand.type);
	return error;
}

int changer_inventory(struct changer *changer, struct element **elements, size_t *count)
{
	struct inventory copy = { 0 };
	int error;

	ASSERT_OBJECT(changer, CHANGER_MAGIC);
	{
		LOCK_SCOPE(&changer->lu->lock);
		error = inventory_copy(&changer->inventory, &copy);
	}
	if (error != 0)
		return error;
	*elements = copy.elements;
	*count = copy.count;
	return 0;
}
