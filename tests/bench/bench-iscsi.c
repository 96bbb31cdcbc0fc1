/* SPDX-License-Identifier: MIT */
/*
 * What the iSCSI server alone costs: blocks written to and read from a unit that
 * does nothing with them, one command at a time, through libiscsi over loopback.
 *
 *   bench-iscsi URL [SECONDS [--raw]]
 *
 * With --raw the unit is disk-targetd's, which has commands that move data without looking
 * at it; else it is asked by READ(10) and WRITE(10), as any target's disk can be.
 * Prints one line for each size and direction: bytes a second and microseconds a command.
 */
#include <errno.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "tests/target/disk-opcodes.h"

#define SIZE_MAX_RUN (1u << 20)

struct bench {
	struct iscsi_context *iscsi;
	int lun;
	bool raw; /* our own unit */
	double seconds;
	unsigned char *data;
};

static struct scsi_task *task_make(const struct bench *bench, bool write, uint32_t size)
{
	unsigned char cdb[10] = {0};
	if (bench->raw) {
		cdb[0] = write ? DISK_RAW_WRITE : DISK_RAW_READ;
		if (!write)
			be_put32(cdb + 2, size);
	} else {
		cdb[0] = write ? 0x2a : 0x28;
		be_put16(cdb + 7, (uint16_t)(size / DISK_BLOCK));
	}
	struct scsi_task *task = scsi_create_task(10, cdb, write ? SCSI_XFER_WRITE : SCSI_XFER_READ, (int)size);
	if (task && !write)
		scsi_task_add_data_in_buffer(task, (int)size, bench->data);
	return task;
}

static int command(const struct bench *bench, bool write, uint32_t size)
{
	struct iscsi_data out = {.size = size, .data = bench->data};
	struct scsi_task *task = size ? task_make(bench, write, size) : scsi_cdb_testunitready();
	if (!task)
		return -ENOMEM;
	int status = iscsi_scsi_command_sync(bench->iscsi, bench->lun, task, write && size ? &out : NULL)
			     ? task->status
			     : -1;
	scsi_free_scsi_task(task);
	return status;
}

static int measure(const struct bench *bench, bool write, uint32_t size)
{
	uint64_t begin = clock_monotonic_ns(), limit = (uint64_t)(bench->seconds * 1e9), spent, count = 0;
	do {
		if (command(bench, write, size)) {
			fprintf(stderr, "a command failed: %s\n", iscsi_get_error(bench->iscsi));
			return -EIO;
		}
		count++;
		spent = clock_monotonic_ns() - begin;
	} while (spent < limit);
	printf("%-5s %7u bytes  %8.1f MB/s  %8.1f us\n", size ? write ? "write" : "read" : "ready", size,
	       (double)(count * size) / (double)spent * 1e3, (double)spent / (double)count / 1e3);
	fflush(stdout);
	return 0;
}

static int run(struct bench *bench, const char *portal, const char *target)
{
	static const uint32_t sizes[] = {8u << 10, 64u << 10, 256u << 10, 1u << 20};
	bench->iscsi = iscsi_create_context("iqn.2026-11.test:bench-initiator");
	bench->data = calloc(1, SIZE_MAX_RUN);
	if (!bench->iscsi || !bench->data)
		return -ENOMEM;
	iscsi_set_targetname(bench->iscsi, target);
	iscsi_set_session_type(bench->iscsi, ISCSI_SESSION_NORMAL);
	if (iscsi_full_connect_sync(bench->iscsi, portal, bench->lun)) {
		fprintf(stderr, "%s: %s\n", portal, iscsi_get_error(bench->iscsi));
		return -EIO;
	}
	int error = measure(bench, false, 0);
	for (size_t i = 0; !error && i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++)
		error = measure(bench, i % 2 == 0, sizes[i / 2]);
	iscsi_logout_sync(bench->iscsi);
	return error;
}

static int run_url(struct bench *bench, const char *text)
{
	struct iscsi_context *parser = iscsi_create_context("iqn.2026-11.test:bench-initiator");
	struct iscsi_url *url = parser ? iscsi_parse_full_url(parser, text) : NULL;
	if (!url) {
		fprintf(stderr, "%s: not an iSCSI URL\n", text);
		return -EINVAL;
	}
	bench->lun = url->lun;
	int error = run(bench, url->portal, url->target);
	iscsi_destroy_url(url);
	iscsi_destroy_context(parser);
	return error;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: bench-iscsi URL [SECONDS [--raw]]\n");
		return 2;
	}
	struct bench bench = {
		.seconds = argc > 2 ? atof(argv[2]) : 2,
		.raw = argc > 3 && !strcmp(argv[3], "--raw"),
	};
	int error = run_url(&bench, argv[1]);
	if (bench.iscsi)
		iscsi_destroy_context(bench.iscsi);
	free(bench.data);
	return error ? 1 : 0;
}
