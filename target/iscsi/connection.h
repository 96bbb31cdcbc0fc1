/* SPDX-License-Identifier: MIT */
/*
 * A connection and its session, as the files of this folder share them. A session
 * has one connection (error recovery level 0); it outlives it until the SCSI layer
 * has given all of its tasks back.
 *
 *   LOGIN -> DELAYED        [a proof from where wrong ones have come; LOGIN again after the delay]
 *   LOGIN -> WAITING        [login is through; the old session has to end first]
 *   LOGIN, WAITING -> FULL  [login_answer]
 *   any -> ENDING           [logout, failed login, fatal Reject: what is queued goes out]
 *   ENDING -> DRAINING      [all is sent: FIN; until the peer closes too]
 *   any -> BROKEN           [error, peer gone, deadline: taken away by network_settle()]
 *
 * All of it belongs to the connection's thread, except for what names its lock.
 */
#ifndef TARGET_ISCSI_CONNECTION_H
#define TARGET_ISCSI_CONNECTION_H

#include <event2/event_struct.h>
#include <sys/uio.h>

#include "target/iscsi/login.h"
#include "target/iscsi/network.h"
#include "target/iscsi/pdu.h"
#include "target/iscsi/server.h"
#include "target/scsi/scsi.h"

struct command;
struct connection;
struct guess_source;

/* ---- receiving ---------------------------------------------------------------------------- */

#define RECEIVE_BUFFER	 8192u
#define LOGIN_DATA_MAX	 8192u /* MaxRecvDataSegmentLength before it is negotiated */

/* What is done with a PDU of one opcode. */
struct request {
	/* The header is there: sets receive.data to where the data segment goes, receive.ignored to
	 * drop the PDU. 0, an enum pdu_reject, or -errno: the connection ends. */
	int (*begin)(struct connection *connection, const uint8_t *segments);
	/* All is there. As above. */
	int (*finish)(struct connection *connection);
	bool numbered;		  /* it has a CmdSN */
	bool survives_bad_digest; /* finish() is called with receive.bad_digest too */
};

enum receive_step { RECEIVE_HEADER, RECEIVE_DATA, RECEIVE_TRAILER };

struct receive {
	uint8_t buffer[RECEIVE_BUFFER]; /* headers and what came with them */
	size_t start, end;
	enum receive_step step;
	/* The PDU that is being received. */
	struct pdu pdu;
	uint8_t header[PDU_BHS_SIZE];
	const struct request *request;
	uint8_t *data;		    /* where the rest of the data goes; NULL: nowhere */
	size_t left;		    /* of the data segment */
	uint32_t crc;
	bool ignored, bad_digest;
	bool secret;		    /* no copy of the data is to stay in `buffer` */
	int reject;
	struct scsi_buffer *buffer_held; /* the data, when it is no command's */
	struct command *command;
};

/* ---- sending ------------------------------------------------------------------------------ */

#define OUTGOING_INLINE 264u /* sense with its length; the header that a Reject carries */
#define BATCH_PDUS	32u
#define BATCH_VECTORS	(3u * BATCH_PDUS + SCSI_SLICES)
#define BATCH_BYTES	(1u << 20)

/* A PDU that waits to be sent, or a command's Data-In PDUs with what ends them. */
struct outgoing {
	TAILQ_ENTRY(outgoing) link;
	struct command *command; /* whose data comes first; freed afterwards */
	struct pdu pdu;
	bool numbered; /* takes a StatSN */
	bool plain;    /* login: no digests yet */
	uint32_t size; /* of the data */
	struct scsi_buffer *buffer; /* where the data is, or NULL: here */
	uint8_t data[OUTGOING_INLINE];
};
TAILQ_HEAD(outgoing_list, outgoing);

/* What one sendmsg() takes; the next one is made when all of it is sent. */
struct batch {
	struct iovec vectors[BATCH_VECTORS];
	unsigned first, count;
	uint8_t headers[BATCH_PDUS][PDU_BHS_SIZE + 4];
	uint8_t trailers[BATCH_PDUS][8]; /* padding and digest */
	unsigned pdus;
	size_t bytes;
	struct outgoing_list done; /* whose last PDU is in it */
};

struct transmit {
	struct outgoing_list urgent, ordered;
	unsigned replies; /* queued ones that are no command's */
	struct batch batch;
};

/* ---- the connection ------------------------------------------------------------------------ */

enum connection_state {
	CONNECTION_LOGIN, CONNECTION_DELAYED, CONNECTION_WAITING, CONNECTION_FULL, CONNECTION_ENDING,
	CONNECTION_DRAINING, CONNECTION_BROKEN,
};

#define COMMAND_WINDOW	64u	 /* commands of a session at a time */
#define IMMEDIATE_MAX	16u	 /* immediate ones besides */
#define REPLIES_MAX	256u	 /* unsent answers after which the socket is not read */
#define REPLY_BYTES_MAX (4u << 20)

struct connection {
	uint32_t magic;
	struct network *network;
	struct iscsi_server *server;
	struct portal *portal;
	int fd;
	struct event reading, writing;
	bool reading_added, writing_added, unsettled;
	TAILQ_ENTRY(connection) link, unsettled_link;
	enum connection_state state;
	uint64_t deadline;  /* of the state; 0: none */
	uint64_t heard;	    /* when something came last */
	uint64_t pinged;    /* 0: no ping is under way */
	bool leaving;	    /* it has been asked to log out */
	bool counted_in_login;
	int arrival;	    /* its place in server->arrivals, then */
	struct sockaddr_storage peer, local;
	char peer_text[64];
	bool near; /* the initiator is on this host */

	struct receive receive;
	struct transmit transmit;
	size_t reply_bytes; /* of buffers in queued replies */

	struct login *login;
	/* DELAYED: the request and its text, and until when. */
	struct pdu delayed;
	struct scsi_buffer *delayed_text;
	uint64_t delayed_until;
	struct guess_source *delayed_by;
	struct pdu login_answer; /* the one that waits for the old session */
	const void *login_text; /* the login's */
	size_t login_text_size;
	struct text_exchange *text;
	struct iscsi_parameters parameters;
	struct session *session;
	uint16_t cid;
	uint8_t isid[6];

	uint32_t stat_sn, exp_cmd_sn, max_cmd_sn;
	bool skipped[COMMAND_WINDOW]; /* CmdSNs over exp_cmd_sn that ABORT TASK has told */
	unsigned outstanding;	      /* commands that take a place in the window */
};

/* ---- commands ----------------------------------------------------------------------------- */

#define R2T_MAX		8u
#define EXPECTED_MAX	((16u << 20) + (1u << 20)) /* bytes that a command may transfer */
#define SESSION_BYTES	(64u << 20) /* of data of a session's commands at a time */
#define TAG_BUCKETS	64u

enum command_state {
	COMMAND_COLLECTING, /* data-out is on its way */
	COMMAND_READY,	    /* waits for the commands before it */
	COMMAND_SUBMITTED,  /* the SCSI layer's */
	COMMAND_ANSWERING,  /* waits to be sent */
};

struct r2t {
	uint32_t tag, end, data_sn;
};

struct command {
	struct scsi_task task;
	struct message message; /* done, from another thread */
	struct outgoing answer;
	struct session *session;
	TAILQ_ENTRY(command) tag_link, order_link;
	enum command_state state;
	uint32_t itt, expected;
	bool reads, writes, immediate;
	bool told;     /* command_told(): another one may have its tag */
	bool held;     /* counts in session->held */
	bool starved;  /* has no buffer for all of its data yet */
	bool failed;   /* the answer is known: only waits for the sequences to end */
	/* Data-out */
	uint32_t received, solicited; /* bytes */
	bool unsolicited;	      /* more of it comes */
	uint32_t unsolicited_sn;
	struct r2t r2t[R2T_MAX];
	unsigned r2t_first, r2t_count;
	uint32_t r2t_sn;
	/* Data-in */
	unsigned slice;
	size_t slice_offset;
	uint32_t sent, in_sn;
};
TAILQ_HEAD(command_list, command);

struct session {
	uint32_t magic;
	struct iscsi_server *server;
	struct network *network;
	struct connection *connection; /* NULL when it is gone */
	struct offer *offer;	       /* NULL: discovery */
	struct scsi_nexus *nexus;
	uint16_t portal_group;
	struct peer peer;
	bool closing, closed;
	struct message closed_message, free_message, end_message, leave_message;
	struct command_list by_tag[TAG_BUCKETS];
	struct command_list order; /* arrived and not submitted */
	unsigned starving;	   /* commands without a buffer for all of their data */
	unsigned commands;	   /* that are not freed */
	unsigned immediates, managements;
	size_t held;
	uint32_t next_transfer_tag;
	uint64_t command_count, bytes_in, bytes_out; /* atomic */
	/* server->lock */
	TAILQ_ENTRY(session) link;
	bool end_posted, leave_posted;
	struct iscsi_session_info info;
};

/* connection.c */
void connection_accept(struct network *network, struct portal *portal, int fd, int arrival);
void connection_settle(struct connection *connection);
void connection_tick(struct connection *connection);
void connection_mark(struct connection *connection);
/* Ends it without a word. */
void connection_break(struct connection *connection);
/* No more requests; what is queued goes out, then FIN. */
void connection_end(struct connection *connection);
/* LOGIN -> DELAYED -> LOGIN, -> WAITING, -> FULL. */
void connection_delay(struct connection *connection, uint64_t until, struct guess_source *by);
void connection_go_on(struct connection *connection);
void connection_wait(struct connection *connection);
void connection_enter_full(struct connection *connection);

/* receive.c: 0 or -errno; -EPIPE when the peer has closed. */
int connection_receive(struct connection *connection);

/* send.c */
struct outgoing *outgoing_new(struct connection *connection, uint8_t opcode);
void outgoing_queue(struct connection *connection, struct outgoing *outgoing);
void outgoing_queue_urgent(struct connection *connection, struct outgoing *outgoing);
/* 0: all is sent; -EAGAIN; or -errno. */
int connection_send(struct connection *connection);
bool connection_is_sent(const struct connection *connection);
void transmit_clear(struct connection *connection);

/* session_login.c: the login phase. */
extern const struct request login_request;
/* Goes on with a proof whose delay is over. */
void connection_login_delayed(struct connection *connection);
/* Goes on with what waited for an old session. */
void connection_retry_login(struct connection *connection);

/* full.c: the full feature phase but for SCSI. */
const struct request *full_request(uint8_t opcode);
int connection_reject(struct connection *connection, uint8_t reason);
/* The request's CmdSN. 0; outside of the window: the PDU is to be ignored; -EPROTO: one is missing. */
int connection_take_number(struct connection *connection);
/* A CmdSN that will never come. */
void connection_skip_number(struct connection *connection, uint32_t cmd_sn);
/* Where the data segment goes, when it is no command's. 0, or REJECT_RESOURCES. */
int connection_hold_data(struct connection *connection);
void connection_ping(struct connection *connection);

/* async.c */
void connection_ask_to_leave(struct connection *connection);
void connection_tell_drop(struct connection *connection);

/* session.c. A status; -EAGAIN: an old session has to end first. */
int session_begin(struct connection *connection);
void session_close(struct session *session);
void session_detach(struct session *session);
void session_put(struct session *session);
/* Ends those of the offer. server->lock held. */
void sessions_leave_locked(struct iscsi_server *server, const struct offer *offer, bool at_once);
void session_refresh_info(struct session *session);
/* A session with this TSIH: 1 of this initiator port, 2 of another one, 0 none. */
int session_known(struct connection *connection, uint16_t tsih, const char *initiator);

/* command.c */
extern const struct request command_request;
struct command *session_find_command(struct session *session, uint32_t itt);
void command_free(struct command *command);
/* The PDU that carries its status is made: what it takes of the initiator's is given back, as who has the
 * status may use it again before all that is sent with it is out. */
void command_told(struct command *command);
/* The transport answers: the SCSI layer never hears of it. The answer goes out when what the
 * initiator has to send has come. */
void command_fail(struct command *command, enum sense_key key, enum sense_code code);
/* Some of its data-out has come: submits, answers or asks for more. 0 or -errno. */
int command_advance(struct command *command);
/* Submits what may go, in order; gives buffers to those that starve. */
void session_submit(struct session *session);
void session_drop_commands(struct session *session, const uint64_t *lun);

/* data_out.c */
extern const struct request data_out_request;
/* Asks for what is still to come, as far as that is allowed now. */
int command_solicit(struct command *command);

/* data_in.c */
void command_answer(struct command *command);
/* The next Data-In PDU of a command: its header, how much of the data, and whether that was all. */
bool command_next_data(struct command *command, struct pdu *pdu, uint32_t *size);
unsigned command_vectors(struct command *command, uint32_t size, struct iovec *vectors);

/* management.c */
extern const struct request task_request;

#endif
