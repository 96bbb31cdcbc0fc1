# SPDX-License-Identifier: MIT
# Tests with threads: each fragment adds its own; they run once more under ThreadSanitizer.
THREAD_TESTS =

include tests/unit/local.mk
include tests/fs/local.mk
include tests/svc/local.mk
include tests/fuzz/local.mk
include tests/lint/local.mk
include tests/bench/local.mk

AM_TESTS_ENVIRONMENT = \
	MALLOC_PERTURB_=$$(($$RANDOM % 255 + 1)); export MALLOC_PERTURB_; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir;
