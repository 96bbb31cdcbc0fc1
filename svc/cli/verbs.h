/* SPDX-License-Identifier: MIT */
/* The functions behind the rows of the table of commands, by the file they are in. */
#ifndef SVC_CLI_VERBS_H
#define SVC_CLI_VERBS_H

#include "svc/cli/command.h"

/* fs_status.c */
enum cli_exit fs_status(struct command_call *call);

/* fs.c: one question, one answer */
enum cli_exit fs_stats(struct command_call *call);
enum cli_exit fs_clone(struct command_call *call);
enum cli_exit fs_quota(struct command_call *call);
enum cli_exit fs_df(struct command_call *call);
enum cli_exit fs_sync(struct command_call *call);
enum cli_exit fs_dump(struct command_call *call);

struct remote;
/* The path inside the store that `r` serves. *inside is the caller's to free. */
enum cli_exit fs_inside(const struct command_call *call, const struct remote *r, const char *path,
			char **inside);

/* fs_explain.c */
enum cli_exit fs_explain(struct command_call *call);

/* fs_job.c: long work */
enum cli_exit fs_clean(struct command_call *call);
enum cli_exit fs_scrub(struct command_call *call);
enum cli_exit fs_check(struct command_call *call);

/* daemon.c: what every daemon answers */
enum cli_exit daemon_verb_status(struct command_call *call);
enum cli_exit daemon_verb_metrics(struct command_call *call);
enum cli_exit daemon_verb_reload(struct command_call *call);
enum cli_exit daemon_verb_log_level(struct command_call *call);
enum cli_exit daemon_verb_stop(struct command_call *call);

#endif
