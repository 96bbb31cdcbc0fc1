# SPDX-License-Identifier: MIT
# Tests with threads: they run once more under ThreadSanitizer. Fragments may add to them.
THREAD_TESTS = tests/fs/test-posix-mount.sh
if HAVE_CMOCKA
THREAD_TESTS += \
	tests/unit/test-fingerprint \
	tests/unit/test-pool \
	tests/unit/test-index \
	tests/unit/test-index-stream \
	tests/unit/test-store \
	tests/unit/test-store-sweep \
	tests/unit/test-store-threads \
	tests/unit/test-tree-crash \
	tests/unit/test-tree-data \
	tests/unit/test-tree-threads \
	tests/unit/test-clean
endif

include tests/unit/local.mk
include tests/fs/local.mk
include tests/svc/local.mk
include tests/target/local.mk
include tests/guest/local.mk
include tests/fuzz/local.mk
include tests/lint/local.mk
include tests/bench/local.mk
include tests/torture.mk

AM_TESTS_ENVIRONMENT = \
	MALLOC_PERTURB_=$$(($$RANDOM % 255 + 1)); export MALLOC_PERTURB_; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir;
