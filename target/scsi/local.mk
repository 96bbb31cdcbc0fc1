# SPDX-License-Identifier: MIT
# The SCSI layer between transports and devices.
noinst_LIBRARIES += target/scsi/libscsi.a
target_scsi_libscsi_a_SOURCES = \
	target/scsi/alerts.h target/scsi/alerts.c \
	target/scsi/attention.c \
	target/scsi/buffer.h target/scsi/buffer.c \
	target/scsi/common.h target/scsi/common.c \
	target/scsi/diagnostic.c \
	target/scsi/dispatch.c \
	target/scsi/inquiry.c \
	target/scsi/log_page.h target/scsi/log_page.c \
	target/scsi/logs.c \
	target/scsi/lu.c \
	target/scsi/manage.c \
	target/scsi/mode.h target/scsi/mode.c target/scsi/mode_sense.c target/scsi/mode_select.c \
	target/scsi/persistent.h target/scsi/persistent.c \
	target/scsi/persistent_in.c target/scsi/persistent_keep.c target/scsi/persistent_out.c \
	target/scsi/queue.c \
	target/scsi/report_luns.c \
	target/scsi/reserve.h target/scsi/reserve.c \
	target/scsi/scsi.h \
	target/scsi/self_test.h target/scsi/self_test.c \
	target/scsi/sense.h target/scsi/sense.c \
	target/scsi/supported.c \
	target/scsi/target.c \
	target/scsi/task.c \
	target/scsi/unit.h
SCSI_LIBS = target/scsi/libscsi.a $(BASE_LIBS)
