#!/bin/bash
# SPDX-License-Identifier: MIT
# The POSIX suite holds on the machine's own filesystem: the suite's control.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1

"$top_builddir/tests/fs/posix-suite" "$(fresh_folder native)"
