/* SPDX-License-Identifier: MIT */
/*
 * What the files of the SCSI layer share, and nobody else sees: the inside of
 * units, nexuses and targets.
 *
 * A command that runs has a runner on the stack of its thread, in the unit's
 * list from scsi_submit() until after its done(). Aborts find it there, and
 * wait for it by its serial number. The worker runs a copy of the task, because
 * a command that answers early goes on after the transport has its task back.
 */
#ifndef TARGET_SCSI_UNIT_H
#define TARGET_SCSI_UNIT_H

#include "target/scsi/scsi.h"

#define SCSI_TARGET_MAGIC	0x53545254u
#define SCSI_NEXUS_MAGIC	0x534e4558u
#define SCSI_UNIT_MAGIC		0x53554e49u
#define SCSI_QUEUE_MAX		256u /* commands that wait in a unit */
#define SCSI_ATTENTIONS		16u  /* unit attentions that wait for a nexus in a unit */
#define SCSI_KNOWN_PORTS_MAX	1024u
#define SCSI_ECHO_MAX		4096u /* bytes of an echo buffer */

TAILQ_HEAD(scsi_task_list, scsi_task);

/* What a unit keeps for a nexus; under lu->lock. */
struct scsi_itl {
	uint16_t attentions[SCSI_ATTENTIONS];
	unsigned attention_count;
	bool has_deferred, prevents, preempted; /* preempted: PREEMPT AND ABORT has to end its tasks */
	bool cleared; /* another nexus has aborted a task of it; under the unit's queue lock */
	struct sense deferred;
	uint8_t *echo; /* of WRITE BUFFER; SCSI_ECHO_MAX bytes, or NULL */
	size_t echo_size;
};

struct scsi_nexus {
	uint32_t magic;
	unsigned references; /* atomic: the session and its tasks */
	bool closing;	     /* atomic */
	struct scsi_target *target;
	struct scsi_ports ports;
	void (*closed)(void *context);
	void *closed_context;
	TAILQ_ENTRY(scsi_nexus) link; /* target->lock */
	struct scsi_itl itl[SCSI_LUNS];
};

/* An initiator port that has been here since the start: its next session has had a nexus loss. */
struct scsi_known_port {
	TAILQ_ENTRY(scsi_known_port) link;
	struct scsi_ports ports;
};

struct scsi_target {
	uint32_t magic;
	pthread_mutex_t lock;
	char name[SCSI_NAME_MAX];
	uint8_t uuid[16];
	struct scsi_buffer_pool *pool;
	struct scsi_lu *lus[SCSI_LUNS];
	TAILQ_HEAD(, scsi_nexus) nexuses;
	TAILQ_HEAD(scsi_known_port_list, scsi_known_port) known; /* the latest first */
	unsigned known_count;
};

struct scsi_runner {
	TAILQ_ENTRY(scsi_runner) link;
	struct scsi_task *task;	  /* what an abort can still reach; NULL when it is answered */
	struct scsi_nexus *nexus; /* to compare with */
	uint64_t serial;
	bool aborted;
	bool task_aborted_status; /* another nexus did it, and TAS is set */
};

/* Part of an abort: waits for a unit's runners that were aborted and are older than it. */
struct scsi_waiter {
	TAILQ_ENTRY(scsi_waiter) link;
	struct scsi_operation *operation;
	uint64_t serial;
};
TAILQ_HEAD(scsi_waiter_list, scsi_waiter);

/* A turn of the worker that is not a command. */
struct scsi_job {
	struct scsi_task task;
	void (*run)(struct scsi_lu *lu, struct scsi_job *job);
};

struct scsi_reservation {
	const struct scsi_nexus *holder; /* of RESERVE (SPC-2); or NULL */
	/* Persistent ones. */
	struct scsi_registration *registrations;
	size_t count, capacity;
	uint32_t generation;
	uint8_t type;	 /* 0: none */
	size_t owner;	 /* index of the registration that holds it; not of the all registrants types */
	bool kept;	 /* APTPL: the keeper has it */
};

struct scsi_mode_value {
	const struct scsi_mode_page *page;
	uint8_t *current;
};

#define SCSI_SELF_TESTS 20u
struct scsi_self_test {
	uint8_t code;	/* of SEND DIAGNOSTIC */
	uint16_t hours; /* since the unit was made */
};

struct scsi_unit {
	uint32_t magic;
	pthread_mutex_t queue_lock;
	pthread_cond_t changed; /* the queue, busy, runners */
	/* queue_lock */
	struct scsi_task_list queue;
	unsigned queued;
	bool busy, stopping, removed;
	uint64_t serial;
	TAILQ_HEAD(, scsi_runner) runners;
	struct scsi_waiter_list waiters;
	struct scsi_runner *worker_runner; /* while the worker runs a command */
	pthread_t worker;
	struct scsi_task copy; /* the worker's */
	/* Constant */
	const struct scsi_opcode **rows; /* sorted by opcode and service action */
	size_t row_count;
	const struct scsi_keeper *keeper; /* or NULL */
	uint64_t made_ns; /* clock_monotonic_ns() */
	/* lu->lock */
	struct scsi_mode_value *modes; /* sorted by code and subpage, page 00h last */
	size_t mode_count;
	bool sense_descriptor, task_aborted_status; /* D_SENSE, TAS; atomic */
	struct scsi_reservation reservation;
	unsigned prevents; /* nexuses that prevent removal */
	bool has_deferred; /* for whoever comes first */
	struct sense deferred;
	struct scsi_self_test self_tests[SCSI_SELF_TESTS]; /* the latest first */
	unsigned self_test_count;
	uint64_t alerts; /* TapeAlert flags that are raised: target/scsi/alerts.h */
	TAILQ_HEAD(, scsi_alert_reader) alert_readers; /* who has read some of them, the longest first */
	unsigned alert_reader_count;
	bool timestamp_set;
	int64_t timestamp_offset; /* ms to add to the host's clock */
};

/* ---- units and their queues: lu.c queue.c ---- */
/* After the done() of the task. */
void unit_leave(struct scsi_lu *lu, struct scsi_runner *runner);
void *unit_worker(void *lu);
/* Puts a job into the queue: at its head, or in turn. */
void unit_add_job(struct scsi_lu *lu, struct scsi_job *job, bool first);
void nexus_hold(struct scsi_nexus *nexus);
void nexus_put(struct scsi_nexus *nexus);
/* NULL: no such unit. target->lock held. */
struct scsi_lu *target_find_locked(struct scsi_target *target, uint64_t lun);

/* ---- one command: dispatch.c ---- */
/* Finds the row and checks the CDB; false: the task is answered. */
bool command_accept(struct scsi_lu *lu, struct scsi_task *task);
/* Unit attentions, deferred errors, reservations; then the command. */
void command_run(struct scsi_lu *lu, struct scsi_task *task);
/* For a LUN that is not there. */
void command_run_missing(struct scsi_task *task);
/* NULL: unknown. *known: the opcode is there, with other service actions. */
const struct scsi_opcode *command_find(const struct scsi_opcode *const *rows, size_t count,
				       const uint8_t *cdb, bool *known);
int command_table_new(const struct scsi_class *class, const struct scsi_opcode ***rows, size_t *count);
extern const struct scsi_opcode scsi_common_opcodes[];

/* ---- reservations: reserve.c ---- */
bool reservation_conflicts_locked(const struct scsi_lu *lu, const struct scsi_task *task);

/* ---- unit attentions: attention.c; lu->lock held where it says so ---- */
struct scsi_itl *itl_of(const struct scsi_task *task);
void attention_add_locked(struct scsi_itl *itl, enum sense_code code);
/* Takes what REQUEST SENSE or the next command is to tell; false: nothing. */
bool attention_take_locked(struct scsi_lu *lu, struct scsi_itl *itl, struct sense *sense);
void attention_forget_locked(struct scsi_itl *itl, enum sense_code code);
/* The target of a unit, locked; NULL: it is in none. */
struct scsi_target *lu_lock_target(struct scsi_lu *lu);

/* ---- TapeAlert: alerts.c ---- */
/* When the unit is freed. */
void alert_readers_free(struct scsi_unit *unit);

/* ---- aborts: manage.c ---- */
/* PREEMPT AND ABORT: the tasks of a nexus in a unit; does not wait. */
void unit_abort_nexus(struct scsi_lu *lu, const struct scsi_nexus *nexus, struct scsi_nexus *by);
/* The same for a session that ends: the tasks go to `list`, for unit_end_aborted(). */
void unit_close_nexus(struct scsi_lu *lu, const struct scsi_nexus *nexus, struct scsi_task_list *list);
void unit_end_aborted(struct scsi_task_list *list);
/* The operations whose waiters have nothing left to wait for: to be ended without locks. */
void unit_collect_waiters_locked(struct scsi_unit *unit, struct scsi_waiter_list *done);
void operation_end_waiters(struct scsi_waiter_list *done);

#endif
