# SPDX-License-Identifier: MIT
# Portals, connections, sessions, data transfer.
ISCSI_SERVER_SOURCES = \
	target/iscsi/iscsi.h
