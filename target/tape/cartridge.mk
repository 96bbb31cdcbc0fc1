# SPDX-License-Identifier: MIT
# Cartridges: folders that hold what a tape holds.
TAPE_CARTRIDGE_SOURCES = \
	target/tape/cartridge.h \
	target/tape/media.h
