/* SPDX-License-Identifier: MIT */
/*
 * What the changer's files share and nobody else sees.
 *
 * The inventory is changed by the robot alone, which runs in turn with the
 * commands (as a command, or as an operator's job), and with lu->lock held at
 * the moment of the change. So a command reads it without a lock; whoever is out
 * of turn takes lu->lock.
 */
#ifndef TARGET_CHANGER_INTERNAL_H
#define TARGET_CHANGER_INTERNAL_H

#include <sys/queue.h>

#include "target/changer/changer.h"
#include "target/changer/inventory.h"
#include "target/changer/personality.h"

#define CHANGER_MAGIC		 0x4348474eu
#define CHANGER_TRANSPORTS_MAX	 8u
#define CHANGER_IDENTIFIER_MAX	 64u /* bytes of a drive's identifier in READ ELEMENT STATUS */
#define CHANGER_TEMPLATE_SIZE	 32u
#define CHANGER_TAG_SIZE	 36u

/* TapeAlert flags of libraries (SMC-3 annex A) that this one can raise. */
enum changer_alert {
	ALERT_HARDWARE_A = 1,	/* trouble in talking to a drive */
	ALERT_LOAD_RETRY = 15,	/* a tape could not be loaded */
	ALERT_INVENTORY = 24,	/* the inventory is not what it should be */
};

struct changer_bay {
	struct changer_drive drive;
	uint8_t identifier[CHANGER_IDENTIFIER_MAX];
	uint8_t identifier_size;
	bool stranded; /* the element is full, and the drive could not take the cartridge back */
};

/* The template of a SEND VOLUME TAG, kept for the nexus' REQUEST VOLUME ELEMENT ADDRESS. */
struct tag_search {
	TAILQ_ENTRY(tag_search) link;
	const struct scsi_nexus *nexus;
	uint8_t action;
	enum element_type type; /* 0: all */
	uint16_t start;
	uint16_t lowest, highest; /* volume sequence numbers; all ours are 0 */
	char pattern[CHANGER_TEMPLATE_SIZE + 1];
};
TAILQ_HEAD(tag_search_list, tag_search);

struct changer {
	uint32_t magic;
	struct scsi_lu *lu;
	const struct personality *personality;
	struct scsi_class class; /* of this one: its mode pages hold its addresses */
	struct scsi_mode_page mode_pages[5];
	uint8_t page_addresses[20], page_geometry[2 + 2 * CHANGER_TRANSPORTS_MAX];
	struct changer_settings calls; /* only the functions and their context */
	struct changer_bay *bays;      /* the n-th drive element's */
	size_t bay_count;
	uint8_t identifier_size; /* the longest of them */
	struct inventory inventory;
	bool ejecting;	 /* an eject hook runs, and may ask for anything. lu->lock */
	struct tag_search_list searches; /* lu->lock */
};

static inline struct changer *changer_of(struct scsi_lu *lu)
{
	return lu->device;
}

/* ---- the robot: robot.c ---- */

/* Why a move was not made, for hosts, operators and the log. */
struct refusal {
	int error; /* 0, or -errno */
	enum sense_key key;
	enum sense_code code;
	char text[256];
};
struct leg {
	struct element *from, *to;
};
/* One cartridge from one element to another; the same one is no move at all. */
int robot_move(struct changer *changer, uint16_t from, uint16_t to, struct refusal *refusal);
/* The cartridge of `first` to `second`, that of `from` to `first`: both or none. */
int robot_exchange(struct changer *changer, uint16_t from, uint16_t first, uint16_t second,
		   struct refusal *refusal);
/* Saves `next` and makes it the inventory; on failure all is as before. */
int robot_commit(struct changer *changer, struct inventory *next, struct refusal *refusal);
/* Fills in a refusal and returns its error. */
__attribute__((format(printf, 5, 6))) int refuse(struct refusal *refusal, int error,
						  enum sense_key key, enum sense_code code,
						  const char *format, ...);
struct changer_bay *changer_bay(struct changer *changer, const struct element *element);
/* Asks a hook; 0 without one. */
int changer_hook(struct changer *changer, const char *what, const char *barcode,
		 const struct element *from, const struct element *to);
/* Puts the tapes that the inventory has in drives into them; once, at the start. */
void robot_restore(struct changer *changer);

/* ---- READ ELEMENT STATUS: status.c ---- */

struct status_request {
	enum element_type type; /* 0: all */
	uint16_t start;
	uint32_t limit; /* elements at most */
	bool tags, identifiers;
	const struct tag_search *search; /* only what matches; or NULL */
	uint8_t action;			 /* byte 4 of the header */
};
/* Answers READ ELEMENT STATUS or REQUEST VOLUME ELEMENT ADDRESS, as much of it as `allocation` bytes have
 * room for: whole descriptors. In a command. */
void status_reply(struct changer *changer, struct scsi_task *task,
		  const struct status_request *request, uint32_t allocation);
/* The identifiers that go into drives' descriptors, as the personality gives them. */
void status_prepare(struct changer *changer);
/* The barcode as hosts get it. */
size_t status_barcode(const struct changer *changer, const struct element *element,
		      char text[BARCODE_MAX + 1]);

/* ---- volume tags: tags.c ---- */

/* SEND VOLUME TAG, REQUEST VOLUME ELEMENT ADDRESS. */
void tags_send(struct scsi_lu *lu, struct scsi_task *task);
void tags_request(struct scsi_lu *lu, struct scsi_task *task);
/* The element is full, and its barcode and place are what the template asks for. */
bool tags_match(const struct changer *changer, const struct tag_search *search,
		const struct element *element);
/* Of a nexus that is gone, lu->lock held; of all of them, when the changer is freed. */
void tags_forget_locked(struct changer *changer, const struct scsi_nexus *nexus);
void tags_clear(struct changer *changer);

/* ---- tables: commands.c pages.c ---- */

extern const struct scsi_opcode changer_opcodes[];
extern const struct scsi_log_page changer_log_pages[];
extern const uint16_t changer_versions[];
void pages_prepare(struct changer *changer);

#endif
