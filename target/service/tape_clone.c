/* SPDX-License-Identifier: MIT */
/*
 * Clones. A terabyte that the filesystem cannot share takes hours: service->admin
 * is held only while the names are looked at, and the source is kept open by
 * cartridge_clone(), so that no drive takes it meanwhile.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "target/service/known.h"
#include "target/service/names.h"
#include "target/service/tapes.h"
#include "target/tape/media.h"

/* With service->admin held. */
static int clone_check(struct library *from, const char *barcode, struct library *to,
		       const char *clone, bool force, struct tape *tape, char message[256])
{
	const char *wrong = name_check_barcode(clone);
	const struct medium *medium = medium_of_barcode(clone);
	CLEANUP_KNOWN struct known known = {0};
	int error;

	if (wrong)
		return tape_say(message, -EINVAL, "a barcode %s", wrong);
	if (tape_find(from, barcode, tape))
		return tape_say(message, -ENOENT, "library %s has no tape %.40s", from->config.name,
				barcode);
	if (tape->error)
		return tape_say(message, tape->error, "tape %s cannot be read: %s", barcode,
				strerror(-tape->error));
	if (tape->state == TAPE_PLACED && tape->place.type == ELEMENT_DRIVE)
		return tape_say(message, -EBUSY, "tape %s is in drive %u: unload it first", barcode,
				(unsigned)tape->place.address);
	if (medium && strcasecmp(medium->name, tape->info.medium) != 0)
		return tape_say(message, -EINVAL, "barcode %s says %s, but tape %s is %s", clone,
				medium->name, barcode, tape->info.medium);
	if (known_new(to->service, &known))
		return tape_say(message, -ENOMEM, "not enough memory");
	error = force ? 0 : known_check_all(&known, message);
	return error ? error : known_check_free(&known, clone, to->config.name, message);
}

struct clone {
	struct library *from, *to;
};

/* With service->admin held: what the libraries' end waits for. */
static int clone_begin(const struct clone *clone, char message[256])
{
	int error = library_clone_begin(clone->from);

	if (error)
		return tape_say(message, error, "library %s is about to end or to change",
				clone->from->config.name);
	error = library_clone_begin(clone->to);
	if (!error)
		return 0;
	library_clone_end(clone->from);
	return tape_say(message, error, "library %s is about to end or to change", clone->to->config.name);
}

static int clone_progress(void *context, uint64_t done, uint64_t total)
{
	struct clone *clone = context;

	(void)done;
	(void)total;
	return daemon_is_stopping(clone->from->service->daemon) || !library_is_listed(clone->from) ||
	       !library_is_listed(clone->to);
}

int tape_clone(struct library *from, const char *barcode, struct library *to, const char *name,
	       bool force, char message[256])
{
	struct clone clone = {from, to};
	CLEANUP_TAPE struct tape tape = {0};
	int error;

	{
		LOCK_SCOPE(&from->service->admin);
		error = clone_check(from, barcode, to, name, force, &tape, message);
		if (!error)
			error = clone_begin(&clone, message);
	}
	if (error)
		return error;
	error = cartridge_clone(tape.path, to->config.tapes, name, clone_progress, &clone);
	library_clone_end(from);
	library_clone_end(to);
	if (error)
		return tape_say(message, error, "tape %s cannot be cloned: %s", barcode,
				error == -EBUSY	    ? "it, or a new tape of that name, is in use"
				: error == -ENODATA ? "not all of its data is there"
						    : strerror(-error));
	log_info("%s: tape %s is a clone of %s", to->config.name, name, barcode);
	return 0;
}
