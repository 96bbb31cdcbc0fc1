/* SPDX-License-Identifier: MIT */
/*
 * A device for the tests of the SCSI layer, and an initiator that sends it commands
 * and waits for their end.
 */
#ifndef TESTS_UNIT_SCSI_FAKE_H
#define TESTS_UNIT_SCSI_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "target/scsi/scsi.h"

/*
 * 08h READ(6): as many bytes 5Ah as bytes 2-4 say. 0Ah WRITE(6): waits while `slow`, then for the
 * gate; counts. 19h ERASE: on the worker; byte 1 bit 0 answers early; then waits for the gate.
 * 01h REWIND: never waits. 7Fh/0203h: 32 bytes.
 */
struct fake {
	struct scsi_lu *lu;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool slow, open;     /* lock: the gate */
	unsigned waiting;    /* lock: commands that stand at the gate */
	unsigned reservations_lost, reservations_preempted; /* lu->lock */
	enum sense_code reservation_code; /* that is told then */
	unsigned written, rewinds, erased, resets, lost, page_changes; /* lock */
	uint8_t order[64];   /* lock: byte 4 of each WRITE that ran */
	bool not_ready;	     /* lu->lock */
	bool fails;	     /* ERASE ends with a deferred error */
	bool refuses;	     /* page 10h's check refuses its byte 9 */
	uint8_t device_specific, density; /* of the mode header and block descriptor */
	enum scsi_reset reset_kind;
	bool saw_abort; /* lock: ERASE was told that it has been aborted */
	struct scsi_buffer_pool *pool;
};

struct scene {
	struct scsi_target *target;
	struct fake fake[2]; /* LUN 0, LUN 3 */
	struct scsi_nexus *a, *b;
	struct scsi_nexus *c; /* a test's own, or NULL */
};

extern const struct scsi_class fake_class;
/* Of the units that scene_start() makes, and what LUN 0 finds kept; NULL for none. */
extern const struct scsi_keeper *fake_keeper;
extern const struct scsi_kept *fake_kept;

struct fake_command {
	struct scsi_task task;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended; /* lock */
	unsigned done_count;
};

/* A target with two units and two nexuses; power on attentions have been told where `quiet`. */
void scene_start(struct scene *scene, bool quiet);
void scene_stop(struct scene *scene);
struct scsi_nexus *scene_nexus(struct scene *scene, const char *initiator, uint8_t isid);
void scene_close(struct scsi_nexus **nexus);

/* Makes a command ready for scsi_submit(); out may be NULL. */
void command_prepare(struct fake_command *command, struct scsi_nexus *nexus, uint64_t lun,
		     const uint8_t *cdb, size_t cdb_size, const void *out, size_t out_size,
		     size_t room);
void command_start(struct fake_command *command, struct scsi_nexus *nexus, uint64_t lun,
		   const uint8_t *cdb, size_t cdb_size, const void *out, size_t out_size, size_t room);
void command_wait(struct fake_command *command);
bool command_has_ended(struct fake_command *command);
void command_end(struct fake_command *command);

/* Runs a command to its end and keeps what it said. */
struct answer {
	enum scsi_status status;
	struct sense sense;
	bool aborted, sense_descriptor;
	uint8_t data[8192];
	size_t size;
	uint64_t wanted, out_wanted;
};
void run_command(struct answer *answer, struct scsi_nexus *nexus, unsigned lun, const uint8_t *cdb,
		 size_t cdb_size, const void *out, size_t out_size, size_t room);

#define LUN(number) ((uint64_t)(number) << 48)
#define CDB(...)    (const uint8_t[16]){__VA_ARGS__}, 16
/* A command without data-out, with room for 8192 bytes of data-in, to LUN 0. */
#define RUN(answer, nexus, ...)	run_command((answer), (nexus), 0, CDB(__VA_ARGS__), NULL, 0, 8192)
#define SEND(answer, nexus, out, size, ...)                                                        \
	run_command((answer), (nexus), 0, CDB(__VA_ARGS__), (out), (size), 0)

void assert_good(const struct answer *answer);
void assert_check(const struct answer *answer, enum sense_key key, enum sense_code code);
/* 24h/00h at a bit of the CDB (8: whichever). */
void assert_field(const struct answer *answer, unsigned byte, unsigned bit);
void assert_parameter(const struct answer *answer, unsigned byte);

void gate_open(struct fake *fake);
void gate_close(struct fake *fake);
/* Until `count` commands stand at the gate. */
void gate_wait(struct fake *fake, unsigned count);

/* A management function, to its end. */
enum scsi_response manage_wait(struct scsi_nexus *nexus, enum scsi_management function, unsigned lun,
			       uint64_t tag);

#endif
