# SPDX-License-Identifier: MIT
EXTRA_DIST += examples/quickstart.sh examples/setup.sh tests/run.sh
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	examples/amanda.conf \
	examples/bacula-sd.conf \
	examples/bareos-sd.conf \
	examples/exports \
	examples/ganesha.conf \
	examples/granary.conf \
	examples/granary-fsd@.service \
	examples/granary-targetd.service \
	examples/smb.conf \
	examples/tar-to-tape.sh
