# SPDX-License-Identifier: MIT
# granary-tape: what the files of cartridges hold, other formats, and drives of other libraries.
noinst_LIBRARIES += target/tool/libsource.a
target_tool_libsource_a_SOURCES = \
	target/tool/aws.c \
	target/tool/label.h target/tool/label.c \
	target/tool/mhvtl.c \
	target/tool/simh.c \
	target/tool/stop.c \
	target/tool/source.h target/tool/source.c \
	target/tool/tgt.c \
	target/tool/tool.h target/tool/tool.c
target_tool_libsource_a_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
SOURCE_LIBS = target/tool/libsource.a $(CARTRIDGE_LIBS) $(ZLIB_LIBS)

bin_PROGRAMS += target/tool/granary-tape
target_tool_granary_tape_SOURCES = \
	target/tool/cat.c \
	target/tool/check.c \
	target/tool/content.h target/tool/content.c \
	target/tool/export.c \
	target/tool/files.c \
	target/tool/import.c \
	target/tool/main.c \
	target/tool/source_open.c \
	target/tool/stretch.h target/tool/stretch.c
if HAVE_ISCSI
target_tool_granary_tape_SOURCES += \
	target/tool/drive.c \
	target/tool/initiator.h target/tool/initiator.c \
	target/tool/remote.h target/tool/remote.c \
	target/tool/reserve.h target/tool/reserve.c \
	target/tool/selftest.h target/tool/selftest.c \
	target/tool/selftest_guard.c \
	target/tool/selftest_rows.c \
	target/tool/selftest_tape.c
else
target_tool_granary_tape_SOURCES += target/tool/without.c
endif
target_tool_granary_tape_CFLAGS = $(AM_CFLAGS) $(ARCHIVE_CFLAGS) $(LIBISCSI_CFLAGS)
target_tool_granary_tape_LDADD = $(SOURCE_LIBS) $(ARCHIVE_LIBS) $(LIBISCSI_LIBS)
