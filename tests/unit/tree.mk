# SPDX-License-Identifier: MIT
TREE_TESTS = tests/unit/test-tree-names
check_PROGRAMS += $(TREE_TESTS)
TESTS += $(TREE_TESTS)
TREE_TEST_LIBS = $(TREE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_tree_names_SOURCES = tests/unit/test-tree-names.c tests/unit/tree-util.c tests/unit/tree-util.h
tests_unit_test_tree_names_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tree_names_LDADD = $(TREE_TEST_LIBS)
