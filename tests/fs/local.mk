# SPDX-License-Identifier: MIT
include tests/fs/tools.mk
include tests/fs/proof.mk
include tests/fs/posix.mk
include tests/fs/format.mk
include tests/fs/clean.mk
include tests/fs/apps.mk
