# SPDX-License-Identifier: MIT
# What depends on the kernel, under the one that Debian 12 has. Root where packages are missing.
GUEST_TESTS = \
	tests/fs/test-mount-direct.sh \
	tests/fs/test-mount-cache.sh \
	tests/fs/test-mount-handles.sh \
	tests/fs/test-posix-mount.sh \
	$(GUEST_TAPE_TESTS)
# The tape library with the kernel's own initiator and its drivers.
GUEST_TAPE_TESTS = \
	tests/guest/test-tape-changer.sh \
	tests/guest/test-tape-drive.sh \
	tests/guest/test-tape-modes.sh \
	tests/guest/test-tape-trouble.sh \
	tests/guest/test-tape-btape.sh \
	tests/guest/test-example-tar.sh
# Whole backup programs with the examples as they stand.
GUEST_APP_TESTS = \
	tests/guest/test-example-bacula.sh \
	tests/guest/test-example-amanda.sh
EXTRA_DIST += tests/guest/guest.sh tests/guest/init.sh tests/guest/inside.sh tests/guest/tape.sh \
	tests/guest/programs.sh $(GUEST_TAPE_TESTS) $(GUEST_APP_TESTS)

.PHONY: check-guest check-guest-apps
check-guest: all $(check_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		$(top_srcdir)/tests/guest/guest.sh guest $(GUEST_TESTS)

# Not in check-guest, which has minutes of its own.
check-guest-apps: all
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		$(top_srcdir)/tests/guest/guest.sh guest $(GUEST_APP_TESTS)
