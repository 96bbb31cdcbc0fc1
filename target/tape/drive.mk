# SPDX-License-Identifier: MIT
# The drive: its unit, write-behind, read-ahead, and the commands that move tape and data.
TAPE_DRIVE_SOURCES = \
	target/tape/drive.h target/tape/drive.c \
	target/tape/drive_ahead.h target/tape/drive_ahead.c \
	target/tape/drive_guard.h target/tape/drive_guard.c \
	target/tape/drive_load.c \
	target/tape/drive_medium.c \
	target/tape/drive_plan.c \
	target/tape/drive_position.c \
	target/tape/drive_private.h \
	target/tape/drive_read.h target/tape/drive_read.c \
	target/tape/drive_ring.h target/tape/drive_ring.c \
	target/tape/drive_state.c \
	target/tape/drive_verify.c \
	target/tape/drive_write.c
