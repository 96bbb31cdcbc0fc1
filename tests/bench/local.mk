# SPDX-License-Identifier: MIT
include tests/bench/chunk.mk
include tests/bench/index.mk
include tests/bench/iscsi.mk
include tests/bench/drive.mk
include tests/bench/tape.mk
EXTRA_DIST += tests/bench/corpus.sh tests/bench/bench.sh tests/bench/tools.sh tests/bench/streams.sh \
	tests/bench/files.sh tests/bench/crash.sh tests/bench/index.sh tests/bench/report.sh tests/bench/report-tape.sh

# Root, the peers' packages, 15 GB and half an hour; the table and the plots go to bench/.
# PARTS="streams files crash index tape" chooses; the index alone needs neither peers nor packages.
.PHONY: bench
bench: all tests/bench/bench-index$(EXEEXT) $(bench_tape)
	top_builddir='$(abs_top_builddir)' $(top_srcdir)/tests/bench/bench.sh bench $(PARTS)
