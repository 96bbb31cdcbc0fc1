# SPDX-License-Identifier: MIT
# Portals, connections, sessions, data transfer.
ISCSI_SERVER_SOURCES = \
	target/iscsi/arrivals.h target/iscsi/arrivals.c \
	target/iscsi/async.c \
	target/iscsi/command.c \
	target/iscsi/connection.h target/iscsi/connection.c \
	target/iscsi/data_in.c \
	target/iscsi/data_out.c \
	target/iscsi/follow.h target/iscsi/follow.c \
	target/iscsi/full.c \
	target/iscsi/peer.h target/iscsi/peer.c \
	target/iscsi/guess.h target/iscsi/guess.c \
	target/iscsi/iscsi.h \
	target/iscsi/management.c \
	target/iscsi/network.h target/iscsi/network.c \
	target/iscsi/offer.c \
	target/iscsi/portal.c \
	target/iscsi/receive.c \
	target/iscsi/send.c \
	target/iscsi/server.h target/iscsi/server.c \
	target/iscsi/session.c \
	target/iscsi/session_login.c
