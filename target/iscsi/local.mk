# SPDX-License-Identifier: MIT
include target/iscsi/wire.mk
include target/iscsi/server.mk

noinst_LIBRARIES += target/iscsi/libiscsitarget.a
target_iscsi_libiscsitarget_a_SOURCES = $(ISCSI_WIRE_SOURCES) $(ISCSI_SERVER_SOURCES)
ISCSI_LIBS = target/iscsi/libiscsitarget.a $(SCSI_LIBS) $(BASE_LIBS) $(CRYPTO_LIBS) $(EVENT_LIBS)
