#!/bin/bash
# SPDX-License-Identifier: MIT
# After a power cut at any moment, on a disk that orders names as a journal does, the
# store is whole and has what was synced.
. "${top_srcdir:-.}/tests/fs/powercut.sh" || exit 1

for ((run = 1; cuts_done < ${POWER_CUTS:-100}; run++)); do
	cut_run "$run" journal 20
done
echo "$cuts_done power cuts"
