# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-jsonrpc
TESTS += tests/fuzz/fuzz-jsonrpc
tests_fuzz_fuzz_jsonrpc_SOURCES = tests/fuzz/fuzz-jsonrpc.c tests/fuzz/driver.c
tests_fuzz_fuzz_jsonrpc_LDADD = $(DAEMON_LIBS)
