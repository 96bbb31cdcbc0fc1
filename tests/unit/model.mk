# SPDX-License-Identifier: MIT
# The model that other tests compare with.
check_PROGRAMS += tests/unit/test-model
TESTS += tests/unit/test-model
tests_unit_test_model_SOURCES = tests/unit/test-model.c tests/fs/model.h tests/fs/model-state.c
tests_unit_test_model_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_model_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
