/* SPDX-License-Identifier: MIT */
/* Headers and directories of packs: what goes in comes out; what makes no sense does not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/store/pack.h"

static const uint8_t uuid[16] = "0123456789abcdef";

static struct pack_header header_of(const struct pack_directory *d)
{
	struct pack_header h = {.pack = 77, .version = 3, .kind = 1, .regions = d->regions, .slots = d->slots};
	h.directory_size = (uint32_t)pack_directory_size(d->regions, d->slots);
	for (uint32_t i = 0; i < d->regions; i++)
		h.raw += d->region[i].raw;
	h.length = 8192;
	h.created = 123456789;
	return h;
}

static struct pack_directory sample(void)
{
	struct pack_directory d;
	assert_int_equal(pack_directory_allocate(&d, 2, 5), 0);
	d.region[0] = (struct pack_region){1000, 300, 600, 2, 11};
	d.region[1] = (struct pack_region){1300, 500, 500, 0, 22};
	d.slot[0] = (struct pack_slot){PACK_NO_REGION, 0, 0};
	d.slot[1] = (struct pack_slot){0, 0, 400};
	d.slot[2] = (struct pack_slot){0, 400, 200};
	d.slot[3] = (struct pack_slot){PACK_NO_REGION, 0, 0};
	d.slot[4] = (struct pack_slot){1, 0, 500};
	for (int i = 0; i < 5; i++)
		memset(d.fingerprint[i].bytes, i + 1, FINGERPRINT_SIZE);
	return d;
}

static int decode(struct pack_header *h, uint8_t *bytes, struct pack_directory *d)
{
	h->directory_checksum = XXH3_64bits(bytes, h->directory_size);
	return pack_directory_decode(h, bytes, d);
}

static void test_round_trip(void **state)
{
	(void)state;
	uint8_t head[PACK_HEADER_SIZE], bytes[2 * REGION_ENTRY_SIZE + 5 * SLOT_ENTRY_SIZE];
	struct pack_directory d = sample(), back;
	struct pack_header h = header_of(&d), again;
	pack_directory_encode(&d, bytes);
	h.directory_checksum = XXH3_64bits(bytes, sizeof(bytes));
	pack_header_encode(&h, uuid, head);
	assert_int_equal(pack_header_decode(head, uuid, &again), 0);
	assert_int_equal(again.pack, 77);
	assert_int_equal(again.version, 3);
	assert_int_equal(again.raw, 1100);
	assert_int_equal(again.length, 8192);
	assert_int_equal(again.created, 123456789);
	assert_int_equal(pack_directory_decode(&again, bytes, &back), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(back.slot[i].region, d.slot[i].region);
		assert_int_equal(back.slot[i].offset, d.slot[i].offset);
		assert_int_equal(back.slot[i].size, d.slot[i].size);
	}
	assert_memory_equal(back.fingerprint, d.fingerprint, 5 * FINGERPRINT_SIZE);
	assert_int_equal(back.region[1].offset, 1300);
	assert_true(back.region[0].checksum == 11);
	pack_directory_clear(&back);
	pack_directory_clear(&d);
}

/* Every flipped bit of a header is noticed, and another store's pack is none of ours. */
static void test_header_damage(void **state)
{
	(void)state;
	uint8_t head[PACK_HEADER_SIZE], zeros[PACK_HEADER_SIZE] = {0};
	struct pack_directory d = sample();
	struct pack_header h = header_of(&d), again;
	pack_header_encode(&h, uuid, head);
	for (unsigned bit = 0; bit < PACK_HEADER_SIZE * 8; bit++) {
		head[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(pack_header_decode(head, uuid, &again), -EBADMSG);
		head[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(pack_header_decode(zeros, uuid, &again), -EBADMSG);
	assert_int_equal(pack_header_decode(head, zeros, &again), -EBADMSG);
	/* A later format with a good checksum is told apart. */
	head[8] = 3;
	uint64_t checksum = XXH3_64bits(head, PACK_HEADER_SIZE - 8);
	memcpy(head + PACK_HEADER_SIZE - 8, &checksum, 8);
	assert_int_equal(pack_header_decode(head, uuid, &again), -EPROTONOSUPPORT);
	pack_directory_clear(&d);
}

struct change {
	size_t at;      /* byte of the directory */
	uint32_t value; /* little-endian */
};

#define SLOT(n, field) (2 * REGION_ENTRY_SIZE + (n) * SLOT_ENTRY_SIZE + (field))

/* Directories with a good checksum whose contents contradict themselves. */
static const struct change nonsense[] = {
	{0, 100},                  /* a region in the directory */
	{0, 1301},                 /* regions that overlap */
	{4, 0},                    /* an empty region */
	{4, 601},                  /* stored larger than raw */
	{8, 601},                  /* raw sizes that do not add up */
	{REGION_ENTRY_SIZE, 8000}, /* behind the end of the pack */
	{SLOT(1, 4), 400},         /* a slot before the first region */
	{SLOT(4, 4), 500},         /* a region without slots */
	{SLOT(2, 0), 401},         /* a slot behind the end of its region */
	{SLOT(2, 0), 0xfffffff0u},
	{SLOT(3, 4), 1u << 24},    /* one region too many */
};

static void test_directory_nonsense(void **state)
{
	(void)state;
	uint8_t good[2 * REGION_ENTRY_SIZE + 5 * SLOT_ENTRY_SIZE], bytes[sizeof(good)];
	struct pack_directory d = sample(), back;
	struct pack_header h = header_of(&d);
	pack_directory_encode(&d, good);
	memcpy(bytes, good, sizeof(good));
	assert_int_equal(decode(&h, bytes, &back), 0);
	pack_directory_clear(&back);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		memcpy(bytes, good, sizeof(good));
		memcpy(bytes + nonsense[i].at, &nonsense[i].value, 4);
		assert_int_equal(decode(&h, bytes, &back), -EBADMSG);
	}
	memcpy(bytes, good, sizeof(good));
	h.directory_checksum ^= 1;
	assert_int_equal(pack_directory_decode(&h, bytes, &back), -EBADMSG);
	pack_directory_clear(&d);
}

static size_t encode_tail(const struct pack_directory *d, struct pack_header *h, uint8_t *tail)
{
	size_t size = pack_tail_encode(d, tail);
	h->tail_size = (uint32_t)size;
	h->tail_checksum = XXH3_64bits(tail, size);
	return size;
}

/* A tail says everything of the directory but the fingerprints. */
static void test_tail_round_trip(void **state)
{
	(void)state;
	uint8_t tail[2 * REGION_ENTRY_SIZE + 5 * 10];
	struct pack_directory d = sample(), back;
	struct pack_header h = header_of(&d);
	/* A gap before a slot, as a region has that was copied with dead chunks in it. */
	d.slot[2].offset = 410;
	d.slot[2].size = 190;
	assert_int_equal(sizeof(tail), pack_tail_limit(2, 5));
	size_t size = encode_tail(&d, &h, tail);
	assert_in_range(size, 2 * REGION_ENTRY_SIZE + 5, 2 * REGION_ENTRY_SIZE + 12);
	assert_int_equal(pack_tail_decode(&h, tail, &back), 0);
	assert_int_equal(back.regions, 2);
	assert_int_equal(back.slots, 5);
	assert_memory_equal(back.region, d.region, 2 * sizeof(*d.region));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(back.slot[i].region, d.slot[i].region);
		assert_int_equal(back.slot[i].offset, d.slot[i].offset);
		assert_int_equal(back.slot[i].size, d.slot[i].size);
		assert_false(pack_fingerprint_is_known(&back.fingerprint[i]));
		assert_true(pack_fingerprint_is_known(&d.fingerprint[i]));
	}
	pack_directory_clear(&back);
	for (size_t i = 0; i < size; i++) {
		tail[i] ^= 0x10;
		assert_int_equal(pack_tail_decode(&h, tail, &back), -EBADMSG);
		tail[i] ^= 0x10;
	}
	pack_directory_clear(&d);
}

/* Tails with a good checksum whose contents contradict themselves. */
static void test_tail_nonsense(void **state)
{
	static const struct {
		size_t at; /* byte of the slots */
		uint8_t value;
	} wrong[] = {
		{0, 1},    /* an empty slot begins a region, so that one is too many */
		{1, 0x40}, /* the first slot begins no region */
		{4, 0x7f}, /* a slot behind the end of its region */
		{2, 0x8c}, /* a varint that runs on */
	};
	(void)state;
	uint8_t good[2 * REGION_ENTRY_SIZE + 5 * 10], tail[sizeof(good)];
	struct pack_directory d = sample(), back;
	struct pack_header h = header_of(&d);
	size_t size = encode_tail(&d, &h, good);
	assert_int_equal(size, 2 * REGION_ENTRY_SIZE + 8);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(tail, good, size);
		tail[2 * REGION_ENTRY_SIZE + wrong[i].at] = wrong[i].value;
		h.tail_checksum = XXH3_64bits(tail, size);
		assert_int_equal(pack_tail_decode(&h, tail, &back), -EBADMSG);
	}
	/* One slot is missing, one byte is left over, there is none. */
	for (int change = -1; change <= 1; change++) {
		memcpy(tail, good, size);
		tail[size] = 0;
		h.tail_size = (uint32_t)size + (uint32_t)change;
		h.tail_checksum = XXH3_64bits(tail, h.tail_size);
		int error = pack_tail_decode(&h, tail, &back);
		assert_int_equal(error, change ? -EBADMSG : 0);
		if (!error)
			pack_directory_clear(&back);
	}
	h.tail_size = 0;
	h.tail_checksum = XXH3_64bits(tail, 0);
	assert_int_equal(pack_tail_decode(&h, tail, &back), -EBADMSG);
	pack_directory_clear(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_header_damage),
		cmocka_unit_test(test_directory_nonsense),
		cmocka_unit_test(test_tail_round_trip),
		cmocka_unit_test(test_tail_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
