# SPDX-License-Identifier: MIT
noinst_LIBRARIES += fs/fuse/libfront.a
fs_fuse_libfront_a_SOURCES = \
	fs/fuse/attributes.c \
	fs/fuse/coherence.h fs/fuse/coherence.c \
	fs/fuse/directories.c \
	fs/fuse/files.c \
	fs/fuse/fsd.h \
	fs/fuse/mountpoint.h fs/fuse/mountpoint.c \
	fs/fuse/names.c \
	fs/fuse/operations.h fs/fuse/operations.c \
	fs/fuse/rpc.c \
	fs/fuse/rpc_stats.c
fs_fuse_libfront_a_CPPFLAGS = $(AM_CPPFLAGS) $(FUSE_CFLAGS)
FRONT_LIBS = fs/fuse/libfront.a $(TREE_LIBS) $(DAEMON_LIBS) $(FUSE_LIBS)

sbin_PROGRAMS += fs/granary-fsd
fs_granary_fsd_SOURCES = fs/main.c
fs_granary_fsd_LDADD = $(FRONT_LIBS)
