# SPDX-License-Identifier: MIT
# Random operations and power cuts for hours, kill -9, damage, full disks, the POSIX suite with a
# folder of a million entries, large trees through real programs, a whole backup program in the guest.
# TORTURE_MINUTES bounds it.
TORTURE_TESTS = $(PROOF_TESTS) \
	tests/fs/test-posix-mount.sh \
	tests/fs/test-model-clean.sh \
	tests/fs/test-parallel.sh \
	tests/fs/test-apps-compile.sh \
	tests/fs/test-apps-git.sh \
	tests/fs/test-apps-sqlite.sh \
	tests/fs/test-apps-tar-rsync.sh \
	tests/target/test-cartridge-power.sh
if HAVE_CMOCKA
TORTURE_TESTS += tests/unit/test-clean-failures tests/unit/test-filemap-model \
	tests/unit/test-cartridge-crash
endif
if HAVE_ISCSI
TORTURE_TESTS += tests/target/test-tape-killed.sh
endif
EXTRA_DIST += tests/torture.sh

.PHONY: torture
torture: all $(check_PROGRAMS)
	+status=0; MAKE='$(MAKE)' $(top_srcdir)/tests/torture.sh $(TORTURE_TESTS) || status=1; \
		$(MAKE) check-guest-apps && exit "$$status"
