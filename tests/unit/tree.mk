# SPDX-License-Identifier: MIT
TREE_TESTS = tests/unit/test-tree-names tests/unit/test-tree-xattr tests/unit/test-tree-data \
	tests/unit/test-tree-crash tests/unit/test-tree-threads tests/unit/test-tree-limits \
	tests/unit/test-tree-quota tests/unit/test-tree-full
check_PROGRAMS += $(TREE_TESTS)
TESTS += $(TREE_TESTS)
TREE_TEST_LIBS = $(TREE_LIBS) $(CMOCKA_LIBS)
TREE_TEST_UTIL = tests/unit/tree-util.c tests/unit/tree-util.h

tests_unit_test_tree_names_SOURCES = tests/unit/test-tree-names.c $(TREE_TEST_UTIL)
tests_unit_test_tree_names_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tree_names_LDADD = $(TREE_TEST_LIBS)

tests_unit_test_tree_xattr_SOURCES = tests/unit/test-tree-xattr.c $(TREE_TEST_UTIL)
tests_unit_test_tree_xattr_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tree_xattr_LDADD = $(TREE_TEST_LIBS)

tests_unit_test_tree_data_SOURCES = tests/unit/test-tree-data.c $(TREE_TEST_UTIL)
tests_unit_test_tree_data_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tree_data_LDADD = $(TREE_TEST_LIBS)

tests_unit_test_tree_crash_SOURCES = tests/unit/test-tree-crash.c $(TREE_TEST_UTIL)
tests_unit_test_tree_crash_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tree_crash_LDADD = $(TREE_TEST_LIBS)

tests_unit_test_tree_threads_SOURCES = tests/unit/test-tree-threads.c $(TREE_TEST_UTIL)
tests_unit_test_tree_threads_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tree_threads_LDADD = $(TREE_TEST_LIBS)

tests_unit_test_tree_limits_SOURCES = tests/unit/test-tree-limits.c $(TREE_TEST_UTIL)
tests_unit_test_tree_limits_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tree_limits_LDADD = $(TREE_TEST_LIBS)

tests_unit_test_tree_quota_SOURCES = tests/unit/test-tree-quota.c $(TREE_TEST_UTIL)
tests_unit_test_tree_quota_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tree_quota_LDADD = $(TREE_TEST_LIBS)

tests_unit_test_tree_full_SOURCES = tests/unit/test-tree-full.c $(TREE_TEST_UTIL)
tests_unit_test_tree_full_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tree_full_LDADD = $(TREE_TEST_LIBS)
