# SPDX-License-Identifier: MIT
# What a cartridge has on disk.
CARTRIDGE_FUZZERS = \
	tests/fuzz/fuzz-cartridge-index \
	tests/fuzz/fuzz-cartridge-memory \
	tests/fuzz/fuzz-cartridge-conf
check_PROGRAMS += $(CARTRIDGE_FUZZERS)
TESTS += $(CARTRIDGE_FUZZERS)
tests_fuzz_fuzz_cartridge_index_SOURCES = tests/fuzz/fuzz-cartridge-index.c tests/fuzz/driver.c
tests_fuzz_fuzz_cartridge_index_LDADD = $(CARTRIDGE_LIBS)
tests_fuzz_fuzz_cartridge_memory_SOURCES = tests/fuzz/fuzz-cartridge-memory.c tests/fuzz/driver.c
tests_fuzz_fuzz_cartridge_memory_LDADD = $(CARTRIDGE_LIBS)
tests_fuzz_fuzz_cartridge_conf_SOURCES = tests/fuzz/fuzz-cartridge-conf.c tests/fuzz/driver.c
tests_fuzz_fuzz_cartridge_conf_LDADD = $(CARTRIDGE_LIBS)
