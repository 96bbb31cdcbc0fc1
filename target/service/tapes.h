/* SPDX-License-Identifier: MIT */
/*
 * The tapes of a library as an operator sees them: folders in config.tapes, in a
 * place of the library, on the shelf (in no place), or deleted and still there.
 *
 *   TAPES/NAME/BARCODE/                a tape
 *   TAPES/NAME/.deleted/BARCODE@TIME/  deleted at TIME (seconds since 1970)
 *   TAPES/NAME/.new-.../               tapes on the way, to be or to go (cartridge.h)
 *
 * All but those that say so are called with service->admin held, or with a library
 * that nobody knows yet.
 */
#ifndef TARGET_SERVICE_TAPES_H
#define TARGET_SERVICE_TAPES_H

#include "target/service/service.h"
#include "target/tape/cartridge.h"

#define TAPE_SIZE_LEAST (1u << 20) /* bytes */

enum tape_state { TAPE_PLACED, TAPE_SHELF, TAPE_DELETED };

struct tape {
	struct cartridge_info info; /* of a damaged one: only the barcode */
	enum tape_state state;
	struct element place; /* TAPE_PLACED */
	int64_t deleted;      /* TAPE_DELETED: when */
	uint64_t used;	      /* bytes of its data files */
	char *path;
	int error; /* -errno of reading it */
};

/* All of them, sorted by barcode: the caller's, by tapes_free(). */
int tapes_list(struct library *library, struct tape **tapes, size_t *count);
void tapes_free(struct tape **tapes, size_t count);
/* One that is not deleted. -ENOENT. */
int tape_find(struct library *library, const char *barcode, struct tape *tape);
void tape_clear(struct tape *tape);
#define CLEANUP_TAPE __attribute__((cleanup(tape_clear)))
/* The library that has it, deleted ones not counted; NULL: none. */
struct library *tape_find_library(struct service *service, const char *barcode);

struct tape_plan {
	const char *medium;  /* NULL: what the barcode's end says, or the drives' own */
	const char *barcode; /* one tape of this barcode; or NULL and: */
	const char *prefix;  /* "G": G00001L8 and on, those that nobody has */
	uint64_t count;
	uint64_t size; /* bytes; 0: the library's tape_size, or the medium's own */
	bool force;    /* although there are libraries of which it is not known what tapes they have */
};
/* Makes them in `folder`, all or none. *barcodes, count of them, are the caller's, by
 * tape_barcodes_free(). -errno and a sentence. */
int tapes_make(struct service *service, const struct library_config *config, const char *folder,
	       const struct tape_plan *plan, char ***barcodes, size_t *count, char message[256]);
void tape_barcodes_free(char ***barcodes, size_t count);
/* Takes away what tapes_make() has made. */
void tapes_unmake(const char *folder, char **barcodes, size_t count);

/* Takes the tape's lock, until *fd is closed; a tape that somebody else uses, that cannot be read, or
 * that is locked until a time, is refused. */
int tape_hold(const struct tape *tape, int *fd, char message[256]);
/* Gives it the name of what nobody needs any more: service_sweep() removes it then. */
int tape_discard(const struct library *library, const struct tape *tape, char message[256]);
/* Puts it into the place, 0 for a free slot, as changer_put() does. Called without service->admin; nobody
 * deletes it meanwhile. */
int tape_put(struct library *library, const char *barcode, uint16_t *address, char message[256]);
/* Called without service->admin: it takes it at the beginning and at the end. With `purge` the tape is
 * discarded. */
int tape_delete(struct library *library, const char *barcode, bool purge, char message[256]);
/* The one that was deleted last, if there are several; on the shelf then. */
int tape_restore(struct library *library, const char *barcode, char message[256]);
int tape_lock(struct library *library, const char *barcode, int64_t until, char message[256]);
/* Write protection, the slider of the cartridge's shell: not while a drive has it. */
int tape_protect(struct library *library, const char *barcode, bool on, char message[256]);
/* Called without service->admin: it takes it at the beginning and at the end. */
int tape_clone(struct library *from, const char *barcode, struct library *to, const char *clone,
	       bool force, char message[256]);

/* Discards what was deleted more than recycle_days ago. Called without service->admin. */
void tapes_purge(struct library *library);

/* A sentence; returns `error`. */
__attribute__((format(printf, 3, 4))) int tape_say(char message[256], int error, const char *format,
						   ...);

#endif
