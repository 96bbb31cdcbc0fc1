/* SPDX-License-Identifier: MIT */
/*
 * The robot: takes cartridges from element to element.
 *
 *   check -> eject hooks -> unload drives -> load drives -> save -> commit
 *              refused        prevented      no such      failed
 *                 |               |          medium...       |
 *                 +---------------+---- undo ----+-----------+
 *
 * Invariant: whatever fails before the commit, each cartridge is where it was,
 * in its drive too, and the saved inventory says so. Only a drive that does not
 * take back its own cartridge breaks it: the inventory still has the cartridge
 * there, the element is marked as abnormal, and a TapeAlert flag is raised.
 *
 * Always in turn with the commands of the unit; may wait for drives and files.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "target/changer/internal.h"
#include "target/scsi/alerts.h"

#define PATH_SIZE 4096u
#define LEGS_MAX  2u

/* A leg on its way: what has been done of it, to be undone. */
struct trip {
	struct leg leg;
	struct element before; /* the source as it was */
	struct changer_bay *out_of, *into;
	char path[PATH_SIZE];
	bool unloaded, loaded;
	int flush_error; /* the cartridge came out, but not all of its data is on it */
};

int refuse(struct refusal *refusal, int error, enum sense_key key, enum sense_code code,
	   const char *format, ...)
{
	va_list arguments;

	refusal->error = error;
	refusal->key = key;
	refusal->code = code;
	va_start(arguments, format);
	vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
	va_end(arguments);
	return error;
}

struct changer_bay *changer_bay(struct changer *changer, const struct element *element)
{
	const struct element *elements = changer->inventory.elements;
	size_t n = 0;

	if (element->type != ELEMENT_DRIVE)
		return NULL;
	for (size_t i = inventory_from(&changer->inventory, element->address);
	     i > 0 && elements[i - 1].type == ELEMENT_DRIVE; i--)
		n++;
	ASSERT(n < changer->bay_count);
	return &changer->bays[n];
}

static void changer_alert(struct changer *changer, enum changer_alert alert)
{
	LOCK_SCOPE(&changer->lu->lock);
	scsi_alerts_raise_locked(changer->lu, scsi_alert(alert));
}

static void set_ejecting(struct changer *changer, bool ejecting)
{
	LOCK_SCOPE(&changer->lu->lock);
	changer->ejecting = ejecting;
}

int changer_hook(struct changer *changer, const char *what, const char *barcode,
		 const struct element *from, const struct element *to)
{
	bool ejects = strcmp(what, "eject") == 0;
	int error;

	if (changer->calls.hook == NULL)
		return 0;
	if (ejects)
		set_ejecting(changer, true);
	error = changer->calls.hook(changer->calls.context, what, barcode, from, to);
	if (ejects)
		set_ejecting(changer, false);
	return error;
}

/* ---- what a move must fulfil -------------------------------------------------------- */

static int find_element(struct changer *changer, uint16_t address, struct element **element,
			struct refusal *refusal)
{
	struct element *e = inventory_find(&changer->inventory, address);

	if (e == NULL)
		return refuse(refusal, -ENOENT, SENSE_ILLEGAL_REQUEST, ASC_INVALID_ADDRESS,
			      "there is no element %u", address);
	if (e->type == ELEMENT_TRANSPORT)
		return refuse(refusal, -ENOENT, SENSE_ILLEGAL_REQUEST, ASC_INVALID_ADDRESS,
			      "element %u is the transport, which keeps no cartridge", address);
	*element = e;
	return 0;
}

static int check_access(const struct element *element, struct refusal *refusal)
{
	if (element->disabled)
		return refuse(refusal, -EACCES, SENSE_ILLEGAL_REQUEST, ASC_MAGAZINE_NOT_ACCESSIBLE,
			      "%s %u is disabled", element_type_name(element->type),
			      element->address);
	return 0;
}

static int check_full(const struct element *element, struct refusal *refusal)
{
	if (!element_is_full(element))
		return refuse(refusal, -ENOENT, SENSE_ILLEGAL_REQUEST, ASC_SOURCE_EMPTY,
			      "%s %u is empty", element_type_name(element->type),
			      element->address);
	return 0;
}

static int check_empty(const struct element *element, struct refusal *refusal)
{
	if (element_is_full(element))
		return refuse(refusal, -EEXIST, SENSE_ILLEGAL_REQUEST, ASC_DESTINATION_FULL,
			      "%s %u holds %s", element_type_name(element->type), element->address,
			      element->barcode);
	return 0;
}

/* ---- drives --------------------------------------------------------------------------- */

static const struct {
	int error;
	enum sense_key key;
	enum sense_code code;
	const char *text;
} load_refusals[] = {
	{ -EMEDIUMTYPE, SENSE_ILLEGAL_REQUEST, ASC_INCOMPATIBLE_MEDIUM,
	  "the drive does not take this kind of medium" },
	{ -EPROTONOSUPPORT, SENSE_MEDIUM_ERROR, ASC_UNKNOWN_FORMAT,
	  "the cartridge is of a later version" },
	{ -EBADMSG, SENSE_MEDIUM_ERROR, ASC_MECHANICAL_FAILURE, "the cartridge is damaged" },
	{ -ENOENT, SENSE_MEDIUM_ERROR, ASC_MECHANICAL_FAILURE, "its files are not there" },
	{ -ENOMEM, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES, "no memory" },
};

static int refuse_load(const struct trip *trip, int error, struct refusal *refusal)
{
	for (size_t i = 0; i < sizeof(load_refusals) / sizeof(load_refusals[0]); i++)
		if (load_refusals[i].error == error)
			return refuse(refusal, error, load_refusals[i].key, load_refusals[i].code,
				      "%s does not load in drive %u: %s", trip->before.barcode,
				      trip->leg.to->address, load_refusals[i].text);
	return refuse(refusal, error, SENSE_HARDWARE_ERROR, ASC_MECHANICAL_FAILURE,
		      "%s does not load in drive %u: %s", trip->before.barcode,
		      trip->leg.to->address, strerror(-error));
}

static int trip_unload(struct changer *changer, struct trip *trip, struct refusal *refusal)
{
	int error = trip->out_of->drive.unload(trip->out_of->drive.drive, false);

	if (error == -EPERM)
		return refuse(refusal, -EPERM, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED,
			      "removal from drive %u is prevented by a host",
			      trip->leg.from->address);
	/* A stranded cartridge is not in the drive, and comes out of its element all the same. */
	if (error == -ENOMEDIUM)
		return 0;
	trip->unloaded = true;
	if (error == 0)
		return 0;
	trip->flush_error = error;
	changer_alert(changer, ALERT_HARDWARE_A);
	log_error("changer %s: drive %u let go of %s, but could not write all of its data: %s",
		  changer->lu->identity.serial, trip->leg.from->address, trip->before.barcode,
		  strerror(-error));
	return 0;
}

static int trip_load(struct changer *changer, struct trip *trip, struct refusal *refusal)
{
	int error = trip->into->drive.load(trip->into->drive.drive, trip->path);

	if (error != 0) {
		if (error != -EMEDIUMTYPE)
			changer_alert(changer, ALERT_LOAD_RETRY);
		return refuse_load(trip, error, refusal);
	}
	trip->loaded = true;
	return 0;
}

/* ---- the way back ----------------------------------------------------------------------- */

static void strand(struct changer *changer, struct changer_bay *bay, const struct element *element,
		   int error)
{
	{
		LOCK_SCOPE(&changer->lu->lock);
		bay->stranded = true;
	}
	changer_alert(changer, ALERT_INVENTORY);
	log_error("changer %s: %s stays in drive %u, which could not load it again: %s",
		  changer->lu->identity.serial, element->barcode, element->address,
		  strerror(-error));
}

static void trips_undo(struct changer *changer, struct trip *trips, unsigned count)
{
	for (unsigned i = count; i-- > 0;) {
		struct trip *t = &trips[i];
		int error;

		if (!t->loaded)
			continue;
		error = t->into->drive.unload(t->into->drive.drive, true);
		if (error != 0)
			log_error("changer %s: taking %s back out of drive %u: %s",
				  changer->lu->identity.serial, t->before.barcode,
				  t->leg.to->address, strerror(-error));
	}
	for (unsigned i = count; i-- > 0;) {
		struct trip *t = &trips[i];
		int error;

		if (!t->unloaded)
			continue;
		error = t->out_of->drive.load(t->out_of->drive.drive, t->path);
		if (error != 0)
			strand(changer, t->out_of, &t->before, error);
	}
}

/* ---- making it the truth ---------------------------------------------------------------- */

int robot_commit(struct changer *changer, struct inventory *next, struct refusal *refusal)
{
	struct inventory *now = &changer->inventory;
	int error = changer->calls.save(changer->calls.context, next->elements, next->count);

	if (error != 0) {
		/* It may have reached the disk for all that: say again what is true. */
		int again = changer->calls.save(changer->calls.context, now->elements, now->count);

		if (again != 0)
			log_error("changer %s: the inventory on disk may be wrong: %s",
				  changer->lu->identity.serial, strerror(-again));
		changer_alert(changer, ALERT_INVENTORY);
		return refuse(refusal, error, SENSE_HARDWARE_ERROR, ASC_INTERNAL_FAILURE,
			      "the inventory cannot be saved: %s", strerror(-error));
	}
	LOCK_SCOPE(&changer->lu->lock);
	memcpy(now->elements, next->elements, now->count * sizeof(*now->elements));
	return 0;
}

static int trips_commit(struct changer *changer, struct trip *trips, unsigned count,
			struct refusal *refusal)
{
	struct inventory next = { 0 };
	int error = inventory_copy(&changer->inventory, &next);

	if (error != 0)
		return refuse(refusal, error, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES,
			      "no memory");
	for (unsigned i = 0; i < count; i++)
		element_vacate(inventory_find(&next, trips[i].before.address));
	for (unsigned i = 0; i < count; i++)
		element_receive(inventory_find(&next, trips[i].leg.to->address), &trips[i].before);
	error = robot_commit(changer, &next, refusal);
	inventory_clear(&next);
	return error;
}

/* ---- a journey: one or two legs --------------------------------------------------------- */

static int trip_prepare(struct changer *changer, struct trip *trip, struct refusal *refusal)
{
	const struct leg *leg = &trip->leg;
	int error;

	trip->before = *leg->from;
	trip->out_of = changer_bay(changer, leg->from);
	trip->into = changer_bay(changer, leg->to);
	if (trip->out_of != NULL || trip->into != NULL) {
		error = changer->calls.cartridge_path(changer->calls.context, leg->from->barcode,
						      trip->path, sizeof(trip->path));
		/* A cartridge whose files are gone may leave a drive; it cannot be put into one. */
		if (error != 0 && trip->into != NULL)
			return refuse_load(trip, error, refusal);
	}
	if (leg->to->type != ELEMENT_IMPORT_EXPORT)
		return 0;
	error = changer_hook(changer, "eject", leg->from->barcode, leg->from, leg->to);
	if (error != 0)
		return refuse(refusal, -EPERM, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED,
			      "the eject hook keeps %s in %s %u", leg->from->barcode,
			      element_type_name(leg->from->type), leg->from->address);
	return 0;
}

/* Everything up to the commit. */
static int trips_make(struct changer *changer, struct trip *trips, unsigned count,
		      struct refusal *refusal)
{
	int error = 0;

	for (unsigned i = 0; i < count && error == 0; i++)
		error = trip_prepare(changer, &trips[i], refusal);
	for (unsigned i = 0; i < count && error == 0; i++)
		if (trips[i].out_of != NULL)
			error = trip_unload(changer, &trips[i], refusal);
	for (unsigned i = 0; i < count && error == 0; i++)
		if (trips[i].into != NULL)
			error = trip_load(changer, &trips[i], refusal);
	if (error == 0)
		error = trips_commit(changer, trips, count, refusal);
	return error;
}

/* A tape is out of a drive. */
static int trip_left(struct changer *changer, const struct trip *t, struct refusal *refusal)
{
	{
		LOCK_SCOPE(&changer->lu->lock);
		t->out_of->stranded = false;
	}
	changer_hook(changer, "unload", t->before.barcode, t->leg.from, t->leg.to);
	/* The move was made, and whoever asked for it must hear that the tape lacks data. */
	if (t->flush_error == 0)
		return 0;
	return refuse(refusal, t->flush_error, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR,
		      "%s was moved, but drive %u could not write all of its data",
		      t->before.barcode, t->before.address);
}

static int trips_finish(struct changer *changer, const struct trip *trips, unsigned count,
			struct refusal *refusal)
{
	int error = 0;

	for (unsigned i = 0; i < count; i++) {
		int left = trips[i].out_of != NULL ? trip_left(changer, &trips[i], refusal) : 0;

		error = left != 0 ? left : error;
	}
	for (unsigned i = 0; i < count; i++)
		if (trips[i].into != NULL)
			changer_hook(changer, "load", trips[i].before.barcode, trips[i].leg.from,
				     trips[i].leg.to);
	return error;
}

static int robot_travel(struct changer *changer, const struct leg *legs, unsigned count,
			struct refusal *refusal)
{
	struct trip trips[LEGS_MAX];
	int error;

	ASSERT(count <= LEGS_MAX);
	if (fault_hit("robot-move"))
		return refuse(refusal, -EIO, SENSE_HARDWARE_ERROR, ASC_MECHANICAL_FAILURE,
			      "the robot does not move");
	for (unsigned i = 0; i < count; i++) {
		trips[i] = (struct trip){ .leg = legs[i] };
		trips[i].path[0] = '\0';
	}
	error = trips_make(changer, trips, count, refusal);
	if (error != 0) {
		trips_undo(changer, trips, count);
		return error;
	}
	return trips_finish(changer, trips, count, refusal);
}

int robot_move(struct changer *changer, uint16_t from, uint16_t to, struct refusal *refusal)
{
	struct leg leg = { 0 };
	int error = find_element(changer, from, &leg.from, refusal);

	if (error == 0)
		error = find_element(changer, to, &leg.to, refusal);
	if (error == 0)
		error = check_access(leg.from, refusal);
	if (error == 0)
		error = check_access(leg.to, refusal);
	if (error == 0)
		error = check_full(leg.from, refusal);
	if (error != 0 || leg.from == leg.to)
		return error;
	error = check_empty(leg.to, refusal);
	return error != 0 ? error : robot_travel(changer, &leg, 1, refusal);
}

int robot_exchange(struct changer *changer, uint16_t from, uint16_t first, uint16_t second,
		   struct refusal *refusal)
{
	struct leg in = { 0 }, out = { 0 };
	struct leg legs[LEGS_MAX];
	int error = find_element(changer, from, &in.from, refusal);

	if (error == 0)
		error = find_element(changer, first, &in.to, refusal);
	if (error == 0)
		error = find_element(changer, second, &out.to, refusal);
	if (error == 0 && in.from == in.to)
		error = refuse(refusal, -EINVAL, SENSE_ILLEGAL_REQUEST, ASC_INVALID_ADDRESS,
			       "element %u cannot be exchanged with itself", from);
	if (error == 0)
		error = check_access(in.from, refusal);
	if (error == 0)
		error = check_access(in.to, refusal);
	if (error == 0)
		error = check_access(out.to, refusal);
	if (error == 0)
		error = check_full(in.from, refusal);
	if (error == 0)
		error = check_full(in.to, refusal);
	if (error == 0 && out.to != in.from)
		error = check_empty(out.to, refusal);
	if (error != 0)
		return error;
	out.from = in.to;
	legs[0] = out;
	legs[1] = in;
	return robot_travel(changer, legs, LEGS_MAX, refusal);
}

void robot_restore(struct changer *changer)
{
	char path[PATH_SIZE];

	for (size_t i = 0; i < changer->inventory.count; i++) {
		const struct element *e = &changer->inventory.elements[i];
		struct changer_bay *bay = changer_bay(changer, e);
		int error;

		if (bay == NULL || !element_is_full(e))
			continue;
		error = changer->calls.cartridge_path(changer->calls.context, e->barcode, path,
						      sizeof(path));
		if (error == 0)
			error = bay->drive.load(bay->drive.drive, path);
		if (error != 0)
			strand(changer, bay, e, error);
	}
}
