/* SPDX-License-Identifier: MIT */
/* Sessions through libiscsi. Sense data is decoded here, in fixed and descriptor form. */
#include "target/tool/initiator.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

#define INITIATOR_NAME "iqn.2026-11.local.granary:granary-tape"
#define SENSE_BEFORE   2 /* bytes of the length that libiscsi leaves in front of the sense data */
#define AUTH_FILE_MAX  4096

struct initiator {
	struct iscsi_context *session;
	char *url;
	int lun;
	bool lost;
	struct scsi_task *task; /* that was sent, and not answered */
	bool answered;
	int status;
	struct tool_session waits;
};

struct auth {
	char *user, *secret, *mutual_user, *mutual_secret;
};

static void auth_clear(struct auth *auth)
{
	char *values[] = {auth->user, auth->secret, auth->mutual_user, auth->mutual_secret};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i])
			explicit_bzero(values[i], strlen(values[i]));
		free(values[i]);
	}
}

static bool auth_line(struct auth *auth, char *line)
{
	const struct {
		const char *name;
		char **value;
	} rows[] = {{"user", &auth->user},
		    {"secret", &auth->secret},
		    {"mutual-user", &auth->mutual_user},
		    {"mutual-secret", &auth->mutual_secret}};
	size_t length = strcspn(line, " \t"), skip = strspn(line + length, " \t");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strlen(rows[i].name) != length || strncmp(line, rows[i].name, length) != 0)
			continue;
		if (!line[length + skip] || *rows[i].value)
			return false;
		*rows[i].value = mem_strdup(line + length + skip);
		return true;
	}
	return *line == 0 || *line == '#';
}

/* A secret that others may read is none. */
static bool auth_read(struct auth *auth, const char *path)
{
	CLEANUP_FREE char *text = NULL;
	struct stat status;
	size_t size = 0;
	int error = stat(path, &status) == 0 ? 0 : -errno;
	bool good = true;

	if (!error && status.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)) {
		tool_complain("%s: others may read it; chmod 600 %s", path, path);
		return false;
	}
	if (!error)
		error = file_read_all(path, AUTH_FILE_MAX, &text, &size);
	if (error) {
		tool_complain("%s: %s", path, strerror(-error));
		return false;
	}
	for (char *rest = text, *line; good && (line = strsep(&rest, "\n")) != NULL;)
		good = auth_line(auth, line);
	explicit_bzero(text, size);
	if (!good || !auth->user || !auth->secret || !auth->mutual_user != !auth->mutual_secret) {
		tool_complain("%s: its lines are \"user NAME\", \"secret SECRET\" and, both or none, "
			      "\"mutual-user NAME\", \"mutual-secret SECRET\"", path);
		return false;
	}
	return true;
}

static bool initiator_authenticate(struct initiator *i, const struct iscsi_url *url, const char *file)
{
	struct auth auth = {0};
	bool good = true;

	if (file) {
		good = auth_read(&auth, file);
	} else if (url->user[0]) {
		auth.user = mem_strdup(url->user);
		auth.secret = mem_strdup(url->passwd);
		if (url->target_user[0]) {
			auth.mutual_user = mem_strdup(url->target_user);
			auth.mutual_secret = mem_strdup(url->target_passwd);
		}
	}
	if (good && auth.user)
		iscsi_set_initiator_username_pwd(i->session, auth.user, auth.secret);
	if (good && auth.mutual_user)
		iscsi_set_target_username_pwd(i->session, auth.mutual_user, auth.mutual_secret);
	auth_clear(&auth);
	return good;
}

static struct iscsi_url *initiator_parse(struct initiator *i, const char *text, bool any_lun)
{
	CLEANUP_FREE char *whole = any_lun ? mem_printf("%s/0", text) : mem_strdup(text);
	const char *host = strstr(text, "://");
	struct iscsi_url *url = NULL;

	/* What stands there is seen by everybody who lists processes. */
	if (host && memchr(host, '@', strcspn(host + 3, "/") + 3)) {
		tool_complain("credentials do not belong into a URL: use --auth-file");
		return NULL;
	}
	if (host && strncmp(text, "iscsi://", 8) == 0)
		url = iscsi_parse_full_url(i->session, whole);
	if (!url)
		tool_complain("\"%s\" is no URL such as iscsi://127.0.0.1:3260/TARGET%s", text,
			      any_lun ? "" : "/LUN");
	return url;
}

/* libiscsi's sentence, where it says more than that there is no connection. */
static void initiator_complain(const struct initiator *i, const char *portal, bool connected)
{
	const char *why = iscsi_get_error(i->session);
	int length = (int)strcspn(why, "\n");

	if (connected)
		tool_complain("%s: %.*s", i->url, length, why);
	else if (length == 0 || strstr(why, "reconnect"))
		tool_complain("%s: no iSCSI target answers at %s", i->url, portal);
	else
		tool_complain("%s: no iSCSI target answers at %s: %.*s", i->url, portal, length, why);
}

static bool initiator_login(struct initiator *i, const struct iscsi_url *url)
{
	bool connected;

	i->lun = url->lun;
	iscsi_set_targetname(i->session, url->target);
	iscsi_set_session_type(i->session, ISCSI_SESSION_NORMAL);
	iscsi_set_header_digest(i->session, ISCSI_HEADER_DIGEST_NONE_CRC32C);
	iscsi_set_noautoreconnect(i->session, 1);
	/* Logged in without libiscsi's own questions, whose answers would be lost. */
	connected = iscsi_connect_sync(i->session, url->portal) == 0;
	if (connected && iscsi_login_sync(i->session) == 0)
		return true;
	initiator_complain(i, url->portal, connected);
	return false;
}

static enum tool_exit initiator_connect(struct initiator *i, const struct tool_call *call, bool any_lun)
{
	struct iscsi_url *url = initiator_parse(i, i->url, any_lun);
	enum tool_exit status = TOOL_DONE;

	if (!url)
		return TOOL_USAGE;
	if (!initiator_authenticate(i, url, call->values[OPTION_AUTH_FILE]))
		status = TOOL_FAILED;
	else if (!initiator_login(i, url))
		status = TOOL_UNREACHABLE;
	explicit_bzero(url->passwd, sizeof(url->passwd));
	iscsi_destroy_url(url);
	return status;
}

enum tool_exit initiator_open(const struct tool_call *call, const char *url, bool any_lun,
			      struct initiator **initiator)
{
	const char *name = call->values[OPTION_INITIATOR];
	struct initiator *i = mem_zalloc(sizeof(*i));
	enum tool_exit status = TOOL_FAILED;

	i->url = mem_strdup(url);
	i->session = iscsi_create_context(name ? name : INITIATOR_NAME);
	if (i->session)
		status = initiator_connect(i, call, any_lun);
	else
		tool_complain("%s", strerror(ENOMEM));
	if (status != TOOL_DONE) {
		i->lost = true;
		initiator_close(&i);
	}
	*initiator = i;
	return status;
}

void initiator_close(struct initiator **i)
{
	struct initiator *old = *i;

	*i = NULL;
	if (!old)
		return;
	if (old->session && !old->lost)
		iscsi_logout_sync(old->session);
	if (old->session)
		iscsi_destroy_context(old->session); /* ends what was not answered, too */
	if (old->task)
		scsi_free_scsi_task(old->task);
	free(old->url);
	free(old);
}

void initiator_set_lun(struct initiator *i, int lun)
{
	i->lun = lun;
}

/* A ping of the target, in most cases. */
static int initiator_serve(void *context, short events)
{
	struct initiator *i = context;

	if (iscsi_service(i->session, events) == 0)
		return 0;
	i->lost = true;
	return -ENOTCONN;
}

static short initiator_events(void *context)
{
	struct initiator *i = context;

	return (short)iscsi_which_events(i->session);
}

const struct tool_session *initiator_session(struct initiator *i)
{
	i->waits = (struct tool_session){.fd = iscsi_get_fd(i->session),
					 .events = initiator_events,
					 .serve = initiator_serve,
					 .context = i};
	return &i->waits;
}

int initiator_lun(const struct initiator *i)
{
	return i->lun;
}

bool initiator_is_lost(const struct initiator *i)
{
	return i->lost;
}

const char *initiator_name(const struct initiator *i)
{
	return i->url;
}

static void sense_decode(const uint8_t *sense, size_t size, struct initiator_answer *answer)
{
	unsigned code = size ? sense[0] & 0x7f : 0;

	if ((code == 0x70 || code == 0x71) && size >= 14) {
		answer->key = sense[2] & 0x0f;
		answer->filemark = sense[2] & 0x80;
		answer->eom = sense[2] & 0x40;
		answer->ili = sense[2] & 0x20;
		answer->valid = sense[0] & 0x80;
		answer->information = (int32_t)be_get32(sense + 3);
		answer->asc = sense[12];
		answer->ascq = sense[13];
	} else if ((code == 0x72 || code == 0x73) && size >= 8) {
		answer->key = sense[1] & 0x0f;
		answer->asc = sense[2];
		answer->ascq = sense[3];
		for (size_t at = 8; at + 2 <= size && at + 2 + sense[at + 1] <= size; at += 2 + sense[at + 1]) {
			if (sense[at] == 0 && sense[at + 1] >= 10) {
				answer->valid = sense[at + 2] & 0x80;
				answer->information = (int32_t)be_get32(sense + at + 8);
			} else if (sense[at] == 4 && sense[at + 1] >= 2) {
				answer->filemark = sense[at + 3] & 0x80;
				answer->eom = sense[at + 3] & 0x40;
				answer->ili = sense[at + 3] & 0x20;
			}
		}
	}
}

static void initiator_take(const struct scsi_task *task, const struct initiator_command *command,
			   struct initiator_answer *answer)
{
	bool under = task->residual_status == SCSI_RESIDUAL_UNDERFLOW;

	*answer = (struct initiator_answer){.status = task->status, .received = command->size};
	if (under)
		answer->received -= task->residual < command->size ? (uint32_t)task->residual : command->size;
	if (task->status == STATUS_CHECK && task->datain.size > SENSE_BEFORE)
		sense_decode(task->datain.data + SENSE_BEFORE, (size_t)task->datain.size - SENSE_BEFORE,
			     answer);
}

static void initiator_answered(struct iscsi_context *session, int status, void *data, void *context)
{
	struct initiator *i = context;

	(void)session;
	(void)data;
	i->answered = true;
	i->status = status;
}

/* Unlike libiscsi's own loop it goes on after a signal: a command that was sent is waited for. */
static bool initiator_wait(struct initiator *i)
{
	while (!i->answered) {
		struct pollfd wait = {.fd = iscsi_get_fd(i->session),
				      .events = (short)iscsi_which_events(i->session)};
		int n = poll(&wait, 1, 1000);

		if (n < 0 && errno != EINTR)
			return false;
		if (iscsi_service(i->session, n > 0 ? wait.revents : 0) < 0 && !i->answered)
			return false;
	}
	return i->status >= 0 && i->status <= UINT8_MAX;
}

int initiator_run(struct initiator *i, const struct initiator_command *command,
		  struct initiator_answer *answer)
{
	struct iscsi_data data = {.size = command->size, .data = (unsigned char *)(uintptr_t)command->out};
	int way = command->in ? SCSI_XFER_READ : command->out ? SCSI_XFER_WRITE : SCSI_XFER_NONE;

	if (i->lost)
		return -EIO;
	i->task = scsi_create_task((int)command->cdb_size, (unsigned char *)(uintptr_t)command->cdb, way,
				   way == SCSI_XFER_NONE ? 0 : (int)command->size);
	if (!i->task)
		return -ENOMEM;
	if (way == SCSI_XFER_READ)
		scsi_task_add_data_in_buffer(i->task, (int)command->size, command->in);
	i->answered = false;
	if (iscsi_scsi_command_async(i->session, i->lun, i->task, initiator_answered,
				     way == SCSI_XFER_WRITE ? &data : NULL, i) == 0 &&
	    initiator_wait(i)) {
		i->task->status = i->status;
		initiator_take(i->task, command, answer);
	} else {
		i->lost = true;
		tool_complain("%s: %s", i->url, iscsi_get_error(i->session));
	}
	/* What was not answered is libiscsi's until the session is gone. */
	if (i->answered || !i->lost)
		scsi_free_scsi_task(TAKE(i->task));
	return i->lost ? -EIO : 0;
}

void initiator_words(const struct initiator_answer *answer, char *words, size_t size)
{
	static const struct {
		int status;
		const char *words;
	} rows[] = {{STATUS_GOOD, "good"}, {0x08, "busy"}, {STATUS_CONFLICT, "reservation conflict"},
		    {0x28, "task set full"}, {0x30, "ACA active"}, {0x40, "task aborted"}};

	if (answer->status == STATUS_CHECK) {
		snprintf(words, size, "%X/%02X/%02X%s%s%s", answer->key, answer->asc, answer->ascq,
			 answer->filemark ? " filemark" : "", answer->eom ? " EOM" : "",
			 answer->ili ? " ILI" : "");
		return;
	}
	snprintf(words, size, "status %02Xh", (unsigned)answer->status);
	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++)
		if (rows[n].status == answer->status)
			snprintf(words, size, "%s", rows[n].words);
}
