# SPDX-License-Identifier: MIT
# The drive: its unit, write-behind, read-ahead, and the commands that move tape and data.
TAPE_DRIVE_SOURCES = \
	target/tape/drive.h \
	target/tape/drive_private.h
