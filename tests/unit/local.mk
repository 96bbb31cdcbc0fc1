# SPDX-License-Identifier: MIT
# A unit test is a cmocka program; tests/unit/NAME.mk lists those of one module.
if HAVE_CMOCKA
include tests/unit/base.mk
include tests/unit/daemon.mk
include tests/unit/chunk.mk
include tests/unit/index.mk
include tests/unit/store.mk
include tests/unit/filemap.mk
include tests/unit/tree.mk
include tests/unit/model.mk
include tests/unit/target-scsi.mk
include tests/unit/target-iscsi.mk
include tests/unit/target-iscsi-wire.mk
include tests/unit/target-cartridge.mk
include tests/unit/target-drive.mk
include tests/unit/target-driveinfo.mk
include tests/unit/target-changer.mk
include tests/unit/target-service.mk
endif
