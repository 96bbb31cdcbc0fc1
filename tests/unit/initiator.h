/* SPDX-License-Identifier: MIT */
/*
 * An initiator that sends whatever it is told to, right or wrong, and a server with
 * a disk to send it to.
 */
#ifndef TESTS_UNIT_INITIATOR_H
#define TESTS_UNIT_INITIATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/iscsi/iscsi.h"
#include "target/iscsi/pdu.h"
#include "tests/target/disk.h"

#define SCENE_TARGET "iqn.2026-11.test:scene"
#define SCENE_BLOCKS 65536u /* 32 MiB */
#define SCENE_MS     60000  /* for what has to happen */

/* ---- a server with one target whose LUN 0 is a disk, and LUN 1 another one ---- */
struct scene {
	struct iscsi_server *server;
	struct scsi_target *target;
	struct scsi_lu *disk, *other;
	uint16_t port;
};
void scene_start(struct scene *scene, const struct iscsi_settings *settings);
void scene_stop(struct scene *scene);

/* ---- an initiator ---- */
struct initiator {
	int fd;
	uint32_t cmd_sn, exp_stat_sn, next_itt;
	uint32_t exp_cmd_sn, max_cmd_sn; /* as the target has told */
	bool header_digest, data_digest;
	uint16_t tsih, status; /* of the login */
	uint8_t isid[6];
	const char *name;
	/* What has come last. */
	struct pdu got;
	uint8_t *data;
	size_t size, capacity;
	bool damage_header, damage_data; /* of what is sent next */
};

/* The name and ISID are of number N: another one is another initiator port. */
void initiator_init(struct initiator *initiator, unsigned number);
void initiator_free(struct initiator *initiator);
void initiator_connect(struct initiator *initiator, uint16_t port);
/* The same from another address of the loopback network. */
void initiator_connect_from(struct initiator *initiator, uint16_t port, uint32_t from);
void initiator_close(struct initiator *initiator);
/* One PDU; its lengths and, where it has them, its sequence numbers are filled in. */
void initiator_send(struct initiator *initiator, struct pdu *pdu, const void *data, size_t size);
/* 0; -EPIPE when the target has closed; -ETIMEDOUT. */
int initiator_receive(struct initiator *initiator, int ms);
/* Fails the test unless the next PDU is this one. */
void initiator_expect(struct initiator *initiator, uint8_t opcode);
/* Fails the test if anything comes. */
void initiator_expect_nothing(struct initiator *initiator, int ms);
/* Fails the test unless the connection ends; what comes before is skipped. */
void initiator_expect_end(struct initiator *initiator);

/* "A=1\0B=2\0"; sizeof(text) - 1 of a literal. One request, straight to full feature. */
int initiator_login(struct initiator *initiator, const char *keys, size_t size);
/* Connects, logs in to the scene's target with these keys besides. */
void initiator_enter(struct initiator *initiator, const struct scene *scene, const char *keys, size_t size);
#define KEYS(literal) (literal), (sizeof(literal) - 1)
void initiator_logout(struct initiator *initiator);

/* A SCSI command: flags of byte 1, `data` is immediate. Returns its task tag. */
uint32_t initiator_command(struct initiator *initiator, uint8_t flags, const uint8_t *cdb,
			   size_t cdb_size, uint32_t expected, const void *data, size_t size);
/* WRITE(10) and READ(10) of LUN 0 as such; F unless `more` data comes unasked. */
uint32_t initiator_write(struct initiator *initiator, uint32_t block, uint32_t blocks, const void *data,
			 size_t immediate, bool more);
uint32_t initiator_read(struct initiator *initiator, uint32_t block, uint32_t blocks);
void initiator_data_out(struct initiator *initiator, uint32_t itt, uint32_t tag, uint32_t data_sn,
			uint32_t offset, const void *data, size_t size, bool final);
/* The response: GOOD, or CHECK CONDITION with key and ASC/ASCQ. */
void initiator_expect_good(struct initiator *initiator, uint32_t itt);
void initiator_expect_sense(struct initiator *initiator, uint32_t itt, uint8_t key, uint16_t code);
void initiator_expect_reject(struct initiator *initiator, uint8_t reason);
/* TEST UNIT READY, until there are no unit attentions left. */
void initiator_settle(struct initiator *initiator);
/* Bytes that tell where they are from. */
void pattern_fill(uint8_t *data, size_t size, unsigned seed);

#endif
