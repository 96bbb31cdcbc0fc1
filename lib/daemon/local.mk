# SPDX-License-Identifier: MIT
noinst_LIBRARIES += lib/daemon/libdaemon.a
lib_daemon_libdaemon_a_SOURCES = \
	lib/daemon/settings.h lib/daemon/settings.c \
	lib/daemon/control.h lib/daemon/control.c \
	lib/daemon/daemon.h lib/daemon/daemon.c \
	lib/daemon/job.h lib/daemon/job.c \
	lib/daemon/methods.h lib/daemon/methods.c \
	lib/daemon/options.h lib/daemon/options.c \
	lib/daemon/ready.h lib/daemon/ready.c \
	lib/daemon/request.h lib/daemon/request.c \
	lib/daemon/rpc_client.c \
	lib/daemon/socket.h lib/daemon/socket.c \
	lib/daemon/state.h
AM_CPPFLAGS += $(JANSSON_CFLAGS) $(CONFIG_CFLAGS) $(EVENT_CFLAGS)
DAEMON_LIBS = lib/daemon/libdaemon.a $(BASE_LIBS) $(JANSSON_LIBS) $(CONFIG_LIBS) $(EVENT_LIBS)
