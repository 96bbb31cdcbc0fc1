# SPDX-License-Identifier: MIT
# What goes over the wire: PDUs, keys, login, CHAP, text.
ISCSI_WIRE_SOURCES = \
	target/iscsi/pdu.h target/iscsi/pdu.c \
	target/iscsi/login.h
