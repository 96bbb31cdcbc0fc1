# SPDX-License-Identifier: MIT
include tests/fs/tools.mk
include tests/fs/proof.mk
