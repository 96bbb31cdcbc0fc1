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

/* vtl.c: libraries */
enum cli_exit vtl_create(struct command_call *call);
enum cli_exit vtl_list(struct command_call *call);
enum cli_exit vtl_show(struct command_call *call);
enum cli_exit vtl_update(struct command_call *call);
enum cli_exit vtl_delete(struct command_call *call);
enum cli_exit vtl_reopen(struct command_call *call);
enum cli_exit vtl_personalities(struct command_call *call);

/* vtl_devices.c: drives, places, sessions; vtl_access.c: who may log in */
enum cli_exit vtl_drives(struct command_call *call);
enum cli_exit vtl_elements(struct command_call *call);
enum cli_exit vtl_load(struct command_call *call);
enum cli_exit vtl_unload(struct command_call *call);
enum cli_exit vtl_move(struct command_call *call);
enum cli_exit vtl_put(struct command_call *call);
enum cli_exit vtl_take(struct command_call *call);
enum cli_exit vtl_sessions(struct command_call *call);
enum cli_exit vtl_access(struct command_call *call);

/* tape.c: what granary-targetd does; tape_tool.c: what granary-tape does */
enum cli_exit tape_create(struct command_call *call);
enum cli_exit tape_list(struct command_call *call);
enum cli_exit tape_show(struct command_call *call);
enum cli_exit tape_lock(struct command_call *call);
enum cli_exit tape_protect(struct command_call *call);
enum cli_exit tape_delete(struct command_call *call);
enum cli_exit tape_restore(struct command_call *call);
enum cli_exit tape_clone(struct command_call *call);
enum cli_exit tape_files(struct command_call *call);
enum cli_exit tape_cat(struct command_call *call);
enum cli_exit tape_check(struct command_call *call);
enum cli_exit tape_import(struct command_call *call);
enum cli_exit tape_export(struct command_call *call);
enum cli_exit tape_read(struct command_call *call);
enum cli_exit tape_write(struct command_call *call);
enum cli_exit vtl_selftest(struct command_call *call);

#endif
