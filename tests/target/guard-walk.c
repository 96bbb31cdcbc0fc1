/* SPDX-License-Identifier: MIT */
/*
 * guard-walk PORTAL TARGET GENERATION
 *
 * Does with drive 1 of a library, which holds a tape, what backup software does that protects blocks:
 * asks whether the drive can, turns it on with MODE SELECT, writes blocks of many sizes with their
 * checksums, one of them wrong, and reads them back with either checksum and with none. The checksums
 * are computed here bit by bit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/target/sense_host.h"

#define DRIVE 1
#define ROOM  (1u << 20)
#define GUARD 4u

enum { NONE, REED_SOLOMON, CRC32C, METHODS };
enum { READS = 0x40, WRITES = 0x80, BOTH = 0xc0 };

static struct host *hosts[2];
static uint8_t room[ROOM], block[ROOM];
static struct told told;

static const uint32_t sizes[] = {1, 3, 4, 5, 1000, 65536, 262144, 262145};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

#define fail(...) host_fail(&told, __VA_ARGS__)

static void send(unsigned who, const uint8_t *cdb, const void *out, size_t out_size, size_t in_size)
{
	memset(room, 0xee, in_size);
	if (!host_run(hosts[who], DRIVE, cdb, host_cdb_size(cdb[0]), out_size ? out : NULL, out_size,
		      in_size ? room : NULL, in_size, &told))
		fail("%02x: no answer", cdb[0]);
}

static void run(const char *what, unsigned who, const uint8_t *cdb, const void *out, size_t out_size,
		size_t in_size)
{
	send(who, cdb, out, out_size, in_size);
	if (told.key != TOLD_GOOD)
		fail("%s", what);
}

static void quiet(unsigned who)
{
	for (unsigned tries = 0; tries < 10; tries++) {
		send(who, CDB(0x00), NULL, 0, 0);
		if (told.key == TOLD_GOOD)
			return;
	}
	fail("TEST UNIT READY");
}

/* ---- checksums --------------------------------------------------------------------------- */

static uint8_t field_multiply(uint8_t a, uint8_t b)
{
	unsigned product = 0, factor = a;
	for (unsigned bit = 0; bit < 8; bit++) {
		if (b >> bit & 1)
			product ^= factor;
		factor <<= 1;
		if (factor & 0x100)
			factor ^= 0x11d;
	}
	return (uint8_t)product;
}

static void guard_put(unsigned method, const uint8_t *data, size_t size, uint8_t *guard)
{
	uint32_t crc = method == CRC32C ? UINT32_MAX : 0;
	for (size_t i = 0; i < size; i++)
		if (method == CRC32C) {
			crc ^= data[i];
			for (unsigned bit = 0; bit < 8; bit++)
				crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
		} else {
			uint8_t out = (uint8_t)(crc >> 24) ^ data[i], middle = field_multiply(0x38, out);
			crc = crc << 8 ^ ((uint32_t)middle << 24 | (uint32_t)field_multiply(0xcf, out) << 16 |
					  (uint32_t)middle << 8 | out);
		}
	if (method == CRC32C)
		crc = __builtin_bswap32(~crc);
	be_put32(guard, crc);
}

/* Block `number` in block[]; its size with its checksum. */
static uint32_t block_make(uint32_t size, unsigned number, unsigned method)
{
	for (uint32_t i = 0; i < size; i++)
		block[i] = (uint8_t)(number * 41 + i * 7 + i / 251);
	if (!method)
		return size;
	guard_put(method, block, size, block + size);
	return size + GUARD;
}

/* ---- pieces ------------------------------------------------------------------------------ */

static void select_page(unsigned who, unsigned method, unsigned flags)
{
	uint8_t list[40] = {0, 0, 0, 0x10, 0, 0, 0, 0, 0x4a, 0xf0, 0, 0x1c};
	list[12] = (uint8_t)method;
	list[13] = method ? GUARD : 0;
	list[14] = method ? (uint8_t)flags : 0;
	send(who, CDB(0x55, 0x10, 0, 0, 0, 0, 0, 0, sizeof(list)), list, sizeof(list), 0);
}

static void protect(unsigned who, unsigned method, unsigned flags)
{
	select_page(who, method, flags);
	if (told.key != TOLD_GOOD)
		fail("MODE SELECT of method %u", method);
	run("MODE SENSE", who, CDB(0x5a, 8, 0x0a, 0xf0, 0, 0, 0, 0, 40), NULL, 0, 40);
	if (room[12] != method || room[13] != (method ? GUARD : 0) || room[14] != (method ? flags : 0))
		fail("method %u is not what was set: %u, %02x", room[12], method, flags);
}

static void block_length(uint32_t length)
{
	uint8_t list[12] = {0, 0, 0x10, 8};
	be_put24(list + 9, length);
	run("MODE SELECT(6)", 0, CDB(0x15, 0x10, 0, 0, 12), list, 12, 0);
}

static void check_at(const char *where, uint64_t object)
{
	run("READ POSITION", 0, CDB(0x34, 6), NULL, 0, 32);
	if (be_get64(room + 8) != object)
		fail("%s: at object %llu", where, (unsigned long long)be_get64(room + 8));
}

static void write_blocks(unsigned method)
{
	for (unsigned n = 0; n < SIZES; n++) {
		uint8_t cdb[16] = {0x0a};
		uint32_t size = block_make(sizes[n], n, method);
		be_put24(cdb + 2, size);
		run("WRITE", 0, cdb, block, size, 0);
	}
	run("WRITE FILEMARKS", 0, CDB(0x10, 0, 0, 0, 1), NULL, 0, 0);
}

static void read_blocks(unsigned who, unsigned method)
{
	run("REWIND", who, CDB(0x01), NULL, 0, 0);
	for (unsigned n = 0; n < SIZES; n++) {
		uint8_t cdb[16] = {0x08};
		uint32_t size = block_make(sizes[n], n, method);
		be_put24(cdb + 2, size);
		run("READ", who, cdb, NULL, 0, size);
		if (told.residual || memcmp(room, block, size) != 0)
			fail("block %u of method %u is another", n, method);
	}
	send(who, CDB(0x08, 0, 0, 1, 0), NULL, 0, 256);
	if (told.key != 0 || told.code != 0x0001)
		fail("the filemark of method %u", method);
}

/* One that is wrong is not written, and the tape stays as it is; so it is in the middle of fixed ones. */
static void write_wrong(unsigned method)
{
	uint8_t list[8 * 104];
	run("REWIND", 0, CDB(0x01), NULL, 0, 0);
	block_make(1000, 9, method);
	block[500] ^= 4;
	send(0, CDB(0x0a, 0, 0, 1004 >> 8, 1004 & 0xff), block, 1004, 0);
	if (told.key != 4 || told.code != 0x1001 || told.information != 1004 || told.residual != 1004)
		fail("a block that does not fit method %u, residual %lld", method, (long long)told.residual);
	check_at("a wrong block", 0);
	run("READ", 0, CDB(0x08, 0, 0, 0, 5), NULL, 0, 5);

	for (unsigned n = 0; n < 8; n++) {
		block_make(100, n, method);
		memcpy(list + (size_t)n * 104, block, 104);
	}
	list[5 * 104 + 102] ^= 0x80;
	run("REWIND", 0, CDB(0x01), NULL, 0, 0);
	block_length(104);
	send(0, CDB(0x0a, 1, 0, 0, 8), list, sizeof(list), 0);
	if (told.key != 4 || told.code != 0x1001 || told.information != 3 || told.residual != 3 * 104)
		fail("fixed blocks that do not fit method %u, residual %lld", method, (long long)told.residual);
	check_at("wrong fixed blocks", 5);
	run("REWIND", 0, CDB(0x01), NULL, 0, 0);
	run("READ, fixed", 0, CDB(0x08, 1, 0, 0, 5), NULL, 0, 5 * 104);
	if (memcmp(room, list, 5 * 104) != 0)
		fail("fixed blocks of method %u are others", method);
	run("REWIND", 0, CDB(0x01), NULL, 0, 0);
	block_length(0);
}

static void check_inquiry(unsigned last)
{
	run("INQUIRY", 0, CDB(0x12, 0, 0, 0, 96), NULL, 0, 96);
	if ((room[5] & 1) != (last > 0))
		fail("PROTECT is %u", room[5] & 1);
	send(0, CDB(0x12, 1, 0xb5, 0, 96), NULL, 0, 96);
	if (last ? told.key != TOLD_GOOD || be_get16(room + 2) != 4 + 4 * last : told.code != 0x2400)
		fail("VPD page B5h, of %u bytes", be_get16(room + 2));
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	unsigned generation = (unsigned)strtoul(argv[3], NULL, 10);
	unsigned last = generation < 5 ? NONE : generation < 7 ? REED_SOLOMON : CRC32C;
	for (unsigned who = 0; who < 2; who++) {
		hosts[who] = host_open(argv[1], argv[2], who ? "iqn.2026-01.org.granary:b" : "iqn.2026-01.org.granary:a");
		if (!hosts[who])
			return 1;
		quiet(who);
	}
	check_inquiry(last);
	for (unsigned method = REED_SOLOMON; method < METHODS; method++) {
		if (method > last) {
			select_page(0, method, BOTH);
			if (told.key != 5 || told.code != 0x2600)
				fail("method %u of generation %u", method, generation);
			continue;
		}
		run("REWIND", 0, CDB(0x01), NULL, 0, 0);
		protect(0, method, BOTH);
		write_blocks(method);
		read_blocks(0, method);
		protect(0, NONE, 0);
		read_blocks(0, NONE);
		quiet(1); /* which only hears of block lengths */
		read_blocks(1, NONE);
		protect(1, last, READS);
		read_blocks(1, last);
		protect(1, NONE, 0);
		protect(0, method, BOTH);
		write_wrong(method);
		protect(0, NONE, 0);
	}
	/* A session that is lost does not: the host goes on with it. */
	if (last) {
		protect(0, last, BOTH);
		host_drop(hosts[0]);
		if (!host_login(hosts[0]))
			return 1;
		quiet(0);
		run("REWIND", 0, CDB(0x01), NULL, 0, 0);
		write_blocks(last);
		read_blocks(0, last);
		protect(0, NONE, 0);
		read_blocks(0, NONE);
	}
	host_close(&hosts[0]);
	host_close(&hosts[1]);
	return 0;
}
