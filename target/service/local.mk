# SPDX-License-Identifier: MIT
# Libraries as they are kept and served; what granary-targetd is made of.
noinst_LIBRARIES += target/service/libservice.a
target_service_libservice_a_SOURCES = \
	target/service/access.c \
	target/service/access_file.c target/service/secrets_file.c target/service/access_io.h \
	target/service/chores.h target/service/chores.c \
	target/service/config.c \
	target/service/config_load.c \
	target/service/config_save.c \
	target/service/create.c \
	target/service/failed.c \
	target/service/folder.h target/service/folder.c \
	target/service/hooks.h target/service/hooks.c \
	target/service/known.h target/service/known.c \
	target/service/library.h target/service/library.c \
	target/service/manage.c \
	target/service/moves.h target/service/moves.c \
	target/service/names.h target/service/names.c \
	target/service/plan.h target/service/plan.c \
	target/service/reader.h target/service/reader.c \
	target/service/reservations.h target/service/reservations.c \
	target/service/rpc.h target/service/rpc.c \
	target/service/rpc_access.c \
	target/service/rpc_devices.c \
	target/service/rpc_library.c \
	target/service/rpc_tape.c \
	target/service/service.h target/service/service.c \
	target/service/tape_clone.c \
	target/service/tape_life.c \
	target/service/tape_make.c \
	target/service/tapes.h target/service/tapes.c
SERVICE_LIBS = target/service/libservice.a $(CHANGER_LIBS) $(TAPE_LIBS) $(ISCSI_LIBS) $(DAEMON_LIBS)

sbin_PROGRAMS += target/granary-targetd
target_granary_targetd_SOURCES = target/main.c
target_granary_targetd_LDADD = $(SERVICE_LIBS)
