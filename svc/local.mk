# SPDX-License-Identifier: MIT
include svc/cli/local.mk
