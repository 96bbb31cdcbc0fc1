# SPDX-License-Identifier: MIT
# The rules of the code that matter, as tests. Each skips where its tool is missing.
LINT_TESTS = \
	tests/lint/test-layers.sh \
	tests/lint/test-sources.sh \
	tests/lint/test-functions.sh \
	tests/lint/test-man.sh \
	tests/lint/test-man-options.sh \
	tests/lint/test-scripts.sh \
	tests/lint/test-completion.sh
dist_check_SCRIPTS += $(LINT_TESTS)
EXTRA_DIST += tests/lint/sources.sh tests/lint/functions.awk
TESTS += $(LINT_TESTS)
