# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fs/posix-suite
tests_fs_posix_suite_SOURCES = tests/fs/posix.h tests/fs/posix.c tests/fs/posix-open.c \
	tests/fs/posix-name.c tests/fs/posix-rename.c tests/fs/posix-attr.c tests/fs/posix-perm.c \
	tests/fs/posix-xattr.c tests/fs/posix-io.c tests/fs/posix-space.c tests/fs/posix-map.c \
	tests/fs/posix-dir.c tests/fs/posix-lock.c tests/fs/posix-limit.c tests/fs/posix-rules.c
dist_check_SCRIPTS += tests/fs/test-posix-native.sh tests/fs/test-posix-mount.sh tests/fs/test-posix-writeback.sh
TESTS += tests/fs/test-posix-native.sh tests/fs/test-posix-mount.sh tests/fs/test-posix-writeback.sh
