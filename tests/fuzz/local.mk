# SPDX-License-Identifier: MIT
include tests/fuzz/chunk.mk
include tests/fuzz/index.mk
include tests/fuzz/jsonrpc.mk
include tests/fuzz/store.mk
include tests/fuzz/rows.mk
include tests/fuzz/target-cartridge.mk
include tests/fuzz/target-changer.mk
include tests/fuzz/target-import.mk
include tests/fuzz/target-iscsi.mk
include tests/fuzz/target-scsi.mk
include tests/fuzz/target-drive.mk
include tests/fuzz/target-service.mk

EXTRA_DIST += tests/fuzz/fuzz.sh tests/fuzz/seeds

# libFuzzer, a minute a target (SECONDS_EACH=N), in the build folder's fuzz/.
.PHONY: fuzz
fuzz:
	CC='$(FUZZ_CC)' $(top_srcdir)/tests/fuzz/fuzz.sh '$(abs_top_srcdir)' fuzz
