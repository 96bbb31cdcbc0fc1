# SPDX-License-Identifier: MIT
include fs/chunk/local.mk
include fs/store/local.mk
include fs/tree/local.mk
include fs/fuse/local.mk
include fs/tool/local.mk
