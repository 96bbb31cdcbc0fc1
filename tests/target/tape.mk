# SPDX-License-Identifier: MIT
# granary-tape, and the verbs of `granary tape` that run it.
TAPE_TESTS = \
	tests/target/test-tape-drive.sh \
	tests/target/test-tape-files.sh \
	tests/target/test-tape-import.sh \
	tests/target/test-tape-reserve.sh \
	tests/target/test-tape-tgt.sh \
	tests/target/test-vtl-selftest.sh
dist_check_SCRIPTS += $(TAPE_TESTS)
EXTRA_DIST += tests/target/tape-formats.py
TESTS += $(TAPE_TESTS)
