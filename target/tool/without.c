/* SPDX-License-Identifier: MIT */
/* What needs libiscsi, in a granary-tape that was built without it: says so. */
#include <errno.h>

#include "target/tool/source.h"
#include "target/tool/tool.h"

#define WITHOUT "granary-tape was built without libiscsi: drives and libraries cannot be reached"

static int without_start(struct source *s)
{
	source_damaged(s, WITHOUT);
	return -ENOTSUP;
}

static int without_next(struct source *s, struct source_item *item)
{
	(void)s;
	(void)item;
	return -ENOTSUP;
}

const struct source_class source_drive = {
	.name = "drive",
	.title = "a drive",
	.start = without_start,
	.next = without_next,
};

static enum tool_exit without(void)
{
	tool_complain(WITHOUT);
	return TOOL_FAILED;
}

enum tool_exit verb_read(const struct tool_call *call)
{
	(void)call;
	return without();
}

enum tool_exit verb_write(const struct tool_call *call)
{
	(void)call;
	return without();
}

enum tool_exit verb_selftest(const struct tool_call *call)
{
	(void)call;
	return without();
}
