/* SPDX-License-Identifier: MIT */
/*
 * An initiator that stays: logs in to URL, says "in", answers each line of standard input with "there"
 * or "gone", and logs out at the end of it. The lines "reserve", "release", "persist" and "clear" have it
 * reserve the unit in the old and the new way, "ready" tests whether it is; they are answered with the
 * status.
 *
 *   hold-session iscsi://[USER%SECRET@]PORTAL/IQN/LUN
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

static bool session_answers(struct iscsi_context *iscsi, int lun)
{
	struct pollfd connection = {.fd = iscsi_get_fd(iscsi), .events = POLLRDHUP};
	struct scsi_task *task;

	/* libiscsi would try to connect again, for ever. */
	if (connection.fd < 0 || poll(&connection, 1, 0) != 0)
		return false;
	task = iscsi_testunitready_sync(iscsi, lun);
	/* Anything that the target says is an answer; 0x0f000000 and up are libiscsi's own. */
	bool answers = task && task->status >= 0 && task->status < 0x100;

	if (task)
		scsi_free_scsi_task(task);
	return answers;
}

/* The status of what the line asks for; -1 for a line that asks for nothing. */
static int session_reserve(struct iscsi_context *iscsi, int lun, const char *line)
{
	struct scsi_persistent_reserve_out_basic keys = {.service_action_reservation_key = 4711};
	struct scsi_task *task = NULL;
	int status;

	if (strncmp(line, "ready", 5) == 0)
		task = iscsi_testunitready_sync(iscsi, lun);
	else if (strncmp(line, "reserve", 7) == 0)
		task = iscsi_reserve6_sync(iscsi, lun);
	else if (strncmp(line, "release", 7) == 0)
		task = iscsi_release6_sync(iscsi, lun);
	else if (strncmp(line, "persist", 7) == 0)
		task = iscsi_persistent_reserve_out_sync(iscsi, lun, 0, 0, 0, &keys);
	else if (strncmp(line, "clear", 5) != 0)
		return -1;
	if (!task || strncmp(line, "persist", 7) == 0) {
		if (task)
			scsi_free_scsi_task(task);
		keys = (struct scsi_persistent_reserve_out_basic){.reservation_key = 4711};
		task = iscsi_persistent_reserve_out_sync(iscsi, lun, *line == 'p' ? 1 : 3, 0, 3, &keys);
	}
	status = task ? task->status : 255;
	if (task)
		scsi_free_scsi_task(task);
	return status;
}

int main(int argc, char **argv)
{
	struct iscsi_context *iscsi = iscsi_create_context("iqn.2026-11.local.granary:tests");
	struct iscsi_url *url = argc > 1 ? iscsi_parse_full_url(iscsi, argv[1]) : NULL;
	char line[16];

	if (!url) {
		fprintf(stderr, "usage: hold-session URL\n");
		return 2;
	}
	iscsi_set_targetname(iscsi, url->target);
	iscsi_set_session_type(iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_noautoreconnect(iscsi, 1);
	iscsi_set_timeout(iscsi, 120);
	if (iscsi_full_connect_sync(iscsi, url->portal, url->lun) != 0) {
		printf("refused: %s\n", iscsi_get_error(iscsi));
		return 1;
	}
	puts("in");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		int status = SCSI_STATUS_CHECK_CONDITION;

		/* Unit attentions are told first. */
		for (int tries = 0; status == SCSI_STATUS_CHECK_CONDITION && tries < 8; tries++)
			status = session_reserve(iscsi, url->lun, line);
		if (status >= 0)
			printf("%d\n", status);
		else
			puts(session_answers(iscsi, url->lun) ? "there" : "gone");
		fflush(stdout);
	}
	if (session_answers(iscsi, url->lun))
		iscsi_logout_sync(iscsi);
	iscsi_destroy_url(url);
	iscsi_destroy_context(iscsi);
	return 0;
}
