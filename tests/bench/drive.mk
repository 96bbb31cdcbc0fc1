# SPDX-License-Identifier: MIT
# What a tape drive alone costs.
check_PROGRAMS += tests/bench/bench-drive
tests_bench_bench_drive_SOURCES = tests/bench/bench-drive.c
tests_bench_bench_drive_LDADD = $(TAPE_LIBS)
