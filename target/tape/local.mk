# SPDX-License-Identifier: MIT
include target/tape/cartridge.mk
include target/tape/drive.mk
include target/tape/info.mk

noinst_LIBRARIES += target/tape/libtape.a
target_tape_libtape_a_SOURCES = $(TAPE_DRIVE_SOURCES) $(TAPE_INFO_SOURCES)
TAPE_LIBS = target/tape/libtape.a $(CARTRIDGE_LIBS) $(SCSI_LIBS) $(BASE_LIBS) $(CRYPTO_LIBS) $(CONFIG_LIBS)
