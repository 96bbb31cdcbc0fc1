/* SPDX-License-Identifier: MIT */
/*
 * The control socket. Everything here runs on the loop's thread.
 *
 * A connection answers its requests in their order: while one runs on a thread
 * (job.c), the lines behind it wait in the input buffer, which takes no more
 * than CONTROL_LINE_MAX bytes. A peer that does not read its answers is not
 * served either: nothing is begun while more than CONTROL_OUTPUT_MAX waits.
 *
 *   connected -> serving [line] -> waiting for a job [job done] -> serving
 *             -> ending [end of input, bad peer] -> closed when the output is out
 */
#include "lib/daemon/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/daemon/job.h"
#include "lib/daemon/methods.h"
#include "lib/daemon/request.h"
#include "lib/daemon/socket.h"
#include "lib/daemon/state.h"

#define CONTROL_OUTPUT_MAX   (1u << 20)
#define CONTROL_IDLE_SECONDS 600 /* without a request */
#define CONTROL_SEND_SECONDS 30	 /* without reading an answer */

struct connection {
	struct control *control;
	struct bufferevent *stream;
	struct job *job; /* under way */
	bool ending;	 /* closed when its answers are out */
	bool refused;	 /* what it sends is thrown away */
	TAILQ_ENTRY(connection) link;
};

struct control {
	struct daemon *daemon;
	char *path;
	struct stat identity; /* of the socket's name, to remove no one else's */
	int fd;
	struct event *acceptable, *retry;
	TAILQ_HEAD(, connection) connections;
	unsigned connection_count, job_count;
	struct job *jobs; /* all that have been started and not yet answered */
	bool quiet;
	struct control_stats stats;
};

static void connection_serve(struct connection *n);

static void connection_free(struct connection *n)
{
	struct control *c = n->control;
	if (n->job)
		n->job->owner = NULL;
	TAILQ_REMOVE(&c->connections, n, link);
	c->connection_count--;
	bufferevent_free(n->stream);
	free(n);
}

/* Takes the line. */
static void connection_send(struct connection *n, char *line, size_t size)
{
	if (!line || bufferevent_write(n->stream, line, size) < 0)
		n->ending = true; /* out of memory: an end is better than a missing answer */
	free(line);
}

static void connection_answer(struct connection *n, const struct request *r, int error,
			      json_t *result, const char *message)
{
	size_t size = 0;
	char *line;
	if (error)
		n->control->stats.failures++;
	if (r->notification)
		return;
	if (error) {
		line = request_answer_error(r, error, message, &size);
	} else {
		line = request_answer(r, result, &size);
		if (!line)
			line = request_answer_error(r, RPC_INTERNAL, "the answer is no JSON",
						    &size);
	}
	connection_send(n, line, size);
}

static void control_job_done(struct job *job, void *context)
{
	struct control *c = context;
	struct connection *n = job->owner;
	struct job **p = &c->jobs;
	while (*p != job)
		p = &(*p)->next;
	*p = job->next;
	c->job_count--;
	if (n) {
		n->job = NULL;
		connection_answer(n, &job->request, job->error, job->result, job->message);
	}
	job_free(&job);
	if (n)
		connection_serve(n);
}

/* On a thread: 0 when it runs, or an error to answer. */
static int connection_start_job(struct connection *n, const struct rpc_method *method,
				struct request *r, char message[256])
{
	struct control *c = n->control;
	if (c->job_count >= CONTROL_JOBS_MAX)
		return rpc_fail(message, -EBUSY, "too many requests are under way");
	int error = job_start(c->daemon, method, r, control_job_done, c, &n->job);
	if (error)
		return rpc_fail(message, error, "no thread: %s", strerror(-error));
	n->job->owner = n;
	n->job->next = c->jobs;
	c->jobs = n->job;
	c->job_count++;
	return 0;
}

static void connection_request(struct connection *n, const char *line, size_t size)
{
	struct control *c = n->control;
	struct request r;
	char message[256] = "";
	json_t *result = NULL;
	c->stats.requests++;
	int error = request_parse(line, size, &r, message);
	const struct rpc_method *method = error ? NULL : methods_find(c->daemon, r.method);
	if (!error && !method)
		error = rpc_fail(message, RPC_NO_METHOD, "no such method");
	if (method && method->thread)
		error = connection_start_job(n, method, &r, message);
	else if (method)
		error = method->call(c->daemon, r.params, &result, message);
	if (!n->job)
		connection_answer(n, &r, error, result, message);
	json_decref(result);
	request_clear(&r);
}

static void connection_refuse_line(struct connection *n)
{
	struct request none = {.id = json_null()};
	connection_answer(n, &none, RPC_INVALID_REQUEST, NULL, "the request is too long");
	n->ending = true;
	n->refused = true;
}

/* Serves one line; false when there is none, or this is not the time. */
static bool connection_next(struct connection *n)
{
	struct evbuffer *input = bufferevent_get_input(n->stream);
	struct evbuffer *output = bufferevent_get_output(n->stream);
	size_t size;
	if (n->refused)
		evbuffer_drain(input, evbuffer_get_length(input));
	if (n->job || n->control->quiet || evbuffer_get_length(output) > CONTROL_OUTPUT_MAX)
		return false;
	CLEANUP_FREE char *line = evbuffer_readln(input, &size, EVBUFFER_EOL_CRLF);
	if (!line && evbuffer_get_length(input) < CONTROL_LINE_MAX)
		return false;
	if (!line || size >= CONTROL_LINE_MAX) {
		if (line)
			explicit_bzero(line, size);
		evbuffer_drain(input, evbuffer_get_length(input));
		connection_refuse_line(n);
		return false;
	}
	if (size > 0)
		connection_request(n, line, size);
	explicit_bzero(line, size);
	return true;
}

/* May free the connection. */
static void connection_serve(struct connection *n)
{
	while (connection_next(n)) {
	}
	/* Whole lines that came before the end of input are served first; half a line is not. */
	struct evbuffer *input = bufferevent_get_input(n->stream);
	bool more = evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_CRLF).pos >= 0;
	bool unsent = evbuffer_get_length(bufferevent_get_output(n->stream)) > 0;
	if (n->ending && !n->job && !unsent && (!more || n->control->quiet))
		connection_free(n);
}

static void connection_readable(struct bufferevent *stream, void *context)
{
	(void)stream;
	connection_serve(context);
}

static void connection_event(struct bufferevent *stream, short what, void *context)
{
	struct connection *n = context;
	if ((what & BEV_EVENT_TIMEOUT) && (what & BEV_EVENT_READING) && n->job) {
		bufferevent_enable(stream, EV_READ); /* it is we who take long */
		return;
	}
	if (what & BEV_EVENT_EOF) {
		n->ending = true;
		connection_serve(n);
		return;
	}
	connection_free(n);
}

static void connection_new(struct control *c, int fd)
{
	static const struct timeval idle = {CONTROL_IDLE_SECONDS, 0};
	static const struct timeval sending = {CONTROL_SEND_SECONDS, 0};
	struct connection *n = mem_try_zalloc(1, sizeof(*n));
	struct bufferevent *stream =
		n ? bufferevent_socket_new(c->daemon->base, fd, BEV_OPT_CLOSE_ON_FREE) : NULL;
	if (!stream) {
		log_warning("%s: no memory for a connection", c->path);
		free(n);
		close(fd);
		return;
	}
	*n = (struct connection){.control = c, .stream = stream};
	TAILQ_INSERT_TAIL(&c->connections, n, link);
	c->connection_count++;
	bufferevent_setcb(stream, connection_readable, connection_readable, connection_event, n);
	/* Room for a longest line and its end, so that a longer one is noticed. */
	bufferevent_setwatermark(stream, EV_READ, 0, CONTROL_LINE_MAX + 2);
	bufferevent_set_timeouts(stream, &idle, &sending);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

/* NULL when the peer is welcome. */
static const char *control_refusal(const struct control *c, int fd)
{
	uid_t uid;
	pid_t pid;
	if (socket_peer(fd, &uid, &pid) < 0)
		return "the peer is unknown";
	if (uid != 0 && uid != geteuid()) {
		log_warning("%s: refused process %d of user %u", c->path, (int)pid, (unsigned)uid);
		return "only root and the daemon's own user may";
	}
	return c->connection_count >= CONTROL_CONNECTIONS_MAX ? "too many connections" : NULL;
}

static void control_refuse(struct control *c, int fd, const char *why)
{
	struct request none = {.id = json_null()};
	size_t size = 0;
	CLEANUP_FREE char *line = request_answer_error(&none, -EACCES, why, &size);
	c->stats.refused++;
	if (line && send(fd, line, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("%s: a refused peer did not wait for the reason", c->path);
	close(fd);
}

static void control_accept(int listener, short what, void *context)
{
	static const struct timeval pause = {1, 0};
	struct control *c = context;
	(void)what;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* Out of descriptors, most likely: asking again at once would only spin. */
		log_warning("%s: accept: %s", c->path, strerror(errno));
		event_del(c->acceptable);
		event_add(c->retry, &pause);
		return;
	}
	const char *why = control_refusal(c, fd);
	if (why)
		control_refuse(c, fd, why);
	else
		connection_new(c, fd);
}

static void control_accept_again(int fd, short what, void *context)
{
	struct control *c = context;
	(void)fd;
	(void)what;
	event_add(c->acceptable, NULL);
}

static void control_log_listen_error(const char *path, int error)
{
	if (error == -EADDRINUSE)
		log_error("%s: another process answers at this control socket", path);
	else if (error == -EEXIST)
		log_error("%s: is in the way of the control socket", path);
	else
		log_error("%s: cannot make the control socket: %s", path, strerror(-error));
}

int control_open(struct daemon *d, const char *path, struct control **control)
{
	CLEANUP_FD int fd = -1;
	int error = socket_listen(path, &fd);
	if (error) {
		control_log_listen_error(path, error);
		return error;
	}
	struct control *c = mem_zalloc(sizeof(*c));
	c->daemon = d;
	c->path = mem_strdup(path);
	if (lstat(path, &c->identity) < 0)
		log_warning("%s: %s", path, strerror(errno));
	TAILQ_INIT(&c->connections);
	c->fd = TAKE_FD(fd);
	c->acceptable = event_new(d->base, c->fd, EV_READ | EV_PERSIST, control_accept, c);
	c->retry = evtimer_new(d->base, control_accept_again, c);
	ASSERT(c->acceptable && c->retry);
	event_add(c->acceptable, NULL);
	*control = c;
	return 0;
}

void control_quiesce(struct control *c)
{
	struct connection *n;
	c->quiet = true;
	event_del(c->acceptable);
	event_del(c->retry);
	close(TAKE_FD(c->fd)); /* who comes now is better refused than left waiting */
	for (struct job *job = c->jobs; job; job = job->next)
		job_wait(job);
	daemon_run_posts(c->daemon);
	ASSERT(c->jobs == NULL);
	/* The loop has ended: what the sockets take now is what their peers will see. */
	TAILQ_FOREACH(n, &c->connections, link)
	{
		struct evbuffer *output = bufferevent_get_output(n->stream);
		bufferevent_disable(n->stream, EV_READ | EV_WRITE);
		evbuffer_unfreeze(output, 1);
		while (evbuffer_get_length(output) > 0 &&
		       evbuffer_write(output, bufferevent_getfd(n->stream)) > 0) {
		}
	}
}

static void control_unlink(const struct control *c)
{
	struct stat now;
	if (lstat(c->path, &now) == 0 && now.st_ino == c->identity.st_ino &&
	    now.st_dev == c->identity.st_dev && unlink(c->path) < 0)
		log_warning("%s: %s", c->path, strerror(errno));
}

void control_close(struct control **control)
{
	struct control *c = TAKE(*control);
	if (!c)
		return;
	control_unlink(c);
	while (!TAILQ_EMPTY(&c->connections))
		connection_free(TAILQ_FIRST(&c->connections));
	event_free(c->acceptable);
	event_free(c->retry);
	if (c->fd >= 0)
		close(c->fd);
	free(c->path);
	free(c);
}

void control_get_stats(const struct control *control, struct control_stats *stats)
{
	*stats = control->stats;
	stats->connections = control->connection_count;
}
