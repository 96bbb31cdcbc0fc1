# SPDX-License-Identifier: MIT
# One page a line; tests/lint holds them against mandoc and the programs' --help.
dist_man_MANS += man/granary.1
dist_man_MANS += man/granary-architecture.7
dist_man_MANS += man/granary-control.7
dist_man_MANS += man/granary-fs.1
dist_man_MANS += man/granary.conf.5
dist_man_MANS += man/fsck.granary.8
dist_man_MANS += man/granary-fsd.8
dist_man_MANS += man/mkfs.granary.8
dist_man_MANS += man/mount.granary.8
dist_man_MANS += man/granary-format.5
dist_man_MANS += man/granary-cartridge.5
dist_man_MANS += man/granary-scsi.7
dist_man_MANS += man/granary-tape.1
dist_man_MANS += man/granary-vtl.1
dist_man_MANS += man/granary-targetd.8
