# SPDX-License-Identifier: MIT
store_test_support = tests/unit/store_support.h tests/unit/store_support.c
store_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
store_test_libs = $(STORE_LIBS) $(CMOCKA_LIBS)
store_tests = tests/unit/test-store \
	tests/unit/test-store-damage \
	tests/unit/test-store-repair \
	tests/unit/test-store-salvage \
	tests/unit/test-store-gaps \
	tests/unit/test-store-faults \
	tests/unit/test-store-sweep \
	tests/unit/test-store-threads \
	tests/unit/test-superblock \
	tests/unit/test-capping \
	tests/unit/test-catalogue \
	tests/unit/test-catalogue-pages \
	tests/unit/test-pack \
	tests/unit/test-pool \
	tests/unit/test-scan
check_PROGRAMS += $(store_tests)
TESTS += $(store_tests)

tests_unit_test_store_SOURCES = tests/unit/test-store.c $(store_test_support)
tests_unit_test_store_CFLAGS = $(store_test_cflags)
tests_unit_test_store_LDADD = $(store_test_libs)

tests_unit_test_store_gaps_SOURCES = tests/unit/test-store-gaps.c $(store_test_support)
tests_unit_test_store_gaps_CFLAGS = $(store_test_cflags)
tests_unit_test_store_gaps_LDADD = $(store_test_libs)
store_test_subject = tests/unit/store_subject.h tests/unit/store_subject.c
tests_unit_test_store_repair_SOURCES = tests/unit/test-store-repair.c $(store_test_support) \
	$(store_test_subject)
tests_unit_test_store_repair_CFLAGS = $(store_test_cflags)
tests_unit_test_store_repair_LDADD = $(store_test_libs)
tests_unit_test_store_salvage_SOURCES = tests/unit/test-store-salvage.c $(store_test_support) \
	$(store_test_subject)
tests_unit_test_store_salvage_CFLAGS = $(store_test_cflags)
tests_unit_test_store_salvage_LDADD = $(store_test_libs)
tests_unit_test_store_damage_SOURCES = tests/unit/test-store-damage.c $(store_test_support)
tests_unit_test_store_damage_CFLAGS = $(store_test_cflags)
tests_unit_test_store_damage_LDADD = $(store_test_libs)

tests_unit_test_store_faults_SOURCES = tests/unit/test-store-faults.c $(store_test_support)
tests_unit_test_store_faults_CFLAGS = $(store_test_cflags)
tests_unit_test_store_faults_LDADD = $(store_test_libs)

tests_unit_test_store_sweep_SOURCES = tests/unit/test-store-sweep.c $(store_test_support)
tests_unit_test_store_sweep_CFLAGS = $(store_test_cflags)
tests_unit_test_store_sweep_LDADD = $(store_test_libs)

tests_unit_test_store_threads_SOURCES = tests/unit/test-store-threads.c $(store_test_support)
tests_unit_test_store_threads_CFLAGS = $(store_test_cflags)
tests_unit_test_store_threads_LDADD = $(store_test_libs)

tests_unit_test_capping_SOURCES = tests/unit/test-capping.c $(store_test_support)
tests_unit_test_capping_CFLAGS = $(store_test_cflags)
tests_unit_test_capping_LDADD = $(store_test_libs)

tests_unit_test_superblock_SOURCES = tests/unit/test-superblock.c $(store_test_support)
tests_unit_test_superblock_CFLAGS = $(store_test_cflags)
tests_unit_test_superblock_LDADD = $(store_test_libs)

tests_unit_test_catalogue_SOURCES = tests/unit/test-catalogue.c
tests_unit_test_catalogue_CFLAGS = $(store_test_cflags)
tests_unit_test_catalogue_LDADD = $(store_test_libs)

tests_unit_test_catalogue_pages_SOURCES = tests/unit/test-catalogue-pages.c
tests_unit_test_catalogue_pages_CFLAGS = $(store_test_cflags)
tests_unit_test_catalogue_pages_LDADD = $(store_test_libs)

tests_unit_test_pack_SOURCES = tests/unit/test-pack.c
tests_unit_test_pack_CFLAGS = $(store_test_cflags)
tests_unit_test_pack_LDADD = $(store_test_libs)

tests_unit_test_pool_SOURCES = tests/unit/test-pool.c
tests_unit_test_pool_CFLAGS = $(store_test_cflags)
tests_unit_test_pool_LDADD = $(store_test_libs)

tests_unit_test_scan_SOURCES = tests/unit/test-scan.c $(store_test_support) \
	fs/tool/db.c fs/tool/packs.c fs/tool/scan.c
tests_unit_test_scan_CFLAGS = $(store_test_cflags)
tests_unit_test_scan_LDADD = $(store_test_libs)
