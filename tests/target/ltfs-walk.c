/* SPDX-License-Identifier: MIT */
/*
 * ltfs-walk PORTAL TARGET
 *
 * Does with drive 1 of a library, which holds a tape of 4 GB or more, what LTFS does through sg: opens
 * and reserves it, makes two partitions, writes labels and indexes into both, tells in the memory of
 * the tape which of them are the latest, takes the tape out, finds them again, appends, and unformats.
 * The commands and the shape of their lists are those that LTFS sends; each must end GOOD unless it is
 * said otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/target/sense_host.h"

#define DRIVE	   1
#define BLOCK	   (512u << 10)
#define ROOM	   (1u << 20)
#define INDEX	   0u /* partition of the indexes */
#define DATA	   1u
#define LABEL_SIZE 80u
#define APPENDED   12u /* blocks */

static struct host *host;
static uint8_t room[ROOM], block[BLOCK];
static struct told told;

#define fail(...) host_fail(&told, __VA_ARGS__)

static void send(const uint8_t *cdb, const void *out, size_t out_size, size_t in_size)
{
	memset(room, 0, in_size);
	if (!host_run(host, DRIVE, cdb, host_cdb_size(cdb[0]), out_size ? out : NULL, out_size,
		      in_size ? room : NULL, in_size, &told))
		fail("%02x: no answer", cdb[0]);
}

static void run(const char *what, const uint8_t *cdb, const void *out, size_t out_size, size_t in_size)
{
	send(cdb, out, out_size, in_size);
	if (told.key != TOLD_GOOD)
		fail("%s", what);
}

/* ---- pieces ---- */

static void mode_sense(uint8_t code, uint8_t subpage, size_t size)
{
	run("MODE SENSE(10)", CDB(0x5a, 0, code, subpage, 0, 0, 0, (uint8_t)(size >> 8), (uint8_t)size),
	    NULL, 0, size);
}

/* Sends back what mode_sense() has read, changed. */
static void mode_select(size_t size)
{
	uint8_t list[64];
	memcpy(list, room, size);
	list[0] = list[1] = 0;
	run("MODE SELECT(10)", CDB(0x55, 0x10, 0, 0, 0, 0, 0, 0, (uint8_t)size), list, size, 0);
}

static size_t log_sense(uint8_t code)
{
	run("LOG SENSE", CDB(0x4d, 0, (uint8_t)(0x40 | code), 0, 0, 0, 0, 0xff, 0xff), NULL, 0, 0xffff);
	return 4u + be_get16(room + 2);
}

/* The value of a parameter, and its length. */
static const uint8_t *log_value(uint8_t page, uint16_t code, uint8_t *length)
{
	size_t size = log_sense(page);
	for (size_t at = 4; at + 4 <= size; at += 4u + room[at + 3])
		if (be_get16(room + at) == code) {
			*length = room[at + 3];
			return room + at + 4;
		}
	fail("log page %02x has no %04x", page, code);
}

/* Of volume statistics, in MB; 0 when the partition is not there. */
static uint32_t partition_value(uint16_t code, unsigned partition)
{
	uint8_t length;
	const uint8_t *value = log_value(0x17, code, &length);
	for (unsigned at = 0; at + 8 <= length; at += value[at] + 1u)
		if (be_get16(value + at + 2) == partition)
			return be_get32(value + at + 4);
	return 0;
}

static void locate(unsigned partition, uint64_t object)
{
	uint8_t cdb[16] = {0x92, 0x02, 0, (uint8_t)partition};
	be_put64(cdb + 4, object);
	run("LOCATE(16)", cdb, NULL, 0, 0);
}

static void locate_end(unsigned partition)
{
	run("LOCATE(16), end of data", CDB(0x92, 0x02 | 3 << 3, 0, (uint8_t)partition), NULL, 0, 0);
}

static void check_at(const char *what, unsigned partition, uint64_t object, uint64_t file)
{
	run("READ POSITION, long form", CDB(0x34, 0x06), NULL, 0, 32);
	if (be_get32(room + 4) != partition || be_get64(room + 8) != object || be_get64(room + 16) != file)
		fail("%s: at %u/%llu, file %llu", what, be_get32(room + 4),
		     (unsigned long long)be_get64(room + 8), (unsigned long long)be_get64(room + 16));
}

static void write_block(const void *data, size_t size)
{
	run("WRITE(6)", CDB(0x0a, 0, (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size), data,
	    size, 0);
}

static void write_mark(void)
{
	run("WRITE FILEMARKS(6)", CDB(0x10, 0, 0, 0, 1), NULL, 0, 0);
}

/* As LTFS reads: for any length up to a block's. */
static void read_block(const char *what, const void *data, size_t size)
{
	run(what, CDB(0x08, 0x02, BLOCK >> 16, BLOCK >> 8 & 0xff, BLOCK & 0xff), NULL, 0, BLOCK);
	if (told.residual != (int64_t)(BLOCK - size) || memcmp(room, data, size) != 0)
		fail("%s: not what was written", what);
}

static const void *payload(unsigned n)
{
	for (size_t i = 0; i < BLOCK; i++)
		block[i] = (uint8_t)(i * 7 + i / 251 + n * 13);
	return block;
}

/* ---- the memory of the tape ---- */

/* LTFS counts the four bytes of the length too: PARAMETER DATA LENGTH is not to be looked at. */
static void attribute_write(unsigned partition, uint16_t id, uint8_t format, const void *value,
			    uint16_t length)
{
	uint8_t list[256] = {0};
	uint32_t size = 4u + 5u + length;
	be_put32(list, size);
	be_put16(list + 4, id);
	list[6] = format;
	be_put16(list + 7, length);
	memcpy(list + 9, value, length);
	run("WRITE ATTRIBUTE",
	    CDB(0x8d, 0x01, 0, 0, 0, 0, 0, (uint8_t)partition, 0, 0, 0, 0, 0, (uint8_t)size), list, size,
	    0);
}

static const uint8_t *attribute_read(unsigned partition, uint16_t id, uint16_t length)
{
	uint16_t size = 4u + 5u + length;
	run("READ ATTRIBUTE",
	    CDB(0x8c, 0, 0, 0, 0, 0, 0, (uint8_t)partition, (uint8_t)(id >> 8), (uint8_t)id, 0, 0,
		(uint8_t)(size >> 8), (uint8_t)size),
	    NULL, 0, size);
	if (be_get16(room + 4) != id || be_get16(room + 7) != length)
		fail("attribute %04x has %u bytes", id, be_get16(room + 7));
	return room + 9;
}

static uint32_t change_reference(void)
{
	return be_get32(attribute_read(INDEX, 0x0009, 4));
}

enum { COHERENCY_SIZE = 70 };

static void coherency_fill(uint8_t value[COHERENCY_SIZE], uint64_t generation, uint64_t at)
{
	static const char identifier[43] = "LTFS\0" "b64b2ecf-5d2a-4a1c-9a3c-0123456789ab" "\0\1";
	memset(value, 0, COHERENCY_SIZE);
	value[0] = 8;
	be_put64(value + 1, change_reference());
	be_put64(value + 9, generation);
	be_put64(value + 17, at);
	be_put16(value + 25, sizeof(identifier));
	memcpy(value + 27, identifier, sizeof(identifier));
}

static void coherency_write(unsigned partition, uint64_t generation, uint64_t at)
{
	uint8_t value[COHERENCY_SIZE];
	coherency_fill(value, generation, at);
	attribute_write(partition, 0x080c, 0, value, sizeof(value));
}

static void coherency_check(unsigned partition, uint64_t generation, uint64_t at)
{
	uint8_t value[COHERENCY_SIZE];
	coherency_fill(value, generation, at);
	if (memcmp(attribute_read(partition, 0x080c, COHERENCY_SIZE), value, sizeof(value)) != 0)
		fail("partition %u is not known to hold index %llu", partition,
		     (unsigned long long)generation);
}

/* ---- what LTFS does ---- */

static const uint8_t key[8] = "LTFSWALK";

static void reserve_out(uint8_t action, const void *reservation_key, const void *action_key)
{
	uint8_t list[24] = {0};
	memcpy(list, reservation_key, 8);
	memcpy(list + 8, action_key, 8);
	run("PERSISTENT RESERVE OUT", CDB(0x5f, action, 0x03, 0, 0, 0, 0, 0, sizeof(list)), list,
	    sizeof(list), 0);
}

/* Each opcode that it uses is there, with a timeout. */
static void check_commands(void)
{
	static const uint8_t used[] = {
		0x00, 0x01, 0x04, 0x05, 0x08, 0x0a, 0x0b, 0x10, 0x12, 0x19, 0x1b, 0x1d, 0x1e, 0x34,
		0x3b, 0x3c, 0x44, 0x4c, 0x4d, 0x55, 0x5a, 0x5e, 0x5f, 0x82, 0x8c, 0x8d, 0x91, 0x92,
	};
	run("REPORT SUPPORTED OPERATION CODES", CDB(0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 0x80, 0), NULL, 0,
	    0x8000);
	size_t size = 4 + be_get32(room);
	for (size_t i = 0; i < sizeof(used); i++) {
		size_t at = 4;
		while (at + 20 <= size && room[at] != used[i])
			at += room[at + 5] & 0x02 ? 20 : 8;
		if (at + 20 > size || !(room[at + 5] & 0x02) || !be_get32(room + at + 16))
			fail("command %02x is not reported with a timeout", used[i]);
	}
}

static void open_drive(void)
{
	unsigned tries = 10;
	do
		send(CDB(0x00), NULL, 0, 0);
	while (told.key == 6 && --tries);
	run("TEST UNIT READY", CDB(0x00), NULL, 0, 0);
	run("INQUIRY", CDB(0x12, 0, 0, 0, 96), NULL, 0, 96);
	run("INQUIRY, serial number", CDB(0x12, 1, 0x80, 0, 0xff), NULL, 0, 0xff);
	check_commands();
	reserve_out(0x06, "\0\0\0\0\0\0\0", key);
	reserve_out(0x01, key, "\0\0\0\0\0\0\0");
	run("READ FULL STATUS", CDB(0x5e, 0x03, 0, 0, 0, 0, 0, 4, 0), NULL, 0, 0x400);
	if (be_get32(room + 4) < 24 || memcmp(room + 8, key, 8) != 0 || (room[8 + 13] & 0x0f) != 3)
		fail("the reservation is not told");
	run("PREVENT ALLOW MEDIUM REMOVAL", CDB(0x1e, 0, 0, 0, 1), NULL, 0, 0);
}

static void load_tape(void)
{
	run("LOAD UNLOAD", CDB(0x1b, 0, 0, 0, 1), NULL, 0, 0);
	send(CDB(0x00), NULL, 0, 0); /* a new tape, said or not */
	run("TEST UNIT READY", CDB(0x00), NULL, 0, 0);
	check_at("after a load", 0, 0, 0);
	mode_sense(0x3f, 0, 0xff);
	if (!room[2] || !room[8])
		fail("medium type %02x, density %02x", room[2], room[8]);
}

/* What it sets in a drive before it does anything: no block protection, compression, early warning. */
static void set_defaults(void)
{
	run("READ BLOCK LIMITS", CDB(0x05), NULL, 0, 6);
	if (be_get24(room + 1) < BLOCK)
		fail("blocks of %u", be_get24(room + 1));
	mode_sense(0x0a, 0xf0, 48);
	room[20] = room[21] = room[22] = 0;
	mode_select(48);
	mode_sense(0x0f, 0, 32);
	room[18] |= 0x80;
	mode_select(32);
	mode_sense(0x10, 0, 32);
	mode_sense(0x10, 1, 48);
	room[21] &= 0x0f;
	be_put16(room + 22, 64);
	mode_select(48);
}

static void check_health(void)
{
	uint8_t length;
	static const uint16_t statistics[] = {1, 2, 3, 4, 7, 8, 9, 0x0c, 0x0d, 0x10, 0x11};
	for (size_t i = 0; i < sizeof(statistics) / sizeof(statistics[0]); i++)
		log_value(0x17, statistics[i], &length);
	for (uint16_t flag = 1; flag <= 64; flag++)
		if (*log_value(0x2e, flag, &length) || length != 1)
			fail("TapeAlert flag %u", flag);
}

static void format_two(void)
{
	load_tape();
	run("SET CAPACITY", CDB(0x0b, 0, 0, 0xff, 0xff), NULL, 0, 0);
	mode_sense(0x11, 0, 28);
	room[19] = 1;
	room[20] = 0x20 | (room[20] & 0x1f);
	room[22] = 9;
	be_put16(room + 24, 1);
	be_put16(room + 26, 0xffff);
	mode_select(28);
	run("FORMAT MEDIUM, two partitions", CDB(0x04, 0, 1), NULL, 0, 0);
	if (partition_value(0x0202, INDEX) != 1000 || partition_value(0x0202, DATA) < 1000)
		fail("partitions of %u and %u MB", partition_value(0x0202, INDEX),
		     partition_value(0x0202, DATA));
	if (partition_value(0x0204, INDEX) != 1000 || partition_value(0x0203, DATA) != 0)
		fail("partitions are not empty");
}

/* VOL1 label, a filemark, the label of LTFS, a filemark. */
static void write_labels(unsigned partition)
{
	char label[LABEL_SIZE];
	memset(label, ' ', sizeof(label));
	memcpy(label, "VOL1LTFS01", 10);
	locate(partition, 0);
	write_block(label, sizeof(label));
	write_mark();
	write_block(payload(1000 + partition), 4096);
	write_mark();
	check_at("after the labels", partition, 4, 2);
}

static void check_labels(unsigned partition)
{
	char label[LABEL_SIZE];
	memset(label, ' ', sizeof(label));
	memcpy(label, "VOL1LTFS01", 10);
	locate(partition, 0);
	read_block("VOL1 label", label, sizeof(label));
	run("SPACE(6), a filemark", CDB(0x11, 1, 0, 0, 1), NULL, 0, 0);
	read_block("label", payload(1000 + partition), 4096);
}

/* A filemark, the index, a filemark; at the end of the partition. */
static void write_index(unsigned partition, unsigned generation, uint64_t at, uint64_t file)
{
	check_at("before an index", partition, at, file);
	write_mark();
	write_block(payload(generation), BLOCK);
	write_block(payload(generation + 1), 777);
	write_mark();
	check_at("after an index", partition, at + 4, file + 2);
	coherency_write(partition, generation, at + 1);
}

/* From the end of data: two filemarks back and one block on is where it begins. */
static void check_index(unsigned partition, unsigned generation, uint64_t at, uint64_t file)
{
	locate_end(partition);
	check_at("at the end of data", partition, at + 4, file + 2);
	run("SPACE(16), two filemarks back",
	    CDB(0x91, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe), NULL, 0, 0);
	check_at("before the last index", partition, at, file);
	locate(partition, at + 1);
	read_block("index", payload(generation), BLOCK);
	read_block("index, its end", payload(generation + 1), 777);
	send(CDB(0x08, 0x02, 0, 0x10, 0), NULL, 0, 0x1000);
	if (told.key != 0 || told.code != 0x0001)
		fail("no filemark behind the index");
	coherency_check(partition, generation, at + 1);
}

static void write_host_attributes(void)
{
	static const struct {
		uint16_t id, length;
		uint8_t format;
		const char *value;
	} attributes[] = {
		{0x0800, 8, 1, "GRANARY "},
		{0x0801, 32, 1, "a walk as of LTFS               "},
		{0x0802, 8, 1, "2.4.0   "},
		{0x0805, 1, 0, "\x81"},
		{0x0806, 32, 1, "A00001L8                        "},
		{0x080b, 16, 1, "2.4.0           "},
		{0x1623, 1, 0, "\0"},
	};
	char label[160] = "the volume's name";
	attribute_write(INDEX, 0x0803, 2, label, sizeof(label));
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		attribute_write(INDEX, attributes[i].id, attributes[i].format, attributes[i].value,
				attributes[i].length);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (memcmp(attribute_read(INDEX, attributes[i].id, attributes[i].length),
			   attributes[i].value, attributes[i].length) != 0)
			fail("attribute %04x", attributes[i].id);
}

static void append(uint64_t at, uint64_t file)
{
	locate_end(DATA);
	check_at("where files are appended", DATA, at, file);
	for (unsigned i = 0; i < APPENDED; i++)
		write_block(payload(i), BLOCK);
	run("WRITE FILEMARKS(6), none", CDB(0x10), NULL, 0, 0);
	check_at("after the files", DATA, at + APPENDED, file);
}

/* The old index of the index partition is written over; the drive lets only what was announced. */
static void replace_index(unsigned generation)
{
	uint8_t cdb[16] = {0x82, 0, 0x01, INDEX};
	mode_sense(0x10, 1, 48);
	room[21] = (uint8_t)(0x10 | (room[21] & 0x0f));
	mode_select(48);
	locate(INDEX, 4);
	send(CDB(0x0a, 0, 0, 0x10, 0), block, 0x1000, 0);
	if (told.key != 7)
		fail("append-only mode has let a block be written over");
	be_put64(cdb + 4, 4);
	run("ALLOW OVERWRITE", cdb, NULL, 0, 0);
	write_index(INDEX, generation, 4, 2);
	mode_sense(0x10, 1, 48);
	room[21] &= 0x0f;
	mode_select(48);
}

/* The tape is taken out and put in: the reference holds until something is written. */
static void reload(void)
{
	uint32_t before = change_reference();
	run("PREVENT ALLOW MEDIUM REMOVAL", CDB(0x1e), NULL, 0, 0);
	run("LOAD UNLOAD, out", CDB(0x1b), NULL, 0, 0);
	send(CDB(0x00), NULL, 0, 0);
	if (told.key != 2)
		fail("ready without a tape");
	load_tape();
	run("PREVENT ALLOW MEDIUM REMOVAL", CDB(0x1e, 0, 0, 0, 1), NULL, 0, 0);
	if (change_reference() != before)
		fail("the volume change reference has moved by itself");
}

static void unformat(void)
{
	load_tape();
	mode_sense(0x11, 0, 28);
	if (room[19] != 1)
		fail("%u additional partitions", room[19]);
	run("FORMAT MEDIUM, one partition", CDB(0x04), NULL, 0, 0);
	mode_sense(0x11, 0, 28);
	if (room[19] || partition_value(0x0202, DATA))
		fail("there are two partitions still");
	send(CDB(0x08, 0x02, 0, 0x10, 0), NULL, 0, 0x1000);
	if (told.key != 8)
		fail("the tape is not blank");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	host = host_open(argv[1], argv[2], "iqn.2026-11.local.granary:ltfs-walk");
	if (!host)
		return 1;
	open_drive();
	load_tape();
	set_defaults();
	check_health();
	/* mkltfs */
	format_two();
	write_labels(DATA);
	write_index(DATA, 1, 4, 2);
	write_labels(INDEX);
	write_index(INDEX, 1, 4, 2);
	write_host_attributes();
	/* A mount, files, an unmount. */
	reload();
	for (unsigned i = 0; i < 2; i++) {
		check_labels(i);
		check_index(i, 1, 4, 2);
	}
	append(8, 4);
	write_index(DATA, 2, 8 + APPENDED, 4);
	replace_index(2);
	/* ltfsck and a reader. */
	reload();
	check_index(INDEX, 2, 4, 2);
	check_index(DATA, 2, 8 + APPENDED, 4);
	for (unsigned i = 0; i < APPENDED; i += 5) {
		locate(INDEX, 5);
		read_block("index", payload(2), BLOCK);
		locate(DATA, 8 + i);
		read_block("file", payload(i), BLOCK);
	}
	check_health();
	unformat();
	run("PREVENT ALLOW MEDIUM REMOVAL", CDB(0x1e), NULL, 0, 0);
	reserve_out(0x02, key, "\0\0\0\0\0\0\0");
	reserve_out(0x00, key, "\0\0\0\0\0\0\0");
	host_close(&host);
	return 0;
}
