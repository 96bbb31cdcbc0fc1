# SPDX-License-Identifier: MIT
index_unit_programs = tests/unit/test-index tests/unit/test-index-damage tests/unit/test-index-stream
index_unit_shared = tests/unit/index-cmocka.h tests/unit/index-util.h
check_PROGRAMS += $(index_unit_programs)
TESTS += $(index_unit_programs)

tests_unit_test_index_SOURCES = tests/unit/test-index.c $(index_unit_shared)
tests_unit_test_index_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_index_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_index_damage_SOURCES = tests/unit/test-index-damage.c $(index_unit_shared)
tests_unit_test_index_damage_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_index_damage_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_index_stream_SOURCES = tests/unit/test-index-stream.c tests/unit/index-stream.h \
	$(index_unit_shared)
tests_unit_test_index_stream_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_index_stream_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
