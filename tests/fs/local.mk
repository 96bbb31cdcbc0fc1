# SPDX-License-Identifier: MIT
include tests/fs/tools.mk
