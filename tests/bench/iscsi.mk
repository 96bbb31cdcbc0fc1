# SPDX-License-Identifier: MIT
# What the iSCSI server alone costs.
if HAVE_ISCSI
check_PROGRAMS += tests/bench/bench-iscsi
tests_bench_bench_iscsi_SOURCES = tests/bench/bench-iscsi.c
tests_bench_bench_iscsi_CFLAGS = $(AM_CFLAGS) $(LIBISCSI_CFLAGS)
tests_bench_bench_iscsi_LDADD = $(BASE_LIBS) $(LIBISCSI_LIBS)
endif
