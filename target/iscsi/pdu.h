/* SPDX-License-Identifier: MIT */
/*
 * PDUs (RFC 7143 11): the basic header segment taken apart and put together. One
 * struct for all: fields that a PDU does not have are zero. Decoding checks what
 * can be checked without state; it never reads outside of the 48 bytes.
 */
#ifndef TARGET_ISCSI_PDU_H
#define TARGET_ISCSI_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PDU_BHS_SIZE 48u
#define PDU_NO_TAG   0xffffffffu

enum pdu_opcode {
	PDU_NOP_OUT = 0x00, PDU_COMMAND = 0x01, PDU_TASK_REQUEST = 0x02, PDU_LOGIN_REQUEST = 0x03,
	PDU_TEXT_REQUEST = 0x04, PDU_DATA_OUT = 0x05, PDU_LOGOUT_REQUEST = 0x06, PDU_SNACK = 0x10,
	PDU_NOP_IN = 0x20, PDU_RESPONSE = 0x21, PDU_TASK_RESPONSE = 0x22, PDU_LOGIN_RESPONSE = 0x23,
	PDU_TEXT_RESPONSE = 0x24, PDU_DATA_IN = 0x25, PDU_LOGOUT_RESPONSE = 0x26, PDU_R2T = 0x31,
	PDU_ASYNC = 0x32, PDU_REJECT = 0x3f,
};

enum pdu_reject { /* 11.17.1 */
	REJECT_DATA_DIGEST = 0x02, REJECT_SNACK = 0x03, REJECT_PROTOCOL = 0x04, REJECT_NOT_SUPPORTED = 0x05,
	REJECT_TOO_MANY_IMMEDIATE = 0x06, REJECT_TASK_IN_PROGRESS = 0x07, REJECT_INVALID_ACK = 0x08,
	REJECT_INVALID_FIELD = 0x09, REJECT_RESOURCES = 0x0a, REJECT_NEGOTIATION_RESET = 0x0b,
	REJECT_WAITING_FOR_LOGOUT = 0x0c,
};

struct pdu {
	uint8_t opcode;	    /* enum pdu_opcode */
	bool immediate;	    /* I */
	uint8_t flags;	    /* byte 1, as it is */
	uint16_t ahs_length; /* bytes: four times TotalAHSLength */
	uint32_t data_length; /* bytes, without padding */
	uint64_t lun;
	uint32_t itt;	    /* initiator task tag */
	/* Initiator to target */
	uint32_t cmd_sn, exp_stat_sn;
	uint32_t transfer_tag;	   /* TTT; SNACK tag */
	uint32_t expected_length;  /* of a command */
	uint8_t cdb[16];
	uint32_t data_sn, buffer_offset;
	uint8_t function;	   /* task management, logout reason (7 bits), SNACK type (4) */
	uint32_t referenced_tag, ref_cmd_sn, exp_data_sn;
	uint32_t begin_run, run_length; /* SNACK */
	uint8_t version_max, version_min; /* login; version_active in responses: version_min */
	uint8_t isid[6];
	uint16_t tsih, cid;
	/* Target to initiator */
	uint32_t stat_sn, exp_cmd_sn, max_cmd_sn;
	/* Of SCSI, task management and logout; Status-Class of login; reason of Reject; async event. */
	uint8_t response;
	uint8_t status;		   /* SCSI status; Status-Detail of login */
	uint32_t residual;	   /* flags say over- or underflow */
	uint32_t bidi_residual;	   /* of the read of a bidirectional command */
	uint32_t r2t_sn, desired_length, exp_data_sn_out;
	uint16_t parameter[3];	   /* async message; logout: Time2Wait, Time2Retain */
	uint8_t async_vcode;
};

#define PDU_FINAL	0x80u /* F; T of login */
#define PDU_CONTINUE	0x40u /* C of login and text */
#define PDU_READ	0x40u
#define PDU_WRITE	0x20u
#define PDU_OVERFLOW	0x04u
#define PDU_UNDERFLOW	0x02u
#define PDU_STATUS	0x01u /* S of Data-In */
#define PDU_ATTRIBUTE	0x07u /* of a SCSI command */

/* Both directions. 0, or an enum pdu_reject: the opcode, I, flags, lengths and initiator task tag
 * are there all the same, so that the segments can be skipped and the PDU refused. The flags of a
 * login request are login_step()'s to check: it answers with a status, not with Reject. */
int pdu_decode(const uint8_t bhs[PDU_BHS_SIZE], struct pdu *pdu);
/* `function` is put into the flags of the PDUs that have one. */
void pdu_encode(const struct pdu *pdu, uint8_t bhs[PDU_BHS_SIZE]);
/* An opcode that initiators send. */
static inline bool pdu_is_request(uint8_t opcode)
{
	return !(opcode & 0x20);
}

/* "SCSI Command"; for log lines. */
const char *pdu_name(uint8_t opcode);

#define PDU_CDB_MAX 260u

/* What the additional header segments of a SCSI command tell (11.2.2). */
struct pdu_ahs {
	uint8_t cdb[PDU_CDB_MAX]; /* the whole CDB, zero after cdb_size */
	size_t cdb_size;	  /* 16 without an extended CDB */
	bool bidirectional;
	uint32_t read_length; /* expected, of a bidirectional command */
};
/* `segments` has command->ahs_length bytes. 0, or an enum pdu_reject. */
int pdu_parse_ahs(const struct pdu *command, const uint8_t *segments, struct pdu_ahs *ahs);

/* Sequence numbers (RFC 1982): a before b. */
static inline bool serial_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

#endif
