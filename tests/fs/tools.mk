# SPDX-License-Identifier: MIT
# mkfs.granary, mount.granary, granary-fsd and fsck.granary on real stores and mounts.
EXTRA_DIST += tests/functions.sh

check_PROGRAMS += tests/fs/catalogue-sql
tests_fs_catalogue_sql_SOURCES = tests/fs/catalogue-sql.c
tests_fs_catalogue_sql_LDADD = $(STORE_LIBS)

TOOL_TESTS = \
	tests/fs/test-accounts.sh \
	tests/fs/test-fsck-damage.sh \
	tests/fs/test-fsck-directory.sh \
	tests/fs/test-fsck-dump.sh \
	tests/fs/test-fsck-index.sh \
	tests/fs/test-fsck-refuses.sh \
	tests/fs/test-fsck-repair.sh \
	tests/fs/test-fsck-lost.sh \
	tests/fs/test-fsck-restore.sh \
	tests/fs/test-fsck-segments.sh \
	tests/fs/test-install.sh \
	tests/fs/test-mkfs-makes-store.sh \
	tests/fs/test-mkfs-parameters.sh \
	tests/fs/test-mkfs-refuses.sh \
	tests/fs/test-mount-cache.sh \
	tests/fs/test-mount-compression.sh \
	tests/fs/test-mount-control.sh \
	tests/fs/test-mount-direct.sh \
	tests/fs/test-mount-clone.sh \
	tests/fs/test-mount-cycle.sh \
	tests/fs/test-mount-disk.sh \
	tests/fs/test-mount-failure.sh \
	tests/fs/test-mount-handles.sh \
	tests/fs/test-mount-helper.sh \
	tests/fs/test-mount-limits.sh \
	tests/fs/test-mount-mapped.sh \
	tests/fs/test-mount-options.sh \
	tests/fs/test-mount-paths.sh \
	tests/fs/test-mount-refuses.sh \
	tests/fs/test-mount-stop.sh \
	tests/fs/test-mount-user.sh
dist_check_SCRIPTS += $(TOOL_TESTS)
TESTS += $(TOOL_TESTS)
