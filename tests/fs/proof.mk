# SPDX-License-Identifier: MIT
# Random operations against a model, power cuts, damage, full disks.
check_PROGRAMS += tests/fs/model tests/fs/cutfs tests/fs/powercut
MODEL_SOURCES = tests/fs/model.h tests/fs/model-state.c tests/fs/model-run.c \
	tests/fs/model-check.c
tests_fs_model_SOURCES = tests/fs/model.c $(MODEL_SOURCES)
tests_fs_model_LDADD = $(BASE_LIBS)
tests_fs_powercut_SOURCES = tests/fs/powercut.c $(MODEL_SOURCES)
tests_fs_powercut_LDADD = $(BASE_LIBS)
tests_fs_cutfs_SOURCES = tests/fs/cutfs.c tests/fs/cutfs.h tests/fs/cutfs-node.c \
	tests/fs/cutfs-names.c tests/fs/cutfs-image.c tests/fs/cutfs-ops.c tests/fs/cutfs-ops.h \
	tests/fs/cutfs-data-ops.c
tests_fs_cutfs_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
tests_fs_cutfs_LDADD = $(BASE_LIBS) $(FUSE_LIBS)

PROOF_TESTS = tests/fs/test-model-native.sh tests/fs/test-cutfs.sh \
	tests/fs/test-model-mount.sh tests/fs/test-kill.sh \
	tests/fs/test-powercut.sh tests/fs/test-powercut-strict.sh \
	tests/fs/test-damage-segments.sh tests/fs/test-damage-index.sh \
	tests/fs/test-damage-catalogue.sh tests/fs/test-damage-wal.sh \
	tests/fs/test-damage-superblock.sh tests/fs/test-damage-row.sh tests/fs/test-damage-calls.sh \
	tests/fs/test-enospc-write.sh tests/fs/test-enospc-eio.sh tests/fs/test-losses.sh
dist_check_SCRIPTS += $(PROOF_TESTS)
TESTS += $(PROOF_TESTS)
EXTRA_DIST += tests/fs/cutfs.sh tests/fs/powercut.sh tests/fs/damage.sh
