# SPDX-License-Identifier: MIT
# granary-targetd and the verbs of the command line that ask it.
VTL_TESTS = \
	tests/target/test-vtl-access.sh \
	tests/target/test-vtl-atomic.sh \
	tests/target/test-vtl-create.sh \
	tests/target/test-vtl-hooks.sh \
	tests/target/test-vtl-refuses.sh \
	tests/target/test-vtl-tapes.sh
dist_check_SCRIPTS += $(VTL_TESTS)
EXTRA_DIST += tests/target/targetd.sh
TESTS += $(VTL_TESTS)
THREAD_TESTS += $(VTL_TESTS)
