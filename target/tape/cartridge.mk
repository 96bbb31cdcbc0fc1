# SPDX-License-Identifier: MIT
# Cartridges and media: what the drive and granary-tape share.
noinst_LIBRARIES += target/tape/libcartridge.a
target_tape_libcartridge_a_SOURCES = \
	target/tape/cartridge.h \
	target/tape/media.h \
	target/tape/cartridge_private.h \
	target/tape/cartridge.c \
	target/tape/cartridge_clone.c \
	target/tape/cartridge_compact.c \
	target/tape/cartridge_write.c \
	target/tape/cartridge_read.c \
	target/tape/cartridge_data.c target/tape/cartridge_data.h \
	target/tape/cartridge_conf.c target/tape/cartridge_conf.h \
	target/tape/cartridge_mam.c target/tape/cartridge_mam.h \
	target/tape/cartridge_partition.c target/tape/cartridge_partition.h \
	target/tape/cartridge_stretches.c \
	target/tape/cartridge_records.c \
	target/tape/cartridge_runs.c target/tape/cartridge_runs.h \
	target/tape/cartridge_log.c target/tape/cartridge_log.h \
	target/tape/cartridge_scan.c \
	target/tape/cartridge_work.c \
	target/tape/guard.h target/tape/guard.c \
	target/tape/media.c
CARTRIDGE_LIBS = target/tape/libcartridge.a $(BASE_LIBS) $(CONFIG_LIBS)
