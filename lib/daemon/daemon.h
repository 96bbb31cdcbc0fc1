/* SPDX-License-Identifier: MIT */
/*
 * daemon_main(): the one life cycle of every Granary daemon.
 *
 *   parse options -> read granary.conf -> log socket -> start() -> control socket -> READY
 *     -> event loop (control requests, signals, the daemon's own events) -> stop()
 *
 * A daemon runs in the foreground; a supervisor or --background puts it behind. Readiness is
 * told as sd_notify(3) does ($NOTIFY_SOCKET: "READY=1"), and with --background the parent
 * returns 0 only when the child is ready, or the child's exit code with its message shown.
 * SIGTERM and SIGINT stop it, SIGHUP reloads.
 *
 * Control socket: granary-control.7. Newline-delimited JSON-RPC 2.0; the peer's uid must be
 * root's or the daemon's own. Every daemon answers status, metrics, reload, log-level, stop.
 */
#ifndef LIB_DAEMON_DAEMON_H
#define LIB_DAEMON_DAEMON_H

#include <jansson.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct daemon;

/* Options are a table. Common to all: --config FILE, --root DIR, --control PATH, --background,
 * --log-level LEVEL, --log-file FILE, --help, --version. `key` is the name in the daemon's
 * section of granary.conf; the command line wins. */
enum daemon_option_kind { DAEMON_FLAG, DAEMON_STRING, DAEMON_SIZE, DAEMON_NUMBER };
struct daemon_option {
	const char *name;     /* long option, without the dashes */
	char letter;          /* or 0 */
	const char *key;      /* or NULL: command line only */
	enum daemon_option_kind kind;
	const char *argument; /* in the help text */
	const char *help;
	void *value;          /* bool *, char ** (owned by the table), uint64_t *, uint64_t * */
};

enum rpc_error {
	RPC_PARSE_ERROR = -32700, RPC_INVALID_REQUEST = -32600, RPC_NO_METHOD = -32601,
	RPC_INVALID_PARAMS = -32602, RPC_INTERNAL = -32603,
	RPC_FAILED = -32000, /* data: {"errno": N} */
};

/* A method gets its params (borrowed, an object, never NULL) and gives a new reference in
 * *result; or it fails with a -errno or an rpc_error and a message (rpc_fail). It must not take
 * long: long work is a job that is asked for its status. With `thread` set it runs on a thread
 * of its own and may block. */
struct rpc_method {
	const char *name;
	int (*call)(struct daemon *d, json_t *params, json_t **result, char message[256]);
	bool thread;
	const char *help;
};

struct daemon_class {
	const char *name;          /* "granary-fsd" */
	const char *section;       /* of granary.conf: "fsd" */
	const char *usage;         /* "STORE DIR" */
	const char *summary;       /* one line */
	int arguments_min, arguments_max;
	const struct daemon_option *options; /* ends with a NULL name */
	const struct rpc_method *methods;    /* ends with a NULL name */
	/* 0, or -errno after logging one clear sentence; the exit status is then 1 (or 2 for
	 * -EINVAL from bad arguments). */
	int (*start)(struct daemon *d);
	void (*stop)(struct daemon *d);      /* always called after a start() that returned 0 */
	/* May be NULL. granary.conf has been read again: options that the command line did not
	 * give have their new values. Threads other than the loop's never read options. */
	int (*reload)(struct daemon *d);
	void (*status)(struct daemon *d, json_t *object);  /* adds its own to the common ones */
	void (*metrics)(struct daemon *d, json_t *object); /* name -> number, flat */
};

int daemon_main(int argc, char **argv, const struct daemon_class *class);

/* Writes the message of a failed method; returns `code`. */
__attribute__((format(printf, 3, 4))) int rpc_fail(char message[256], int code, const char *format,
						   ...);
/* A param by its name: 0 and its value (borrowed), or RPC_INVALID_PARAMS and a message. */
int rpc_param_string(json_t *params, const char *name, const char **value, char message[256]);
int rpc_param_number(json_t *params, const char *name, uint64_t *value, char message[256]);
/* Names on a disk are bytes, JSON is UTF-8: what is not valid comes as \\xNN. NULL without memory. */
json_t *rpc_text(const char *bytes);

/* For the callbacks. */
int daemon_argument_count(const struct daemon *d);
const char *daemon_argument(const struct daemon *d, int n);
struct event_base *daemon_event_base(struct daemon *d);
void *daemon_data(const struct daemon *d);
void daemon_set_data(struct daemon *d, void *data);
/* Ends the loop, from any thread; `exit_status` is main's. */
void daemon_stop(struct daemon *d, int exit_status);
/* True once it has been told to end: long work stops at the next safe place. Any thread. */
bool daemon_is_stopping(const struct daemon *d);
/* Calls `run` on the loop's thread, from any thread. What is posted before the loop ends is
 * called even when the loop has ended, before class->stop(). */
void daemon_post(struct daemon *d, void (*run)(struct daemon *d, void *context), void *context);
/* --root's folder, or NULL. */
const char *daemon_root(const struct daemon *d);
/* start() may replace the path of the control socket before it is made (granary-fsd:
 * STORE/control.sock unless --control). */
void daemon_set_control(struct daemon *d, const char *path);

/* ---- the other end, for the CLI and tests ---- */
struct rpc_client;
/* -errno of the connection. */
int rpc_connect(const char *socket_path, struct rpc_client **client);
void rpc_close(struct rpc_client **client);
/* 0 and a new reference in *result; or -errno (connection) or an rpc_error, and a message. */
int rpc_call(struct rpc_client *client, const char *method, json_t *params, json_t **result,
	     char message[256]);

/* Waits until the daemon ends the connection: after "stop" it is done then. */
void rpc_wait_end(struct rpc_client *client);

#endif
