# SPDX-License-Identifier: MIT
# What goes over the wire: PDUs, keys, login, CHAP, text; and who is let in.
ISCSI_WIRE_SOURCES = \
	target/iscsi/access.h target/iscsi/access.c \
	target/iscsi/auth.h target/iscsi/auth.c \
	target/iscsi/binary.c \
	target/iscsi/chap.h target/iscsi/chap.c \
	target/iscsi/keys.h target/iscsi/keys.c \
	target/iscsi/login.h target/iscsi/login.c \
	target/iscsi/names.h target/iscsi/names.c \
	target/iscsi/pdu.h target/iscsi/pdu.c \
	target/iscsi/text.h target/iscsi/text.c target/iscsi/text_exchange.c
