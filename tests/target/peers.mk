# SPDX-License-Identifier: MIT
# Other people's programs against granary-targetd. Two libraries to be preloaded into them bring them
# there; they are for unmodified programs, and so without sanitizers.
if HAVE_ISCSI
PEER_LINK = $(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@

check_PROGRAMS += tests/target/sgio.so tests/target/sbc-answer.so
tests_target_sgio_so_SOURCES = tests/target/sgio.c
tests_target_sgio_so_CFLAGS = -std=gnu11 -fPIC $(WARN_CFLAGS) $(LIBISCSI_CFLAGS)
tests_target_sgio_so_LDADD = $(LIBISCSI_LIBS)
tests_target_sgio_so_LINK = $(PEER_LINK)
tests_target_sbc_answer_so_SOURCES = tests/target/sbc-answer.c
tests_target_sbc_answer_so_CFLAGS = $(tests_target_sgio_so_CFLAGS)
tests_target_sbc_answer_so_LDADD = $(LIBISCSI_LIBS)
tests_target_sbc_answer_so_LINK = $(PEER_LINK)

PEER_TESTS = tests/target/test-peers-persist.sh tests/target/test-peers-sg.sh tests/target/test-peers-spc.sh
dist_check_SCRIPTS += $(PEER_TESTS)
TESTS += $(PEER_TESTS)
endif
