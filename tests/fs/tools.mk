# SPDX-License-Identifier: MIT
# mkfs.granary, mount.granary, granary-fsd and fsck.granary on real stores and mounts.
EXTRA_DIST += tests/functions.sh
