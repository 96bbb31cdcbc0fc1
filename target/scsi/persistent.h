/* SPDX-License-Identifier: MIT */
/* PERSISTENT RESERVE OUT: what its command and its service actions share. */
#ifndef TARGET_SCSI_PERSISTENT_H
#define TARGET_SCSI_PERSISTENT_H

#include "target/scsi/reserve.h"

#define PERSISTENT_LIST_SIZE 24u

enum persistent_action {
	ACTION_REGISTER, ACTION_RESERVE, ACTION_RELEASE, ACTION_CLEAR, ACTION_PREEMPT,
	ACTION_PREEMPT_ABORT, ACTION_REGISTER_IGNORE, ACTION_MOVE,
};

struct persistent_request {
	struct scsi_lu *lu;
	struct scsi_task *task;
	struct scsi_target *target;
	struct scsi_reservation *reservation;
	const uint8_t *list;
	size_t size;
	uint64_t key, action_key; /* RESERVATION KEY, SERVICE ACTION RESERVATION KEY */
	uint8_t scope, type;
	size_t own; /* index of the nexus' registration, or NOT_REGISTERED */
	bool abort;
	bool taken; /* a reservation stands now in the place of another nexus', which was preempted */
};

/* The locks of target and unit are held; what is said is in the task. */
struct persistent_service {
	void (*run)(struct persistent_request *request);
	bool unregistered; /* needs no registration, and looks at the key itself */
	bool abort;
	uint8_t keep_byte; /* of the list: its bit 0 is APTPL; 0: it has none */
};
extern const struct persistent_service persistent_actions[];

#endif
