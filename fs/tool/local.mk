# SPDX-License-Identifier: MIT
sbin_PROGRAMS += mount.granary
mount_granary_SOURCES = \
	fs/tool/mount.c \
	fs/tool/mount_options.h fs/tool/mount_options.c \
	fs/tool/tool.h fs/tool/tool.c
mount_granary_LDADD = $(BASE_LIBS)
