/* SPDX-License-Identifier: MIT */
/* A tape drive whose disk hangs holds up nobody: the network's threads never wait for a cartridge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "target/tape/cartridge.h"
#include "target/tape/drive.h"
#include "tests/unit/initiator.h"
#include "tests/unit/tape_gate.h"

#define DRIVE_LUN 2u
#define BLOCK	  65536u

static struct scene scene;
static struct initiator initiator, other;
static struct scsi_buffer_pool *pool;
static struct drive *drive;
static char folder[] = "/tmp/granary-drive-XXXXXX";
static uint8_t block[BLOCK];

static int start(void **state)
{
	struct drive_settings settings = {
		.identity = {.vendor = "IBM", .product = "ULT3580-TD8", .revision = "H990",
			     .serial = "1013000101", .naa = {0x50, 1, 2, 3, 4, 5, 6, 7}},
		.generation = 8, .element = 500,
	};
	struct cartridge_info info = {
		.barcode = "TST001L8", .medium = "LTO-8", .capacity = 64u << 20, .partitions = 1,
		.partition_size = {64u << 20},
	};
	char path[64];
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(cartridge_create(folder, &info), 0);
	snprintf(path, sizeof(path), "%s/TST001L8", folder);
	settings.pool = pool = scsi_buffer_pool_new(16u << 20);
	assert_int_equal(drive_new(&settings, &drive), 0);
	assert_int_equal(drive_load(drive, path), 0);
	scene_start(&scene, NULL);
	assert_int_equal(scsi_target_add(scene.target, DRIVE_LUN, drive_lu(drive)), 0);
	initiator_init(&initiator, 1);
	initiator_enter(&initiator, &scene, KEYS("InitialR2T=No\0ImmediateData=Yes\0"));
	initiator_settle(&initiator);
	initiator_init(&other, 2);
	return 0;
}

static int stop(void **state)
{
	char line[64];
	(void)state;
	gate_open();
	initiator_logout(&initiator);
	initiator_free(&initiator);
	initiator_free(&other);
	scsi_target_remove(scene.target, DRIVE_LUN);
	drive_free(&drive);
	scene_stop(&scene);
	scsi_buffer_pool_free(&pool);
	snprintf(line, sizeof(line), "rm -rf '%s'", folder);
	return system(line);
}

static uint32_t tape_command(const uint8_t cdb[6], const void *data, uint32_t size)
{
	struct pdu pdu = {.opcode = PDU_COMMAND, .flags = PDU_FINAL | (size ? PDU_WRITE : 0),
			  .itt = initiator.next_itt++, .cmd_sn = initiator.cmd_sn++,
			  .lun = (uint64_t)DRIVE_LUN << 48, .expected_length = size};
	memcpy(pdu.cdb, cdb, 6);
	initiator_send(&initiator, &pdu, data, size);
	return pdu.itt;
}

static void nop(struct initiator *asks, uint32_t tag)
{
	struct pdu pdu = {.opcode = PDU_NOP_OUT, .immediate = true, .flags = PDU_FINAL, .itt = tag,
			  .transfer_tag = PDU_NO_TAG, .cmd_sn = asks->cmd_sn};
	initiator_send(asks, &pdu, block, 512);
	initiator_expect(asks, PDU_NOP_IN);
	assert_int_equal(asks->got.itt, tag);
}

/* The gate stays closed until all of them are answered: none waits for it, however long that takes. */
static void nops_and_logins_do_not_wait_for_a_disk_that_hangs(void **state)
{
	static const uint8_t ready[6] = {0}, write[6] = {0x0a, 0, 1, 0, 0}, flush[6] = {0x10};
	(void)state;
	for (unsigned i = 0; i < 3; i++) { /* what the tape and the start have to tell */
		tape_command(ready, NULL, 0);
		initiator_expect(&initiator, PDU_RESPONSE);
	}
	initiator_expect_good(&initiator, tape_command(write, block, BLOCK));
	gate_close();
	uint32_t itt = tape_command(flush, NULL, 0);
	gate_await();
	uint32_t behind = tape_command(write, block, BLOCK);
	uint64_t begin = clock_monotonic_ns();
	for (unsigned i = 0; i < 100; i++)
		nop(&initiator, 1000 + i);
	initiator_enter(&other, &scene, KEYS("InitialR2T=No\0ImmediateData=Yes\0"));
	nop(&other, 1);
	initiator_logout(&other);
	print_message("%u us for all\n", (unsigned)((clock_monotonic_ns() - begin) / 1000));
	gate_open();
	initiator_expect_good(&initiator, itt);
	initiator_expect_good(&initiator, behind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nops_and_logins_do_not_wait_for_a_disk_that_hangs, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
