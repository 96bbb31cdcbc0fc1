# SPDX-License-Identifier: MIT
bin_PROGRAMS += svc/cli/granary
svc_cli_granary_SOURCES = \
	svc/cli/command.h svc/cli/command.c \
	svc/cli/completion.h svc/cli/completion.c \
	svc/cli/daemon.c \
	svc/cli/fs.c \
	svc/cli/fs_explain.c \
	svc/cli/fs_job.c \
	svc/cli/fs_status.c \
	svc/cli/locate.h svc/cli/locate.c \
	svc/cli/main.c \
	svc/cli/progress.h svc/cli/progress.c \
	svc/cli/remote.h svc/cli/remote.c \
	svc/cli/table.h svc/cli/table.c \
	svc/cli/tape.c \
	svc/cli/tape_tool.c \
	svc/cli/target.h svc/cli/target.c \
	svc/cli/verbs.h \
	svc/cli/vtl.c \
	svc/cli/vtl_access.c \
	svc/cli/vtl_devices.c
svc_cli_granary_CPPFLAGS = $(AM_CPPFLAGS) -DGRANARY_SBINDIR='"$(sbindir)"' \
	-DGRANARY_BINDIR='"$(bindir)"'
svc_cli_granary_LDADD = $(DAEMON_LIBS)

# A test compares it with what "granary completion bash" prints.
completiondir = $(datadir)/bash-completion/completions
dist_completion_DATA = svc/cli/completions/granary
