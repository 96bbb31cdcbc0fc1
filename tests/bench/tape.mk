# SPDX-License-Identifier: MIT
# What a tape drive is worth to an initiator.
EXTRA_DIST += tests/bench/tape.sh
if HAVE_ISCSI
check_PROGRAMS += tests/bench/bench-tape
tests_bench_bench_tape_SOURCES = tests/bench/bench-tape.c
tests_bench_bench_tape_CFLAGS = $(AM_CFLAGS) $(LIBISCSI_CFLAGS)
tests_bench_bench_tape_LDADD = $(TAPE_LIBS) $(LIBISCSI_LIBS)
bench_tape = tests/bench/bench-tape$(EXEEXT)
endif
