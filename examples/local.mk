# SPDX-License-Identifier: MIT
EXTRA_DIST += examples/quickstart.sh examples/setup.sh tests/run.sh
