/* SPDX-License-Identifier: MIT */
/* An initiator of libiscsi's that keeps all that a command has been answered with. */
#ifndef TESTS_TARGET_SENSE_HOST_H
#define TESTS_TARGET_SENSE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLD_GOOD     0xff /* in place of a sense key */
#define TOLD_CONFLICT 0xfe

struct told {
	unsigned key; /* or TOLD_GOOD, TOLD_CONFLICT */
	uint16_t code;
	char flags[5]; /* of "FEID": filemark, EOM, ILI; deferred */
	bool valid, field_valid;
	int32_t information;
	uint16_t field;	  /* that is wrong */
	int64_t residual; /* negative: overflow */
};

#define CDB(...) ((const uint8_t[16]){__VA_ARGS__})
/* Of an opcode's group. */
size_t host_cdb_size(uint8_t opcode);
/* A message, with what was told last; the program ends with 1. */
void host_fail(const struct told *told, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

struct host;
/* Logs in and asks nothing, so that no unit attention is lost. NULL after a message. */
struct host *host_open(const char *portal, const char *target, const char *initiator);
void host_close(struct host **host);

/* The same initiator port ends its session, or loses its connection, and comes again; host_replace()
 * logs in before the old session has ended. False after a message. */
void host_logout(struct host *host);
void host_drop(struct host *host);
bool host_login(struct host *host);
bool host_replace(struct host *host);
/* Task management: the response; negative after a message. */
int host_manage(struct host *host, unsigned function, int lun);

/* `out` or `in` may be NULL. False after a message: there was no answer. */
bool host_run(struct host *host, int lun, const uint8_t *cdb, size_t cdb_size, const void *out,
	      size_t out_size, void *in, size_t in_size, struct told *told);

#endif
