# SPDX-License-Identifier: MIT
# Cleaning and scrubbing on a mount.
CLEAN_TESTS = \
	tests/fs/test-clean-full.sh \
	tests/fs/test-clean-kill.sh \
	tests/fs/test-clean-mount.sh \
	tests/fs/test-clean-restore.sh \
	tests/fs/test-model-clean.sh \
	tests/fs/test-scrub-mount.sh \
	tests/fs/test-job-follow.sh
dist_check_SCRIPTS += $(CLEAN_TESTS)
TESTS += $(CLEAN_TESTS)
