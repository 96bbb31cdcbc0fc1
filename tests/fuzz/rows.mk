# SPDX-License-Identifier: MIT
# What stands once in a store or in rows of the catalogue.
ROW_FUZZERS = \
	tests/fuzz/fuzz-superblock \
	tests/fuzz/fuzz-segment \
	tests/fuzz/fuzz-anchor \
	tests/fuzz/fuzz-acl \
	tests/fuzz/fuzz-job
check_PROGRAMS += $(ROW_FUZZERS)
TESTS += $(ROW_FUZZERS)
tests_fuzz_fuzz_superblock_SOURCES = tests/fuzz/fuzz-superblock.c tests/fuzz/driver.c
tests_fuzz_fuzz_superblock_LDADD = $(STORE_LIBS)
tests_fuzz_fuzz_segment_SOURCES = tests/fuzz/fuzz-segment.c tests/fuzz/driver.c
tests_fuzz_fuzz_segment_LDADD = $(STORE_LIBS)
tests_fuzz_fuzz_anchor_SOURCES = tests/fuzz/fuzz-anchor.c tests/fuzz/driver.c
tests_fuzz_fuzz_anchor_LDADD = $(TREE_LIBS)
tests_fuzz_fuzz_acl_SOURCES = tests/fuzz/fuzz-acl.c tests/fuzz/driver.c
tests_fuzz_fuzz_acl_LDADD = $(TREE_LIBS)
tests_fuzz_fuzz_job_SOURCES = tests/fuzz/fuzz-job.c tests/fuzz/driver.c
tests_fuzz_fuzz_job_LDADD = $(TREE_LIBS)
