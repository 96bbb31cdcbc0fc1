/* SPDX-License-Identifier: MIT */
/* The control socket: connections, request lines, answers. granary-control.7 */
#ifndef LIB_DAEMON_CONTROL_H
#define LIB_DAEMON_CONTROL_H

#include <stdint.h>

#include "lib/daemon/daemon.h"

#define CONTROL_LINE_MAX	(1u << 20) /* bytes of a request */
#define CONTROL_CONNECTIONS_MAX 64u
#define CONTROL_JOBS_MAX	16u /* threaded methods at a time */

struct control;

/* Makes the socket and serves it from d's loop. 0 or -errno, after one logged sentence. */
int control_open(struct daemon *d, const char *path, struct control **control);
/* No request is begun any more; waits for those on threads and hands over their answers.
 * Connections stay, so that a client sees by their end that the daemon is done. */
void control_quiesce(struct control *control);
void control_close(struct control **control);

struct control_stats {
	uint64_t requests, failures, refused, connections;
};
void control_get_stats(const struct control *control, struct control_stats *stats);

#endif
