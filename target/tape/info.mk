# SPDX-License-Identifier: MIT
# What a drive says about itself: mode, log and VPD pages, MAM, encryption.
TAPE_INFO_SOURCES = \
	target/tape/drive_info.h target/tape/drive_info.c \
	target/tape/drive_mode.c \
	target/tape/drive_partitions.c target/tape/drive_partitions.h \
	target/tape/drive_vpd.c \
	target/tape/drive_log.c target/tape/drive_log.h \
	target/tape/drive_log_events.c \
	target/tape/drive_log_volume.c \
	target/tape/drive_density.c \
	target/tape/drive_mam.c \
	target/tape/drive_mam_write.c target/tape/drive_mam.h \
	target/tape/drive_crypt.c target/tape/drive_crypt.h \
	target/tape/drive_crypt_in.c \
	target/tape/drive_crypt_out.c \
	target/tape/drive_seal.c
