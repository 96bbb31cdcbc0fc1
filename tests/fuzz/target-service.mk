# SPDX-License-Identifier: MIT
# What granary-targetd keeps of a library.
SERVICE_FUZZERS = tests/fuzz/fuzz-library tests/fuzz/fuzz-secrets tests/fuzz/fuzz-reservations
check_PROGRAMS += $(SERVICE_FUZZERS)
TESTS += $(SERVICE_FUZZERS)
tests_fuzz_fuzz_library_SOURCES = tests/fuzz/fuzz-library.c tests/fuzz/driver.c
tests_fuzz_fuzz_library_LDADD = $(SERVICE_LIBS)
tests_fuzz_fuzz_secrets_SOURCES = tests/fuzz/fuzz-secrets.c tests/fuzz/driver.c
tests_fuzz_fuzz_secrets_LDADD = $(SERVICE_LIBS)
tests_fuzz_fuzz_reservations_SOURCES = tests/fuzz/fuzz-reservations.c tests/fuzz/commands.h tests/fuzz/driver.c
tests_fuzz_fuzz_reservations_LDADD = $(SERVICE_LIBS)
