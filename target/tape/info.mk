# SPDX-License-Identifier: MIT
# What a drive says about itself: mode, log and VPD pages, MAM, encryption.
TAPE_INFO_SOURCES =
