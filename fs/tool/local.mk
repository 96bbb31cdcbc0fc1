# SPDX-License-Identifier: MIT
sbin_PROGRAMS += fs/tool/mount.granary
fs_tool_mount_granary_SOURCES = \
	fs/tool/mount.c \
	fs/tool/mount_options.h fs/tool/mount_options.c \
	fs/tool/tool.h fs/tool/tool.c
fs_tool_mount_granary_LDADD = $(BASE_LIBS)
