# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/test-filemap-model
TESTS += tests/unit/test-filemap-model
tests_unit_test_filemap_model_SOURCES = tests/unit/test-filemap-model.c tests/unit/filemap_store.h
tests_unit_test_filemap_model_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_filemap_model_LDADD = fs/tree/libtree.a $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-filemap-shape
TESTS += tests/unit/test-filemap-shape
tests_unit_test_filemap_shape_SOURCES = tests/unit/test-filemap-shape.c tests/unit/filemap_store.h
tests_unit_test_filemap_shape_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_filemap_shape_LDADD = fs/tree/libtree.a $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-node
TESTS += tests/unit/test-node
tests_unit_test_node_SOURCES = tests/unit/test-node.c
tests_unit_test_node_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_node_LDADD = fs/tree/libtree.a $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-ref-set
TESTS += tests/unit/test-ref-set
tests_unit_test_ref_set_SOURCES = tests/unit/test-ref-set.c
tests_unit_test_ref_set_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ref_set_LDADD = fs/tree/libtree.a $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-clean
TESTS += tests/unit/test-clean
tests_unit_test_clean_SOURCES = tests/unit/test-clean.c tests/unit/tree_scene.h
tests_unit_test_clean_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_clean_LDADD = $(TREE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-scrub
TESTS += tests/unit/test-scrub
tests_unit_test_scrub_SOURCES = tests/unit/test-scrub.c tests/unit/tree_scene.h
tests_unit_test_scrub_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scrub_LDADD = $(TREE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-clean-failures
TESTS += tests/unit/test-clean-failures
tests_unit_test_clean_failures_SOURCES = tests/unit/test-clean-failures.c tests/unit/tree_scene.h
tests_unit_test_clean_failures_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_clean_failures_LDADD = $(TREE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-reference
TESTS += tests/unit/test-reference
tests_unit_test_reference_SOURCES = tests/unit/test-reference.c
tests_unit_test_reference_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_reference_LDADD = fs/tree/libtree.a $(BASE_LIBS) $(CMOCKA_LIBS)
