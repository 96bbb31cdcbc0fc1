/* SPDX-License-Identifier: MIT */
/*
 * SCSI as a device sees it (SAM-6): targets with logical units, nexuses with
 * initiators, tasks, and the order in which they run.
 *
 *   transport --scsi_submit()--> [LUN, CDB, unit attention, reservation checks]
 *        ^                          |               |
 *        |                     may wait?            | no, and the unit is free
 *        |                          v               v
 *        |                unit's worker thread    run() on the transport's thread
 *        +------- task->done() ------+---------------+
 *
 * One command at a time runs on a unit, in the order of arrival (SIMPLE and
 * ORDERED alike; HEAD OF QUEUE goes first). A command that may wait (for the
 * cartridge's files) runs on the unit's worker; everything else runs at once on
 * the thread that submits it, if nothing is before it. So the thread of the
 * network never waits, and a WRITE that finds room costs no change of thread.
 *
 * Locks, in this order: target -> unit's queue -> unit's state (lu->lock). run() is
 * called with none held and takes lu->lock for what commands marked
 * SCSI_WHILE_BUSY, unit attentions and the control socket may read meanwhile. Nobody waits
 * for anything with lu->lock held: the network's threads take it.
 */
#ifndef TARGET_SCSI_SCSI_H
#define TARGET_SCSI_SCSI_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "target/scsi/buffer.h"
#include "target/scsi/sense.h"

#define SCSI_CDB_MAX	260u
#define SCSI_NAME_MAX	224u /* of an iSCSI name, with its NUL */
#define SCSI_SLICES	40u
#define SCSI_LUNS	64u  /* LUN 0 to 63 of a target */

enum scsi_status {
	SCSI_GOOD = 0x00, SCSI_CHECK_CONDITION = 0x02, SCSI_BUSY = 0x08,
	SCSI_RESERVATION_CONFLICT = 0x18, SCSI_TASK_SET_FULL = 0x28, SCSI_TASK_ABORTED = 0x40,
};

enum scsi_attribute { SCSI_SIMPLE, SCSI_ORDERED, SCSI_HEAD_OF_QUEUE, SCSI_ACA };

struct scsi_target;
struct scsi_lu;
struct scsi_nexus;
struct scsi_log;

/* ---- a task --------------------------------------------------------------------------- */

struct scsi_task {
	/* The transport's, set before scsi_submit(). */
	struct scsi_nexus *nexus;
	uint64_t lun; /* the eight bytes of the LUN field, big-endian (SAM-6 4.7) */
	uint64_t tag; /* of the initiator; one of a kind within the nexus */
	enum scsi_attribute attribute;
	uint8_t cdb[SCSI_CDB_MAX]; /* zero after cdb_size */
	size_t cdb_size;
	struct scsi_buffer *out; /* all of the data-out, out->size bytes, or NULL; a command may TAKE it */
	size_t in_room;		 /* bytes of data-in that the initiator expects at most */
	/* Called exactly once for each scsi_submit(), on any thread, maybe before that returns: the
	 * task is the transport's again. With `aborted` no status is to be sent, unless `status` is
	 * SCSI_TASK_ABORTED (another nexus caused it and the TAS bit is set). */
	void (*done)(struct scsi_task *task);

	/* The command's. */
	enum scsi_status status;
	struct sense sense; /* with CHECK CONDITION */
	bool sense_descriptor; /* for sense_encode(): the unit's D_SENSE bit */
	bool tells_earlier; /* the sense is of what became of earlier commands: scsi_check_earlier() */
	struct scsi_slice in[SCSI_SLICES]; /* data-in, in order; in_size is never more than in_room */
	unsigned in_count;
	size_t in_size;
	uint64_t in_wanted;  /* bytes that the command had to give, before in_room cut them */
	uint64_t out_wanted; /* bytes of data-out that the CDB asks for; for the residual */
	uint64_t out_taken;  /* of those, what it has used; counts where the status is not GOOD */

	/* The SCSI layer's. */
	struct scsi_lu *lu;
	const struct scsi_opcode *row;
	struct scsi_task *original;   /* of the copy that the worker runs */
	struct scsi_job *job;	      /* of scsi_lu_call() and resets; row is NULL */
	TAILQ_ENTRY(scsi_task) link;  /* unit's queue */
	bool aborted;
};

/* Clears a task for the next command; releases what it holds. */
void scsi_task_clear(struct scsi_task *task);

/* What run() answers with. Each sets status and sense; the last call counts. */
void scsi_good(struct scsi_task *task);
void scsi_check(struct scsi_task *task, enum sense_key key, enum sense_code code);
void scsi_check_sense(struct scsi_task *task, const struct sense *sense);
/* The same for what became of commands that were answered long ago. Should this one be aborted, so that
 * nobody hears of it, it is told as a deferred error. */
void scsi_check_earlier(struct scsi_task *task, const struct sense *sense);
/* 24/00 with a field pointer to a bit (8: the whole byte) of the CDB. */
void scsi_invalid_cdb(struct scsi_task *task, unsigned byte, unsigned bit);
/* 26/00 with a field pointer into the parameter list. */
void scsi_invalid_parameter(struct scsi_task *task, unsigned byte, unsigned bit);

/* Data-in from memory: the first min(size, allocation, in_room) bytes are copied. 0, or -ENOMEM
 * with a CHECK CONDITION set. */
int scsi_reply(struct scsi_task *task, const void *data, size_t size, uint64_t allocation);
/* Data-in by reference; more slices than there are room for, or bytes over in_room, are cut. */
void scsi_reply_slice(struct scsi_task *task, struct scsi_buffer *buffer, size_t offset, size_t size);
/* The parameter list: its bytes, of which at least `size` must be there: else 1Ah/00 is set and
 * NULL returned. */
const uint8_t *scsi_parameters(struct scsi_task *task, size_t size);
/* IMMED: status GOOD goes out now; the command goes on and what it says later is dropped. False where
 * it does not run on the worker: then it is answered at its end, as any other. */
bool scsi_finish_early(struct scsi_task *task);
/* True when the task has been aborted meanwhile: a long command may stop at the next safe place. */
bool scsi_is_aborted(const struct scsi_task *task);

/* ---- commands: tables ----------------------------------------------------------------- */

enum scsi_opcode_flags {
	SCSI_KEEPS_ATTENTION = 1 << 0, /* INQUIRY, REPORT LUNS, REQUEST SENSE: a pending UA stays */
	SCSI_WHILE_BUSY = 1 << 1,      /* may run beside a command of the worker */
	/* Under another nexus' reservation (SPC-5 table 72 and SSC-5, SMC-3): */
	SCSI_IF_RESERVED = 1 << 2,     /* always allowed */
	SCSI_IF_WRITE_EXCLUSIVE = 1 << 3, /* allowed under the write exclusive types */
	SCSI_IF_PERSISTENT = 1 << 5,   /* always allowed under persistent ones, not under RESERVE */
	SCSI_NO_LU = 1 << 4,	       /* also answered for a LUN that is not there */
};

struct scsi_opcode {
	uint8_t opcode;
	bool has_action;
	uint16_t action; /* service action, in byte 1 bits 4-0 (or 8-9 of a 32-byte CDB) */
	uint8_t length;	 /* of the CDB */
	/* REPORT SUPPORTED OPCODES' usage data: bits that mean something. A bit outside of it that is
	 * set is 24/00, except bits 7-5 of byte 1 of a 6 or 10 byte CDB (old drivers send the LUN). */
	uint8_t usage[16];
	uint16_t timeout; /* seconds: recommended; nominal is the half of it */
	uint8_t flags;
	const char *name; /* of the standard: "READ(6)" */
	/* Runs the command; none of the locks is held; when it returns the task is done. */
	void (*run)(struct scsi_lu *lu, struct scsi_task *task);
	/* True when run() might wait now; NULL: never. Called by whoever has the unit. */
	bool (*waits)(struct scsi_lu *lu, const struct scsi_task *task);
	/* SCSI_IF_RESERVED only for CDBs that have these bits in this byte (CURDATA of READ ELEMENT
	 * STATUS); 0: for all. */
	uint8_t reserved_byte, reserved_bits;
};

/* VPD, mode and log pages: the functions run with none of the locks held, and must not wait. Those
 * of mode and log pages have the unit (no other command runs, but for SCSI_WHILE_BUSY ones); INQUIRY
 * may run beside others, so VPD pages take lu->lock for what changes.
 *
 * Bytes of a VPD page after its four bytes of header; negative: the page is not there now. */
struct scsi_vpd_page {
	uint8_t code;
	int (*build)(struct scsi_lu *lu, uint8_t *data, size_t room);
};

/* A mode page. The framework keeps the current values (all nexuses share them), answers MODE SENSE
 * with current, default and changeable ones, refuses MODE SELECT of bits that `changeable` does not
 * have, and raises 2A/01 for the others. `check` may refuse values (0, or the offset in the page of
 * the field that is wrong, negated minus one); `refresh` fills in what is live before it is read. */
struct scsi_mode_page {
	uint8_t code, subpage; /* subpage not 0: SPF header */
	uint16_t length;       /* of the whole page, with its header */
	const uint8_t *defaults, *changeable;
	int (*check)(struct scsi_lu *lu, const uint8_t *page);
	void (*changed)(struct scsi_lu *lu, const uint8_t *page);
	void (*refresh)(struct scsi_lu *lu, uint8_t *page);
	/* Of a page that each nexus has for itself (SPC-5 6.13, mode page policy), instead of the two: the
	 * device keeps its values, and nobody else is told when they change. 0 or -ENOMEM. */
	int (*nexus_changed)(struct scsi_lu *lu, const struct scsi_nexus *nexus, const uint8_t *page);
	void (*nexus_refresh)(struct scsi_lu *lu, const struct scsi_nexus *nexus, uint8_t *page);
};

/* A log page: `build` adds its parameters to the log (target/scsi/log_page.h). */
struct scsi_log_page {
	uint8_t code, subpage;
	void (*build)(struct scsi_lu *lu, struct scsi_log *log);
	void (*reset)(struct scsi_lu *lu); /* LOG SELECT with PCR; or NULL */
	/* The first `size` bytes of what was built have found room with this initiator. Or NULL. */
	void (*told)(struct scsi_lu *lu, const struct scsi_nexus *nexus, const uint8_t *data, size_t size);
};

enum scsi_reset { SCSI_RESET_LU, SCSI_RESET_TARGET, SCSI_RESET_POWER_ON };

struct scsi_class {
	uint8_t device_type;	 /* SPC-5 table 148: 01h tape, 08h changer */
	bool removable;
	/* Of the type, ends with run == NULL. The common ones are added, but for those whose opcode and
	 * service action the type has itself. */
	const struct scsi_opcode *opcodes;
	const struct scsi_vpd_page *vpd_pages;   /* besides 00h 80h 83h 86h; ends with code 0 */
	const struct scsi_mode_page *mode_pages; /* ends with length 0 */
	const struct scsi_log_page *log_pages;   /* besides 00h; ends with build == NULL */
	const uint16_t *versions;  /* version descriptors of INQUIRY, all of them; ends with 0 */
	/* TEST UNIT READY: sets a CHECK CONDITION, or leaves the task GOOD. With lu->lock held. */
	void (*ready)(struct scsi_lu *lu, struct scsi_task *task);
	/* The mode parameter header's medium type and device-specific byte, and block descriptor. */
	void (*mode_header)(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific,
			    uint8_t descriptor[8], size_t *descriptor_size);
	/* A block descriptor of MODE SELECT; 0 or the offset of the wrong field, negated minus one. */
	int (*mode_descriptor)(struct scsi_lu *lu, const uint8_t descriptor[8]);
	/* MODE SELECT's device-specific byte (buffered mode, speed); with `change` false it is checked
	 * only. 0, or -1 refuses it. NULL: it is ignored. */
	int (*mode_device_specific)(struct scsi_lu *lu, uint8_t device_specific, bool change);
	/* What INQUIRY says more: vendor-specific bytes 36-55, flags. NULL: nothing. */
	void (*inquiry)(struct scsi_lu *lu, uint8_t data[96]);
	/* The same of VPD page 86h, without its header. */
	void (*inquiry_extended)(struct scsi_lu *lu, uint8_t data[60]);
	/* May wait; on the worker. The reservations and prevents of the SCSI layer are cleared by it. */
	void (*reset)(struct scsi_lu *lu, enum scsi_reset kind);
	/* A nexus is gone: PREVENT and whatever else is kept for each. With lu->lock held. */
	void (*nexus_lost)(struct scsi_lu *lu, struct scsi_nexus *nexus);
	/* A persistent reservation has ended, or was taken over (`preempted`). With lu->lock held. Returns the
	 * unit attention that all but who did it are told, or ASC_NONE. NULL: nothing hangs on it. */
	enum sense_code (*reservation_lost)(struct scsi_lu *lu, bool preempted);
};

/* The common MODE SELECT(6) and (10), for a type whose own rows have something to do before. */
void scsi_mode_select(struct scsi_lu *lu, struct scsi_task *task);

/* ---- logical units ---------------------------------------------------------------------- */

/* Who a unit says that it is; stored when the library is created. */
struct scsi_identity {
	char vendor[9], product[17], revision[5];
	char serial[33];
	uint8_t naa[8];		/* NAA 5h or 6h..., as in VPD 83h */
	uint8_t uuid[16];
};

struct scsi_lu {
	const struct scsi_class *class;
	struct scsi_target *target;
	uint8_t number; /* LUN */
	struct scsi_identity identity;
	pthread_mutex_t lock; /* the unit's state: all that the device keeps, mode pages, reservations */
	void *device;	      /* struct drive, struct changer */
	struct scsi_unit *unit; /* the SCSI layer's own */
};

/* A unit without a place yet; its worker runs. 0, -ENOMEM, -EAGAIN (no thread). */
int scsi_lu_new(const struct scsi_class *class, const struct scsi_identity *identity, void *device,
		struct scsi_lu **lu);
/* After scsi_target_remove(); waits for what runs. */
void scsi_lu_free(struct scsi_lu **lu);
/* Establishes a unit attention for every nexus but `except` (may be NULL). lu->lock not held. */
void scsi_attention(struct scsi_lu *lu, const struct scsi_nexus *except, enum sense_code code);
/* A deferred error: told once, with the next command of the nexus that wrote (NULL: of any). */
void scsi_deferred(struct scsi_lu *lu, const struct scsi_nexus *nexus, const struct sense *sense);
/* A mode page's current values. lu->lock held. */
const uint8_t *scsi_mode_values_locked(struct scsi_lu *lu, uint8_t code, uint8_t subpage);
/* Runs `job` on the worker in turn with the commands, as if it were one (operator's load, flush at
 * stop); from any thread; waits until it has run. */
int scsi_lu_call(struct scsi_lu *lu, int (*job)(struct scsi_lu *lu, void *context), void *context);
/* PREVENT ALLOW MEDIUM REMOVAL is kept for each nexus by the SCSI layer. lu->lock held. */
bool scsi_removal_prevented_locked(const struct scsi_lu *lu);

/* ---- persistent reservations that outlive the process (APTPL, SPC-5 5.14.5) ---------------- */

#define SCSI_REGISTRATIONS_MAX 256u

/* An initiator port and a target port. Every session of this port has a nexus of its own, one after
 * another; what is kept for the two ports outlives them (RFC 7143 4.4). */
struct scsi_ports {
	char initiator[SCSI_NAME_MAX]; /* the iSCSI name; with the ISID it is the initiator port */
	uint8_t isid[6];
	uint16_t portal_group; /* of the target: the target port */
};

/* A registration of PERSISTENT RESERVE OUT. */
struct scsi_registration {
	struct scsi_ports ports;
	uint64_t key;
};

struct scsi_kept {
	const struct scsi_registration *registrations;
	size_t count;
	uint8_t type; /* of the reservation; 0: there is none */
	size_t owner; /* index of the registration that holds it; 0 where all do */
};

struct scsi_keeper {
	/* What has to be there after a power loss; nothing, where count is 0. Called before the
	 * command is answered, on the unit's worker with none of the locks held. -errno: the command
	 * fails, and nothing has changed. */
	int (*save)(void *context, const struct scsi_lu *lu, const struct scsi_kept *kept);
	void *context;
};
/* Before the unit is in a target; without a keeper APTPL is refused. *keeper stays the caller's. */
void scsi_lu_keep(struct scsi_lu *lu, const struct scsi_keeper *keeper);
/* What had been saved; before the unit is in a target. -EINVAL for what cannot have been, -ENOMEM. */
int scsi_lu_restore(struct scsi_lu *lu, const struct scsi_kept *kept);

/* ---- targets and nexuses ------------------------------------------------------------------ */

/* `name`: its iSCSI name, copied, of less than SCSI_NAME_MAX bytes. Without units. */
struct scsi_target *scsi_target_new(const char *name, const uint8_t uuid[16]);
/* All nexuses are closed, all units removed and freed. */
void scsi_target_free(struct scsi_target **target);
const char *scsi_target_name(const struct scsi_target *target);
/* 0, -EEXIST. The others' nexuses are told (3Fh/0Eh). */
int scsi_target_add(struct scsi_target *target, uint8_t number, struct scsi_lu *lu);
/* What waits in its queue is answered as for a LUN that is not there; what runs goes on. The unit stays
 * the caller's. */
void scsi_target_remove(struct scsi_target *target, uint8_t number);
/* NULL: there is none. */
struct scsi_lu *scsi_target_lu(struct scsi_target *target, uint8_t number);
/* A reset of all its units, waited for. */
void scsi_target_reset(struct scsi_target *target);

struct scsi_port {
	const char *initiator;	  /* iSCSI name */
	uint8_t isid[6];	  /* of the session: the initiator port (RFC 7143 4.4) */
	uint16_t portal_group;	  /* of the target port */
};
/* The session begins; power on or nexus loss unit attentions are raised as SAM says. */
int scsi_nexus_open(struct scsi_target *target, const struct scsi_port *port, struct scsi_nexus **nexus);
/* The session is over (I_T nexus loss): its tasks are aborted, RESERVE and PREVENT go; persistent
 * registrations stay. Does not wait: closed() is called, on any thread, when the last task of the
 * nexus is done; the nexus is no more then. */
void scsi_nexus_close(struct scsi_nexus *nexus, void (*closed)(void *context), void *context);
/* The two of its session. */
const struct scsi_ports *scsi_nexus_ports(const struct scsi_nexus *nexus);
bool scsi_ports_equal(const struct scsi_ports *a, const struct scsi_ports *b);
/* The session ends: class->nexus_lost() has been called for it, or will find what is kept for it now.
 * With lu->lock held; who keeps something for the nexus of a command that has waited asks before, and
 * keeps nothing where it is true: the pointer may be another's soon. */
bool scsi_nexus_is_closing_locked(const struct scsi_nexus *nexus);

/* Any thread. done() may be called before this returns. */
void scsi_submit(struct scsi_task *task);
/* The data-out of this CDB may be a key: its buffers are to be marked `secret`, whether the command
 * is known, allowed, run or not. scsi_submit() marks task->out itself. */
bool scsi_brings_secret(const uint8_t *cdb);

/* Task management (SAM-6 7, RFC 7143 11.5.1). */
enum scsi_management {
	SCSI_ABORT_TASK = 1, SCSI_ABORT_TASK_SET = 2, SCSI_CLEAR_ACA = 3, SCSI_CLEAR_TASK_SET = 4,
	SCSI_LU_RESET = 5, SCSI_TARGET_WARM_RESET = 6, SCSI_TARGET_COLD_RESET = 7,
};
enum scsi_response { /* RFC 7143 11.6.1 */
	SCSI_FUNCTION_COMPLETE = 0, SCSI_NO_TASK = 1, SCSI_NO_LUN = 2, SCSI_NOT_SUPPORTED = 5,
	SCSI_REJECTED = 255,
};
struct scsi_management_request {
	struct scsi_nexus *nexus;
	enum scsi_management function;
	uint64_t lun, tag; /* tag: of ABORT TASK */
	/* Called once, on any thread, after the done() of every task that this aborted: what had not
	 * begun is as if it had never come, what ran has ended, and the position says so. */
	void (*done)(struct scsi_management_request *request, enum scsi_response response);
	void *context;
};
/* The request is the caller's, and stays until its done(). Tasks of other nexuses that CLEAR TASK SET
 * or a reset ends get TASK ABORTED or a unit attention as the control mode page's TAS bit says. */
void scsi_manage(struct scsi_management_request *request);

#endif
