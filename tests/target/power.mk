# SPDX-License-Identifier: MIT
# Cartridges as files: power cuts, and a reader that knows the format from its manual page alone.
check_PROGRAMS += tests/target/cartridge-tool
tests_target_cartridge_tool_SOURCES = tests/target/cartridge-tool.c \
	tests/unit/cartridge_model.c tests/unit/cartridge_model.h
tests_target_cartridge_tool_LDADD = $(CARTRIDGE_LIBS)

CARTRIDGE_SYSTEM_TESTS = tests/target/test-cartridge-power.sh tests/target/test-cartridge-reader.sh \
	tests/target/test-cartridge-full.sh tests/target/test-cartridge-mount.sh
EXTRA_DIST += tests/target/read-cartridge.py
dist_check_SCRIPTS += $(CARTRIDGE_SYSTEM_TESTS)
TESTS += $(CARTRIDGE_SYSTEM_TESTS)

# An initiator's, whose target, disk or filesystem goes.
if HAVE_ISCSI
check_PROGRAMS += tests/target/tape-killed
tests_target_tape_killed_SOURCES = tests/target/tape-killed.c tests/target/sense_host.c tests/target/sense_host.h
tests_target_tape_killed_CFLAGS = $(AM_CFLAGS) $(LIBISCSI_CFLAGS)
tests_target_tape_killed_LDADD = $(LIBISCSI_LIBS)
dist_check_SCRIPTS += tests/target/test-tape-killed.sh
TESTS += tests/target/test-tape-killed.sh
endif
