# SPDX-License-Identifier: MIT
include target/scsi/local.mk
include target/iscsi/local.mk
include target/tape/local.mk
include target/changer/local.mk
include target/service/local.mk
include target/tool/local.mk
