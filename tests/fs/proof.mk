# SPDX-License-Identifier: MIT
# Random operations against a model, power cuts, damage, full disks.
check_PROGRAMS += tests/fs/model
tests_fs_model_SOURCES = tests/fs/model.c tests/fs/model.h tests/fs/model-state.c \
	tests/fs/model-run.c tests/fs/model-check.c
tests_fs_model_LDADD = $(BASE_LIBS)

PROOF_TESTS = tests/fs/test-model-native.sh
dist_check_SCRIPTS += $(PROOF_TESTS)
TESTS += $(PROOF_TESTS)
