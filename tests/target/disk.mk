# SPDX-License-Identifier: MIT
# A disk in memory behind the iSCSI server, for the protocol suites of other people.
check_PROGRAMS += tests/target/disk-targetd
tests_target_disk_targetd_SOURCES = tests/target/disk-targetd.c tests/target/disk.c tests/target/disk.h \
	tests/target/disk-opcodes.h
tests_target_disk_targetd_LDADD = $(ISCSI_LIBS)

dist_check_SCRIPTS += tests/target/test-iscsi-suite.sh
TESTS += tests/target/test-iscsi-suite.sh
