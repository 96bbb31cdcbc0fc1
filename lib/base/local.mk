# SPDX-License-Identifier: MIT
noinst_LIBRARIES += lib/base/libbase.a
lib_base_libbase_a_SOURCES = \
	lib/base/assert.h \
	lib/base/cleanup.h lib/base/cleanup.c \
	lib/base/clock.h lib/base/clock.c \
	lib/base/bytes.h \
	lib/base/crc32c.h lib/base/crc32c.c \
	lib/base/fault.h lib/base/fault.c \
	lib/base/file.h lib/base/file.c \
	lib/base/log.h lib/base/log.c \
	lib/base/mem.h lib/base/mem.c \
	lib/base/secret.h lib/base/secret.c \
	lib/base/wire.h lib/base/wire.c
BASE_LIBS = lib/base/libbase.a
