/* SPDX-License-Identifier: MIT */
/*
 * A library without tape for the changer's tests: drives that keep a name, an
 * inventory that is saved to memory, each of which can be told to fail; and
 * hosts that send CDBs and wait for the answer.
 */
#ifndef TESTS_UNIT_CHANGER_SUPPORT_H
#define TESTS_UNIT_CHANGER_SUPPORT_H

#include <pthread.h>
#include <stdbool.h>

#include "target/changer/changer.h"
#include "target/changer/personality.h"

#define RIG_DRIVES 4u
#define RIG_DATA   65536u

struct fake_drive {
	struct scsi_identity identity;
	char barcode[BARCODE_MAX + 1]; /* what is in it */
	uint8_t generation;	       /* takes only barcodes that end with L and this digit, and Y */
	bool prevented;
	int load_error;	  /* what every load says; 0: it works */
	int unload_error; /* as the flush: the cartridge comes out all the same */
	unsigned fail_loads_after; /* loads that work before load_error counts; */
	unsigned loads, unloads;
};

struct rig {
	struct scsi_target *target;
	struct scsi_buffer_pool *pool;
	struct changer *changer;
	struct scsi_nexus *hosts[2];
	uint8_t lun; /* that commands go to: 0, the changer */
	struct fake_drive drives[RIG_DRIVES];
	struct changer_drive bays[RIG_DRIVES];
	size_t drive_count;
	const char *missing; /* a barcode whose files are gone; or NULL */
	struct element *saved; /* what save() was last given and kept */
	size_t saved_count;
	int save_error;
	unsigned save_failures; /* how many of the next saves fail */
	unsigned saves;
	int eject_error;
	char hooks[1024]; /* "eject GRN000L8 1000>10;" for each call */
};

struct reply {
	enum scsi_status status;
	struct sense sense;
	uint8_t data[RIG_DATA];
	size_t size;
	uint64_t wanted;
};

/* A library of these elements: cartridges "SAYW..." say that they are WORM, "SAYD..." data tapes, and the
 * others nothing; drives are named DRV0000000, DRV0000001... Fails the test when it
 * cannot be made. */
struct rig *rig_new(const struct personality *personality, const struct element *elements,
		    size_t count);
/* The usual one: an L700 with two slots to the outside, two drives and four slots. */
struct rig *rig_new_usual(void);
void rig_free(struct rig **rig);
/* cmocka's: *state is the usual one. */
int rig_setup(void **state);
int rig_teardown(void **state);
/* Unit attentions of both hosts are read and dropped. */
void rig_settle(struct rig *rig);

/* Sends a CDB to rig->lun with room for `room` bytes and `out` as parameter list (NULL: none). */
void rig_send(struct rig *rig, unsigned host, const uint8_t *cdb, size_t cdb_size, const void *out,
	      size_t out_size, size_t room, struct reply *reply);
/* The same, without a parameter list and with all the room. */
void rig_command(struct rig *rig, unsigned host, const uint8_t *cdb, size_t cdb_size,
		 struct reply *reply);
void rig_move(struct rig *rig, uint16_t from, uint16_t to, struct reply *reply);
void rig_exchange(struct rig *rig, uint16_t from, uint16_t first, uint16_t second,
		  struct reply *reply);

/* Code of the sense, 0 with GOOD: 0x053b0d is ILLEGAL REQUEST 3Bh/0Dh. */
uint32_t reply_code(const struct reply *reply);
/* The element of an address, as the changer has it now; fails the test when there is none. */
struct element rig_element(struct rig *rig, uint16_t address);
/* What is saved is what the changer has, and drives hold what their elements say. */
void rig_assert_consistent(struct rig *rig);

#define CDB(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })

#endif
