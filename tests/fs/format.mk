# SPDX-License-Identifier: MIT
dist_check_SCRIPTS += tests/fs/test-format-reader.sh tests/fs/read-store.py
TESTS += tests/fs/test-format-reader.sh
