# SPDX-License-Identifier: MIT
# The medium changer, and which products a library can be.
noinst_LIBRARIES += target/changer/libchanger.a
target_changer_libchanger_a_SOURCES = \
	target/changer/changer.h target/changer/changer.c \
	target/changer/commands.c \
	target/changer/internal.h \
	target/changer/inventory.h target/changer/inventory.c \
	target/changer/pages.c \
	target/changer/personality.h target/changer/personality.c \
	target/changer/robot.c \
	target/changer/status.c \
	target/changer/tags.c
CHANGER_LIBS = target/changer/libchanger.a $(SCSI_LIBS)
