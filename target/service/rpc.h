/* SPDX-License-Identifier: MIT */
/* Methods of granary-targetd: granary-control.7. Params are a peer's, looked at before they are used. */
#ifndef TARGET_SERVICE_RPC_H
#define TARGET_SERVICE_RPC_H

#include <jansson.h>

#include "lib/daemon/daemon.h"
#include "target/service/service.h"

/* The whole table, ends with a NULL name. */
extern const struct rpc_method targetd_methods[];

struct rpc_call {
	struct service *service;
	json_t *params;	 /* borrowed */
	json_t **result; /* a new reference */
	char *message;	 /* 256 characters */
};

/* rpc_library.c */
int rpc_vtl_create(struct rpc_call *call);
int rpc_vtl_list(struct rpc_call *call);
int rpc_vtl_show(struct rpc_call *call);
int rpc_vtl_update(struct rpc_call *call);
int rpc_vtl_delete(struct rpc_call *call);
int rpc_vtl_reopen(struct rpc_call *call);
int rpc_vtl_personalities(struct rpc_call *call);
/* rpc_devices.c */
int rpc_vtl_drives(struct rpc_call *call);
int rpc_vtl_elements(struct rpc_call *call);
int rpc_vtl_load(struct rpc_call *call);
int rpc_vtl_unload(struct rpc_call *call);
int rpc_vtl_move(struct rpc_call *call);
int rpc_vtl_put(struct rpc_call *call);
int rpc_vtl_take(struct rpc_call *call);
/* rpc_access.c */
int rpc_vtl_sessions(struct rpc_call *call);
int rpc_vtl_logout(struct rpc_call *call);
int rpc_vtl_access(struct rpc_call *call);
/* rpc_tape.c */
int rpc_tape_create(struct rpc_call *call);
int rpc_tape_list(struct rpc_call *call);
int rpc_tape_show(struct rpc_call *call);
int rpc_tape_delete(struct rpc_call *call);
int rpc_tape_restore(struct rpc_call *call);
int rpc_tape_lock(struct rpc_call *call);
int rpc_tape_protect(struct rpc_call *call);
int rpc_tape_clone(struct rpc_call *call);

/* Params that may be missing or null: *value stays as it is then. */
int rpc_optional_text(struct rpc_call *call, const char *name, const char **value);
int rpc_optional_number(struct rpc_call *call, const char *name, uint64_t *value);
int rpc_optional_flag(struct rpc_call *call, const char *name, bool *value);
/* The library that the param "name" (or another) names; -ENOENT. */
int rpc_library(struct rpc_call *call, const char *param, struct library **library);
/* Gives the answer: takes it; -ENOMEM when there is none. */
int rpc_answer(struct rpc_call *call, json_t *answer);
__attribute__((format(printf, 3, 4))) int rpc_say(struct rpc_call *call, int error,
						  const char *format, ...);
json_t *rpc_bytes(const uint8_t *bytes, size_t size);

#endif
