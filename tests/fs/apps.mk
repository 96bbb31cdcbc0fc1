# SPDX-License-Identifier: MIT
# Real programs on the mount, and what they lean on: quotas, clones, dedup, handles, healing.
# `make torture` runs some of them with APPS_FULL=1: larger.
APPS_TESTS = \
	tests/fs/test-apps-compile.sh \
	tests/fs/test-apps-git.sh \
	tests/fs/test-apps-nfs.sh \
	tests/fs/test-apps-samba.sh \
	tests/fs/test-apps-sqlite.sh \
	tests/fs/test-apps-tar-rsync.sh \
	tests/fs/test-clone.sh \
	tests/fs/test-dedup.sh \
	tests/fs/test-mount-fstab.sh \
	tests/fs/test-parallel.sh \
	tests/fs/test-quota.sh
dist_check_SCRIPTS += $(APPS_TESTS)
TESTS += $(APPS_TESTS)
THREAD_TESTS += tests/fs/test-parallel.sh
EXTRA_DIST += tests/fs/mount8.sh tests/fs/servers.sh

if HAVE_NFS
check_PROGRAMS += tests/fs/nfs-client
tests_fs_nfs_client_SOURCES = tests/fs/nfs-client.c
tests_fs_nfs_client_CFLAGS = $(AM_CFLAGS) $(NFS_CFLAGS)
tests_fs_nfs_client_LDADD = $(BASE_LIBS) $(NFS_LIBS)
endif
