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
#include "target/service/names.h"
#include "target/service/tapes.h"
#include "target/tape/media.h"

static int clone_check(struct library *from, const char *barcode, struct library *to,
		       const char *clone, struct tape *tape, char message[256])
{
	const char *wrong = name_check_barcode(clone);
	const struct medium *medium = medium_of_barcode(clone);
	struct library *other;
	LOCK_SCOPE(&from->service->admin);

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
	other = tape_find_library(to->service, clone);
	if (!other)
		return 0;
	tape_say(message, -EEXIST, "library %s has a tape %s already", other->config.name, clone);
	library_release(&other);
	return -EEXIST;
}

static int clone_progress(void *context, uint64_t done, uint64_t total)
{
	struct service *service = context;

	(void)done;
	(void)total;
	return daemon_is_stopping(service->daemon);
}

int tape_clone(struct library *from, const char *barcode, struct library *to, const char *clone,
	       char message[256])
{
	struct tape tape = {0};
	int error = clone_check(from, barcode, to, clone, &tape, message);

	if (!error) {
		error = cartridge_clone(tape.path, to->config.tapes, clone, clone_progress,
					to->service);
		if (error)
			tape_say(message, error, "tape %s cannot be cloned: %s", barcode,
				 strerror(-error));
		else
			log_info("%s: tape %s is a clone of %s", to->config.name, clone, barcode);
	}
	tape_clear(&tape);
	return error;
}
