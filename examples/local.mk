# SPDX-License-Identifier: MIT
EXTRA_DIST += examples/quickstart.sh examples/setup.sh tests/run.sh
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	examples/exports \
	examples/ganesha.conf \
	examples/granary.conf \
	examples/granary-fsd@.service \
	examples/smb.conf
