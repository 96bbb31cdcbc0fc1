/* SPDX-License-Identifier: MIT */
/*
 * granary-targetd: tape libraries for initiators. Everything that it does is in
 * target/service; here are its options.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/daemon/daemon.h"
#include "target/service/names.h"
#include "target/service/rpc.h"
#include "target/service/service.h"

#define BUFFER_DEFAULT (UINT64_C(64) << 20)
#define BUFFER_LEAST   (UINT64_C(4) << 20)
#define BUFFER_MOST    (UINT64_C(4) << 30)
#define FILES_WANTED   65536u

static char portal_default[] = "127.0.0.1:3260";
static char prefix_default[] = "iqn.2026-11.local.granary";

static struct service_settings settings = {
	.portals = portal_default,
	.iqn_prefix = prefix_default,
	.buffer = BUFFER_DEFAULT,
	.sessions = 256,
	.login_seconds = 15,
	.ping_seconds = 15,
	.hook_seconds = 30,
};

/* clang-format off */
static const struct daemon_option targetd_options[] = {
	{ "state", 's', "state", DAEMON_STRING, "DIR",
	  "where libraries and hooks are kept (/var/lib/granary/targetd)", &settings.state },
	{ "tapes", 't', "tapes", DAEMON_STRING, "DIR",
	  "where new libraries get their folder of cartridges (STATE/tapes)", &settings.tapes },
	{ "portal", 'p', "portal", DAEMON_STRING, "LIST",
	  "addresses to listen at, with commas (127.0.0.1:3260)", &settings.portals },
	{ "advertise", 'a', "advertise", DAEMON_STRING, "LIST",
	  "addresses that initiators are told, one for all portals or one for each", &settings.advertise },
	{ "alias", 0, "alias", DAEMON_STRING, "TEXT",
	  "a name for people that initiators are told", &settings.alias },
	{ "iqn-prefix", 0, "iqn_prefix", DAEMON_STRING, "NAME",
	  "beginning of new libraries' iSCSI names (iqn.2026-11.local.granary)", &settings.iqn_prefix },
	{ "threads", 0, "threads", DAEMON_NUMBER, "NUMBER",
	  "threads for the network (one for two CPUs)", &settings.threads },
	{ "sessions", 0, "sessions", DAEMON_NUMBER, "NUMBER",
	  "sessions at a time (256)", &settings.sessions },
	{ "buffer", 'b', "buffer", DAEMON_SIZE, "SIZE",
	  "memory of each drive for what is to be written or was read ahead (64M)", &settings.buffer },
	{ "login-seconds", 0, "login_seconds", DAEMON_NUMBER, "SECONDS",
	  "a login may take so long (15)", &settings.login_seconds },
	{ "ping-seconds", 0, "ping_seconds", DAEMON_NUMBER, "SECONDS",
	  "a silent initiator is asked whether it is there after so long (15)", &settings.ping_seconds },
	{ "header-digest", 0, "header_digest", DAEMON_FLAG, NULL,
	  "prefer checksums over headers, where the initiator leaves the choice", &settings.header_digest },
	{ "data-digest", 0, "data_digest", DAEMON_FLAG, NULL,
	  "prefer checksums over data, where the initiator leaves the choice", &settings.data_digest },
	{ "hook-seconds", 0, "hook_seconds", DAEMON_NUMBER, "SECONDS",
	  "a hook may take so long (30)", &settings.hook_seconds },
	{ 0 },
};
/* clang-format on */

static int settings_wrong(const char *what)
{
	log_error("%s", what);
	return -EINVAL;
}

static int settings_check(void)
{
	const char *wrong = name_check_iscsi(settings.iqn_prefix);

	if (wrong) {
		log_error("iqn-prefix: an iSCSI name %s", wrong);
		return -EINVAL;
	}
	if (strlen(settings.iqn_prefix) + LIBRARY_NAME_MAX + 2 > SCSI_NAME_MAX)
		return settings_wrong("iqn-prefix: it is too long");
	if (settings.buffer < BUFFER_LEAST || settings.buffer > BUFFER_MOST)
		return settings_wrong("buffer: between 4M and 4G");
	if (settings.threads > 256)
		return settings_wrong("threads: at most 256");
	if (settings.sessions < 1 || settings.sessions > 65535)
		return settings_wrong("sessions: between 1 and 65535");
	if (settings.login_seconds < 1 || settings.login_seconds > 3600)
		return settings_wrong("login-seconds: between 1 and 3600");
	if (settings.ping_seconds < 1 || settings.ping_seconds > 86400)
		return settings_wrong("ping-seconds: between 1 and 86400");
	if (settings.hook_seconds < 1 || settings.hook_seconds > 86400)
		return settings_wrong("hook-seconds: between 1 and 86400");
	return 0;
}

/* Sessions, connections in login and the files of cartridges: more than the 1024 that shells give. */
static void settings_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warning("the number of open files stays limited: %s", strerror(errno));
}

static int targetd_start(struct daemon *d)
{
	struct service_settings chosen = settings;
	CLEANUP_FREE char *state = NULL;
	CLEANUP_FREE char *tapes = NULL;
	struct service *service;
	int error = settings_check();

	if (error)
		return error;
	settings_raise_files();
	state = settings.state	 ? mem_strdup(settings.state)
		: daemon_root(d) ? mem_printf("%s/lib/targetd", daemon_root(d))
				 : mem_strdup(GRANARY_STATEDIR "/targetd");
	tapes = settings.tapes ? mem_strdup(settings.tapes) : mem_printf("%s/tapes", state);
	chosen.state = state;
	chosen.tapes = tapes;
	error = service_start(d, &chosen, &service);
	if (!error)
		daemon_set_data(d, service);
	return error;
}

static void targetd_stop(struct daemon *d)
{
	struct service *service = daemon_data(d);

	service_stop(&service);
}

/* How many are served; and those that are not, with the reason, or their number. */
static void targetd_libraries(struct service *service, json_t *object, bool reasons)
{
	char name[LIBRARY_FILE_MAX], reason[LIBRARY_MESSAGE];
	json_t *failed = json_array();
	size_t served = 0;

	for (struct library *library; (library = library_at(service, served)) != NULL; served++)
		library_release(&library);
	for (size_t n = 0; failed_at(service, n, name, reason); n++) {
		CLEANUP_FREE char *text = mem_printf("%s: %s", name, reason);
		/* Names of files may be no UTF-8. */
		json_array_append_new(failed, rpc_text(text));
	}
	json_object_set_new(object, "libraries", json_integer((json_int_t)served));
	if (reasons) {
		json_object_set_new(object, "failed_libraries", failed);
		return;
	}
	json_object_set_new(object, "libraries_failed", json_integer((json_int_t)json_array_size(failed)));
	json_decref(failed);
}

static void targetd_status(struct daemon *d, json_t *object)
{
	struct service *service = daemon_data(d);
	json_t *portals = json_array();

	for (char **p = service->portals; p && *p; p++)
		json_array_append_new(portals, json_string(*p));
	json_object_set_new(object, "state_folder", rpc_text(service->state));
	json_object_set_new(object, "tapes_folder", rpc_text(service->tapes));
	json_object_set_new(object, "portals", portals);
	targetd_libraries(service, object, true);
}

static void targetd_metrics(struct daemon *d, json_t *object)
{
	struct service *service = daemon_data(d);
	struct iscsi_stats stats;

	iscsi_get_stats(service->server, &stats);
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"iscsi_connections", stats.connections},
		{"iscsi_sessions", stats.sessions},
		{"iscsi_logins", stats.logins},
		{"iscsi_login_failures", stats.login_failures},
		{"iscsi_commands", stats.commands},
		{"iscsi_received_bytes", stats.bytes_in},
		{"iscsi_sent_bytes", stats.bytes_out},
		{"iscsi_digest_errors", stats.digest_errors},
		{"iscsi_protocol_errors", stats.protocol_errors},
		{"iscsi_rejects", stats.rejects},
		{"iscsi_reinstatements", stats.reinstatements},
		{"iscsi_timeouts", stats.timeouts},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_object_set_new(object, numbers[i].name,
				    json_integer((json_int_t)numbers[i].value));
	targetd_libraries(service, object, false);
}

static const struct daemon_class targetd_class = {
	.name = "granary-targetd",
	.section = "targetd",
	.usage = "",
	.summary = "Serves virtual tape libraries over iSCSI.",
	.options = targetd_options,
	.methods = targetd_methods,
	.start = targetd_start,
	.stop = targetd_stop,
	.status = targetd_status,
	.metrics = targetd_metrics,
};

int main(int argc, char **argv)
{
	return daemon_main(argc, argv, &targetd_class);
}
