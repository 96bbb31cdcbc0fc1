/* SPDX-License-Identifier: MIT */
/*
 * The life cycle of a daemon; daemon.h draws it. The loop's thread owns
 * everything but the fields that state.h names for any thread.
 *
 * Order of the end: no more requests -> threaded ones are waited for -> stop()
 * -> the control socket and its connections go. A client that sees its
 * connection end knows that the daemon is done.
 */
#include "lib/daemon/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"
#include "lib/daemon/settings.h"
#include "lib/daemon/ready.h"
#include "lib/daemon/state.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct daemon_signals {
	struct event *terminate, *interrupt, *hangup, *wake;
};

int daemon_argument_count(const struct daemon *d)
{
	return d->options.argument_count;
}

const char *daemon_argument(const struct daemon *d, int n)
{
	ASSERT(n >= 0);
	return n < d->options.argument_count ? d->options.arguments[n] : NULL;
}

struct event_base *daemon_event_base(struct daemon *d)
{
	return d->base;
}

void *daemon_data(const struct daemon *d)
{
	return d->data;
}

void daemon_set_data(struct daemon *d, void *data)
{
	d->data = data;
}

const char *daemon_root(const struct daemon *d)
{
	return d->options.root;
}

bool daemon_is_stopping(const struct daemon *d)
{
	return atomic_load(&d->stopping);
}

void daemon_set_control(struct daemon *d, const char *path)
{
	if (d->options.control)
		return; /* --control wins */
	free(d->control_path);
	d->control_path = mem_strdup(path);
}

static void daemon_wake(struct daemon *d)
{
	uint64_t one = 1;
	/* EAGAIN: the counter is full, so the loop is about to wake anyway. */
	if (write(d->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("cannot wake the loop: %s", strerror(errno));
}

void daemon_stop(struct daemon *d, int exit_status)
{
	int zero = 0;
	/* The first failure counts. */
	atomic_compare_exchange_strong(&d->exit_status, &zero, exit_status);
	atomic_store(&d->stopping, true);
	daemon_wake(d);
}

void daemon_post(struct daemon *d, void (*run)(struct daemon *d, void *context), void *context)
{
	struct daemon_post *post = mem_alloc(sizeof(*post));
	*post = (struct daemon_post){.run = run, .context = context};
	{
		LOCK_SCOPE(&d->post_lock);
		*d->post_last = post;
		d->post_last = &post->next;
	}
	daemon_wake(d);
}

static struct daemon_post *daemon_take_posts(struct daemon *d)
{
	LOCK_SCOPE(&d->post_lock);
	d->post_last = &d->post_first;
	return TAKE(d->post_first);
}

void daemon_run_posts(struct daemon *d)
{
	struct daemon_post *post = daemon_take_posts(d);
	while (post) {
		struct daemon_post *next = post->next;
		post->run(d, post->context);
		free(post);
		post = next;
	}
}

static void daemon_on_wake(int fd, short what, void *context)
{
	struct daemon *d = context;
	uint64_t count;
	(void)what;
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("the loop's eventfd: %s", strerror(errno));
	daemon_run_posts(d);
	if (atomic_load(&d->stopping))
		event_base_loopbreak(d->base);
}

static void daemon_on_terminate(int number, short what, void *context)
{
	(void)what;
	log_info("stopping on signal %d", number);
	daemon_stop(context, 0);
}

static void daemon_on_hangup(int number, short what, void *context)
{
	(void)number;
	(void)what;
	daemon_reload(context); /* has logged what is wrong */
}

/* Where the configuration, the run folder and the log folder are. */
static void daemon_set_paths(struct daemon *d)
{
	const struct options *o = &d->options;
	const char *name = d->class->name;
	if (strncmp(name, "granary-", strlen("granary-")) == 0)
		name += strlen("granary-");
	d->config_path = o->config ? mem_strdup(o->config)
			 : o->root ? mem_printf("%s/etc/granary.conf", o->root)
				   : mem_strdup(GRANARY_SYSCONFDIR "/granary.conf");
	d->run_folder = o->root ? mem_printf("%s/run", o->root) : mem_strdup(GRANARY_RUNDIR);
	d->control_path = mem_printf("%s/%s.sock", d->run_folder, name);
}

static int daemon_set_log_level(struct daemon *d)
{
	enum log_level level;
	if (!d->options.log_level)
		return 0;
	int error = log_level_parse(d->options.log_level, &level);
	if (error) {
		log_error("there is no log level \"%s\": it is error, warning, info or debug",
			  d->options.log_level);
		return error;
	}
	log_set_level(level);
	return 0;
}

/* stderr becomes the log file; or lines go to the log daemon when there is one. */
static int daemon_open_log(struct daemon *d)
{
	const char *path = d->options.log_file;
	if (!path) {
		CLEANUP_FREE char *socket_path = mem_printf("%s/log.sock", d->run_folder);
		log_open_socket(socket_path); /* without one: stderr */
		log_set_style(log_find_style());
		return 0;
	}
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0) {
		int error = -errno;
		log_error("%s: the log file cannot be opened: %s", path, strerror(-error));
		return error;
	}
	close(fd);
	log_set_style(LOG_STYLE_DATED);
	return 0;
}

int daemon_reload(struct daemon *d)
{
	ready_notify("RELOADING=1");
	int error = settings_load(&d->options, d->config_path, d->options.config != NULL);
	if (!error)
		error = daemon_set_log_level(d);
	if (!error)
		error = daemon_open_log(d);
	if (!error && d->class->reload)
		error = d->class->reload(d);
	if (error)
		log_error("not reloaded: %s", strerror(-error));
	else
		log_info("reloaded");
	ready_notify("READY=1");
	return error;
}

static int daemon_add_signals(struct daemon *d, struct daemon_signals *s)
{
	struct event **const events[] = {&s->terminate, &s->interrupt, &s->hangup, &s->wake};
	s->terminate = evsignal_new(d->base, SIGTERM, daemon_on_terminate, d);
	s->interrupt = evsignal_new(d->base, SIGINT, daemon_on_terminate, d);
	s->hangup = evsignal_new(d->base, SIGHUP, daemon_on_hangup, d);
	s->wake = event_new(d->base, d->wake_fd, EV_READ | EV_PERSIST, daemon_on_wake, d);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (!*events[i] || event_add(*events[i], NULL) < 0)
			return -ENOMEM;
	return 0;
}

static void daemon_remove_signals(struct daemon_signals *s)
{
	struct event *events[] = {s->terminate, s->interrupt, s->hangup, s->wake};
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i])
			event_free(events[i]);
}

/* As mkdir -p. */
static int daemon_make_folders(const char *path)
{
	CLEANUP_FREE char *copy = mem_strdup(path);
	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		int error = file_make_directory(copy, 0755);
		if (error)
			return error;
		*p = '/';
	}
	return file_make_directory(path, 0755);
}

/* The control socket, in a run folder that may have to be made. */
static int daemon_open_control(struct daemon *d)
{
	if (d->options.control) {
		free(d->control_path);
		d->control_path = mem_strdup(d->options.control);
	} else if (strncmp(d->control_path, d->run_folder, strlen(d->run_folder)) == 0) {
		int error = daemon_make_folders(d->run_folder);
		if (error) {
			log_error("%s: cannot make the run folder: %s", d->run_folder,
				  strerror(-error));
			return error;
		}
	}
	return control_open(d, d->control_path, &d->control);
}

/* Behind, nobody reads stderr any more: the lines go to the system's log instead. */
static void daemon_detach(struct daemon *d, int *ready_fd)
{
	if (*ready_fd < 0)
		return;
	if (!d->options.log_file) {
		CLEANUP_FREE char *socket_path = mem_printf("%s/log.sock", d->run_folder);
		if (log_open_socket(socket_path) < 0)
			log_open_socket("/dev/log");
	}
	ready_detach(ready_fd, d->options.log_file != NULL);
}

/* From start() to stop(). */
static int daemon_serve(struct daemon *d, int *ready_fd)
{
	int error = d->class->start(d);
	if (error)
		return error == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	error = daemon_open_control(d);
	if (!error) {
		daemon_detach(d, ready_fd);
		log_tee(false);
		ready_notify("READY=1");
		log_debug("ready");
		event_base_dispatch(d->base);
		ready_notify("STOPPING=1");
		control_quiesce(d->control);
	}
	daemon_run_posts(d);
	if (d->class->stop)
		d->class->stop(d);
	control_close(&d->control);
	return error ? EXIT_FAILED : atomic_load(&d->exit_status);
}

static int daemon_run(struct daemon *d, int *ready_fd)
{
	struct daemon_signals signals = {0};
	d->started_ns = clock_monotonic_ns();
	d->started_real_ns = clock_real_ns();
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->base = event_base_new();
	int status = EXIT_FAILED;
	if (d->wake_fd >= 0 && d->base && daemon_add_signals(d, &signals) == 0)
		status = daemon_serve(d, ready_fd);
	else
		log_error("cannot make the event loop");
	daemon_remove_signals(&signals);
	if (d->base)
		event_base_free(d->base);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	return status;
}

/* Everything that needs neither a loop nor a thread. */
static int daemon_prepare(struct daemon *d, int *ready_fd)
{
	daemon_set_paths(d);
	if (settings_load(&d->options, d->config_path, d->options.config != NULL) ||
	    daemon_set_log_level(d))
		return EXIT_USAGE;
	if (d->options.background) {
		int error = ready_fork(ready_fd);
		if (error) {
			log_error("cannot start in the background: %s", strerror(-error));
			return EXIT_FAILED;
		}
	}
	return daemon_open_log(d) ? EXIT_FAILED : 0;
}

static void daemon_free(struct daemon *d)
{
	options_free(&d->options);
	free(d->config_path);
	free(d->run_folder);
	free(d->control_path);
	pthread_mutex_destroy(&d->post_lock);
}

int daemon_main(int argc, char **argv, const struct daemon_class *class)
{
	struct daemon d = {.class = class, .wake_fd = -1, .post_last = &d.post_first};
	CLEANUP_FD int ready_fd = -1;
	int status = 0;
	log_set_program(class->name);
	log_tee(true);
	signal(SIGPIPE, SIG_IGN);
	/* Requests have secrets in them: what they passed through is wiped out when it is freed. */
	json_set_alloc_funcs(malloc, secret_heap_free);
	event_set_mem_functions(malloc, realloc, secret_heap_free);
	json_object_seed(0); /* now, while there is one thread */
	pthread_mutex_init(&d.post_lock, NULL);
	options_init(&d.options, class);
	switch (options_parse(&d.options, argc, argv)) {
	case OPTIONS_RUN:
		status = daemon_prepare(&d, &ready_fd);
		if (status == 0)
			status = daemon_run(&d, &ready_fd);
		break;
	case OPTIONS_SHOWN:
		break;
	case OPTIONS_WRONG:
		status = EXIT_USAGE;
		break;
	}
	daemon_free(&d);
	return status;
}
