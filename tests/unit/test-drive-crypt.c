/* SPDX-License-Identifier: MIT */
/*
 * Tape encryption: what is on the cartridge, who can read
 * it, whose parameters hold, and when keys are forgotten.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/file.h"
#include "tests/unit/drive_scene.h"

#include "target/tape/drive_crypt.h"

/* ---- commands -------------------------------------------------------------------------------------- */

struct setting {
	unsigned scope, control, encrypt, decrypt; /* control: byte 5 */
	uint8_t key;				   /* all its bytes; 0: none */
	const char *ukad, *akad;
};

static void set_encryption(struct drive_scene *s, struct scsi_nexus *nexus, const struct setting *setting)
{
	uint8_t page[128] = {0x00, 0x10, 0, 0, (uint8_t)(setting->scope << 5), (uint8_t)setting->control,
			     (uint8_t)setting->encrypt, (uint8_t)setting->decrypt, 1};
	size_t size = 20;
	const char *kads[] = {setting->ukad, setting->akad};
	if (setting->key) {
		page[19] = 32;
		memset(page + size, setting->key, 32);
		size += 32;
	}
	for (uint8_t type = 0; type < 2; type++) {
		if (!kads[type])
			continue;
		page[size] = type;
		be_put16(page + size + 2, (uint16_t)strlen(kads[type]));
		memcpy(page + size + 4, kads[type], strlen(kads[type]));
		size += 4 + strlen(kads[type]);
	}
	be_put16(page + 2, (uint16_t)(size - 4));
	SEND(&s->r, nexus, page, size, 0xb5, 0x20, 0x00, 0x10, 0, 0, 0, 0, 0, (uint8_t)size);
}

static const struct setting everyone = {.scope = 2, .encrypt = 2, .decrypt = 2, .key = 0x11};
static const struct setting off = {.scope = 2};

static const uint8_t *read_page(struct drive_scene *s, struct scsi_nexus *nexus, unsigned page)
{
	/* As stenc reads them: 8192 bytes. */
	RUN(&s->r, nexus, 0xa2, 0x20, 0x00, (uint8_t)page, 0, 0, 0, 0, 0x20, 0x00);
	assert_good(&s->r);
	assert_int_equal(be_get16(s->r.data), page);
	assert_int_equal(be_get16(s->r.data + 2), s->r.size - 4);
	return s->r.data;
}

static void test_not_offered(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	RUN(&s->r, s->a, 0xa2, 0x20, 0, 0x20, 0, 0, 0, 0, 0x20);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	set_encryption(s, s->a, &everyone);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	for (unsigned i = 0; i < 2; i++) {
		RUN(&s->r, s->a, 0xa3, 0x0c, 0x01, i ? 0xb5 : 0xa2, 0, 0, 0, 0, 1, 0);
		assert_good(&s->r);
		assert_int_equal(s->r.data[1], 1); /* not supported */
	}
}

static void test_capabilities(void **state)
{
	struct drive_scene *s = *state;
	RUN(&s->r, s->a, 0xa2, 0, 0, 0, 0, 0, 0, 0, 2, 0);
	assert_memory_equal(s->r.data, "\0\0\0\0\0\0\0\x02\x00\x20", 10);
	RUN(&s->r, s->a, 0xa2, 0, 0, 1, 0, 0, 0, 0, 2, 0);
	assert_memory_equal(s->r.data, "\0\0\0\0", 4);
	assert_memory_equal(read_page(s, s->a, 0x00) + 4,
			    "\0\x00\0\x01\0\x10\0\x11\0\x12\0\x20\0\x21\0\x30", 16);
	assert_memory_equal(read_page(s, s->a, 0x01) + 4, "\0\x10", 2);
	const uint8_t *caps = read_page(s, s->a, 0x10);
	assert_int_equal(s->r.size, 44);
	assert_int_equal(caps[20], 1);
	assert_int_equal(be_get16(caps + 22), 20);
	assert_int_equal(caps[24], 0x3a); /* no tape: no AVFMV */
	assert_int_equal(be_get16(caps + 26), 32);
	assert_int_equal(be_get16(caps + 28), 12);
	assert_int_equal(be_get16(caps + 30), 32);
	assert_int_equal(be_get32(caps + 40), 0x00010014);
	scene_load(s, "A00001L8", "LTO-8", 0);
	assert_int_equal(read_page(s, s->a, 0x10)[24], 0xba);
	assert_memory_equal(read_page(s, s->a, 0x11), "\0\x11\0\x01\0", 5);
	assert_memory_equal(read_page(s, s->a, 0x12), "\0\x12\0\x0c\0\x07\0\x07\0\0\0\0\0\0\0\0", 16);
	uint8_t random[32];
	memcpy(random, read_page(s, s->a, 0x30) + 4, 32);
	assert_memory_not_equal(read_page(s, s->a, 0x30) + 4, random, 32);
	RUN(&s->r, s->a, 0xa2, 0x20, 0, 0x22, 0, 0, 0, 0, 2, 0);
	assert_field(&s->r, 2, 8);
	RUN(&s->r, s->a, 0xa2, 0x21, 0, 0, 0, 0, 0, 0, 2, 0);
	assert_field(&s->r, 1, 8);
	RUN(&s->r, s->a, 0xa2, 0x20, 0, 0x20, 0x80, 0, 0, 0, 2, 0); /* INC_512 */
	assert_field(&s->r, 4, 7);
}

/* What stenc 1.1 sends and looks at: on with a key name, status, next block, off. */
static void test_stenc(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	set_encryption(s, s->a, &(struct setting){2, 0x40, 2, 2, 0x22, "Hello world!", NULL});
	assert_good(&s->r);
	const uint8_t *status = read_page(s, s->a, 0x20);
	assert_int_equal(s->r.size, 24 + 16);
	assert_memory_equal(status + 4, "\x42\x02\x02\x01\0\0\0\x01\x10", 9);
	assert_memory_equal(status + 24, "\0\0\0\x0cHello world!", 16);
	scene_write(s, s->a, 1000, 1);
	assert_good(&s->r);
	scene_mark(s, s->a);
	const uint8_t *next = read_page(s, s->a, 0x21);
	assert_int_equal(be_get64(next + 4), 2);
	assert_int_equal(next[12], 2); /* the end */
	scene_rewind(s, s->a);
	next = read_page(s, s->a, 0x21);
	assert_int_equal(be_get64(next + 4), 0);
	assert_int_equal(next[12], 5);
	assert_int_equal(next[13], 1);
	assert_memory_equal(next + 16, "\0\x01\0\x0cHello world!", 16);
	assert_true(scene_read(s, s->a, 1000, 1));
	set_encryption(s, s->a, &(struct setting){2, 0x40, 0, 0, 0, NULL, NULL});
	assert_good(&s->r);
	status = read_page(s, s->a, 0x20);
	assert_int_equal(status[5], 0);
	assert_int_equal(status[6], 0);
	scene_rewind(s, s->a);
	assert_int_equal(read_page(s, s->a, 0x21)[12], 6);
	assert_false(scene_read(s, s->a, 1000, 1));
	assert_check(&s->r, SENSE_DATA_PROTECT, ASC_UNABLE_TO_DECRYPT);
	assert_int_equal(s->r.size, 0);
}

/* Sealed is what it says: no byte of the block or the key is in any file of the cartridge. */
static void test_files(void **state)
{
	struct drive_scene *s = *state;
	static const char *names[] = {"p0.data", "p0.idx", "mam.0", "mam.1", "cartridge.conf"};
	uint8_t plain[2048], key[8];
	char path[128];
	memset(key, 0x11, sizeof(key));
	memset(plain, 'G', sizeof(plain));
	scene_load(s, "A00001L8", "LTO-8", 0);
	set_encryption(s, s->a, &everyone);
	for (unsigned i = 0; i < 2; i++) {
		SEND(&s->r, s->a, plain, sizeof(plain), 0x0a, 0, 0, sizeof(plain) >> 8, 0);
		assert_good(&s->r);
	}
	scene_mark(s, s->a);
	scene_unload(s);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *data;
		size_t size;
		snprintf(path, sizeof(path), "%s/A00001L8/%s", s->folder, names[i]);
		if (file_read_all(path, 1 << 20, &data, &size))
			continue;
		assert_null(memmem(data, size, "GGGGGGGG", 8));
		assert_null(memmem(data, size, key, sizeof(key)));
		if (i == 0) {
			/* Two blocks that are the same do not look the same. */
			assert_int_equal(size, 2 * (2048 + DRIVE_SEAL_SIZE));
			assert_memory_not_equal(data, data + 2048 + DRIVE_SEAL_SIZE, 12);
			assert_memory_not_equal(data + 16, data + 2048 + DRIVE_SEAL_SIZE + 16, 2048);
		}
		free(data);
	}
}

/* Modes of decryption and keys against blocks in the clear and sealed ones. */
static const struct {
	uint8_t decrypt, key;
	uint16_t clear, sealed; /* 0: read; else the code of DATA PROTECT */
} readings[] = {
	{0, 0, 0, ASC_UNABLE_TO_DECRYPT},
	{2, 0x11, ASC_UNENCRYPTED_BLOCK, 0},
	{3, 0x11, 0, 0},
	{2, 0x12, ASC_UNENCRYPTED_BLOCK, ASC_INCORRECT_KEY},
	{3, 0x12, 0, ASC_INCORRECT_KEY},
};

static void check_reading(struct drive_scene *s, uint8_t object, uint16_t code, unsigned seed)
{
	RUN(&s->r, s->a, 0x2b, 0, 0, 0, 0, 0, object);
	assert_good(&s->r);
	assert_int_equal(scene_read(s, s->a, 500, seed), code == 0);
	if (!code)
		return;
	assert_check(&s->r, SENSE_DATA_PROTECT, code);
	RUN(&s->r, s->a, 0x34);
	assert_int_equal(be_get32(s->r.data + 4), object); /* before the block still */
}

static void test_reading(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	scene_write(s, s->a, 500, 1);
	set_encryption(s, s->a, &everyone);
	scene_write(s, s->a, 500, 2);
	scene_mark(s, s->a);
	for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
		set_encryption(s, s->a, &(struct setting){2, 0, 0, readings[i].decrypt, readings[i].key, NULL,
							  NULL});
		assert_good(&s->r);
		check_reading(s, 0, readings[i].clear, 1);
		check_reading(s, 1, readings[i].sealed, 2);
	}
	/* Another load, another drive's session: the key alone counts. */
	scene_unload(s);
	scene_reload(s, "A00001L8");
	set_encryption(s, s->a, &everyone);
	check_reading(s, 1, 0, 2);
}

/* Fixed blocks are sealed one by one, and several keys live on one tape. */
static void test_fixed(void **state)
{
	struct drive_scene *s = *state;
	static const uint8_t fixed[12] = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0x02, 0x00};
	uint8_t data[4 * 512];
	scene_load(s, "A00001L8", "LTO-8", 0);
	SEND(&s->r, s->a, fixed, 12, 0x15, 0x10, 0, 0, 12);
	for (uint8_t key = 1; key <= 3; key++) {
		set_encryption(s, s->a, &(struct setting){2, 0, 2, 2, key, "name", "auth"});
		memset(data, key, sizeof(data));
		SEND(&s->r, s->a, data, sizeof(data), 0x0a, 1, 0, 0, 4);
		assert_good(&s->r);
	}
	scene_mark(s, s->a);
	scene_rewind(s, s->a);
	for (uint8_t key = 1; key <= 3; key++) {
		memset(data, key, sizeof(data));
		RUN(&s->r, s->a, 0x08, 1, 0, 0, 4);
		assert_check(&s->r, SENSE_DATA_PROTECT, ASC_INCORRECT_KEY); /* of the one before */
		set_encryption(s, s->a, &(struct setting){2, 0, 2, 2, key, NULL, NULL});
		RUN(&s->r, s->a, 0x08, 1, 0, 0, 4);
		assert_good(&s->r);
		assert_int_equal(s->r.size, sizeof(data));
		assert_memory_equal(s->r.data, data, sizeof(data));
	}
}

/* VERIFY reads what is sealed, up to a block of another length and no further. */
static void test_verify_fixed(void **state)
{
	struct drive_scene *s = *state;
	static const uint8_t fixed[12] = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0x02, 0x00};
	scene_load(s, "A00001L8", "LTO-8", 0);
	set_encryption(s, s->a, &everyone);
	scene_write(s, s->a, 512, 1);
	scene_write(s, s->a, 512, 2);
	scene_write(s, s->a, 100, 3);
	scene_rewind(s, s->a);
	SEND(&s->r, s->a, fixed, 12, 0x15, 0x10, 0, 0, 12);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x13, 1, 0, 0, 5);
	assert_check(&s->r, SENSE_NO_SENSE, ASC_NONE);
	assert_true(s->r.sense.ili);
	assert_int_equal(s->r.sense.information, 3);
}

/* A byte that changed on the disk is not given to anybody. */
static void test_damage(void **state)
{
	struct drive_scene *s = *state;
	char path[128];
	scene_load(s, "A00001L8", "LTO-8", 0);
	set_encryption(s, s->a, &everyone);
	scene_write(s, s->a, 500, 1);
	scene_mark(s, s->a);
	scene_unload(s);
	snprintf(path, sizeof(path), "%s/A00001L8/p0.data", s->folder);
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, 100, SEEK_SET);
	int byte = fgetc(file);
	fseek(file, 100, SEEK_SET);
	fputc(byte ^ 1, file);
	fclose(file);
	scene_reload(s, "A00001L8");
	set_encryption(s, s->a, &everyone);
	assert_false(scene_read(s, s->a, 500, 1));
	assert_int_equal(s->r.status, SCSI_CHECK_CONDITION);
	assert_int_equal(s->r.size, 0);
	/* The checksum of the stretch or the tag, whichever is looked at first. */
	assert_true(s->r.sense.key == SENSE_MEDIUM_ERROR ||
		    (s->r.sense.key == SENSE_DATA_PROTECT &&
		     s->r.sense.code == ASC_INTEGRITY_CHECK_FAILED));
}

/* ---- scopes and lifetimes ---------------------------------------------------------------------------- */

static void test_scopes(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	set_encryption(s, s->a, &everyone);
	assert_good(&s->r);
	/* The other one is told, and uses them. */
	RUN(&s->r, s->b, 0x00);
	assert_check(&s->r, SENSE_UNIT_ATTENTION, ASC_ENCRYPTION_PARAMETERS_CHANGED_BY_OTHER);
	const uint8_t *status = read_page(s, s->b, 0x20);
	assert_int_equal(status[4], 0x02); /* public; the set is of all */
	assert_int_equal(status[5], 2);
	scene_write(s, s->b, 500, 7);
	scene_mark(s, s->b);
	/* With a set of its own it is alone; nobody is told. */
	set_encryption(s, s->b, &(struct setting){1, 0, 0, 2, 0x33, NULL, NULL});
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x00);
	assert_good(&s->r);
	status = read_page(s, s->b, 0x20);
	assert_int_equal(status[4], 0x21);
	assert_int_equal(be_get32(status + 8), 2);
	assert_int_equal(be_get32(read_page(s, s->a, 0x20) + 8), 1);
	scene_rewind(s, s->b);
	assert_false(scene_read(s, s->b, 500, 7));
	assert_check(&s->r, SENSE_DATA_PROTECT, ASC_INCORRECT_KEY);
	assert_true(scene_read(s, s->a, 500, 7));
	/* Public again: back to the set of all. */
	set_encryption(s, s->b, &(struct setting){0, 0, 0, 0, 0, NULL, NULL});
	assert_good(&s->r);
	scene_rewind(s, s->b);
	assert_true(scene_read(s, s->b, 500, 7));
	/* A set of all outlives its session; a local one does not. */
	scene_close(&s->a);
	scene_rewind(s, s->b);
	assert_true(scene_read(s, s->b, 500, 7));
	set_encryption(s, s->b, &(struct setting){1, 0, 2, 2, 0x44, NULL, NULL});
	scene_close(&s->b);
	s->b = scene_open(s, "iqn.2026-01.org.granary:b", 2);
	scene_quiet(s, s->b);
	assert_int_equal(read_page(s, s->b, 0x20)[4], 0x02);
	/* A reset ends all of it. */
	scsi_target_reset(s->target);
	scene_quiet(s, s->b);
	status = read_page(s, s->b, 0x20);
	assert_int_equal(status[4], 0x00);
	assert_int_equal(status[5] | status[6], 0);
}

/* CKOD: the key goes with the tape; others stay. */
static void test_demount(void **state)
{
	struct drive_scene *s = *state;
	set_encryption(s, s->a, &(struct setting){2, 0x04, 2, 2, 0x11, NULL, NULL});
	assert_parameter(&s->r, 5); /* no tape */
	set_encryption(s, s->a, &everyone);
	scene_load(s, "A00001L8", "LTO-8", 0);
	struct drive_state told;
	drive_get_state(s->drive, &told);
	assert_true(told.encrypting);
	scene_unload(s);
	assert_int_equal(read_page(s, s->a, 0x20)[5], 2);
	scene_reload(s, "A00001L8");
	set_encryption(s, s->a, &(struct setting){2, 0x04, 2, 2, 0x11, NULL, NULL});
	assert_good(&s->r);
	scene_unload(s);
	drive_get_state(s->drive, &told);
	assert_false(told.encrypting);
	assert_int_equal(read_page(s, s->a, 0x20)[5], 0);
	scene_quiet(s, s->b);
	assert_int_equal(read_page(s, s->b, 0x20)[5], 0);
}

static void reserve_out(struct drive_scene *s, struct scsi_nexus *nexus, unsigned action, uint8_t key,
			uint8_t action_key)
{
	uint8_t list[24] = {0};
	list[7] = key;
	list[15] = action_key;
	SEND(&s->r, nexus, list, 24, 0x5f, (uint8_t)action, 0x05, 0, 0, 0, 0, 0, 24);
	assert_good(&s->r);
}

enum { PR_REGISTER, PR_RESERVE, PR_RELEASE, PR_CLEAR, PR_PREEMPT };

/* Unit attentions until there are no more: was this one of them? */
static bool hears(struct drive_scene *s, struct scsi_nexus *nexus, uint16_t code)
{
	bool heard = false;
	for (unsigned i = 0; i < 20; i++) {
		RUN(&s->r, nexus, 0x00);
		if (s->r.status != SCSI_CHECK_CONDITION || s->r.sense.key != SENSE_UNIT_ATTENTION)
			break;
		heard |= s->r.sense.code == code;
	}
	return heard;
}

/* CKORL and CKORP: the key goes when the reservation is released, or only when it is taken over. */
static void test_reservations(void **state)
{
	struct drive_scene *s = *state;
	static const struct {
		unsigned control, action;
		bool by_other, forgotten;
	} cases[] = {
		{0x00, PR_RELEASE, false, false}, {0x01, PR_RELEASE, false, true},
		{0x02, PR_RELEASE, false, false}, {0x00, PR_PREEMPT, true, false},
		{0x01, PR_PREEMPT, true, true},	  {0x02, PR_PREEMPT, true, true},
		{0x02, PR_CLEAR, false, true},	  {0x01, PR_REGISTER, false, true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reserve_out(s, s->a, PR_REGISTER, 0, 1);
		reserve_out(s, s->b, PR_REGISTER, 0, 2);
		reserve_out(s, s->a, PR_RESERVE, 1, 0);
		set_encryption(s, s->a, &(struct setting){2, cases[i].control, 2, 2, 0x11, NULL, NULL});
		assert_good(&s->r);
		scene_quiet(s, s->b);
		if (cases[i].by_other)
			reserve_out(s, s->b, cases[i].action, 2, 1);
		else
			reserve_out(s, s->a, cases[i].action, 1, 0);
		/* Who has not done it would write in the clear and not know. */
		assert_int_equal(hears(s, cases[i].by_other ? s->a : s->b, 0x2a11), cases[i].forgotten);
		scene_quiet(s, s->a);
		scene_quiet(s, s->b);
		assert_int_equal(read_page(s, s->b, 0x20)[5], cases[i].forgotten ? 0 : 2);
		RUN(&s->r, s->b, 0x5e, 0x00, 0, 0, 0, 0, 0, 0, 255);
		if (be_get32(s->r.data + 4))
			reserve_out(s, s->b, PR_CLEAR, 2, 0);
		scene_quiet(s, s->a);
		set_encryption(s, s->a, &off);
		scene_quiet(s, s->b);
	}
}

static const struct {
	const char *what;
	uint8_t page[48];
	uint16_t length; /* of the page, after its header */
	unsigned byte;
} wrong_pages[] = {
	{"another page", {0, 0x11, 0, 16}, 16, 0},
	{"length", {0, 0x10, 0, 15}, 16, 2},
	{"scope", {0, 0x10, 0, 16, 0x60}, 16, 4},
	{"lock", {0, 0x10, 0, 16, 0x41}, 16, 4},
	{"CEEM", {0, 0x10, 0, 16, 0x40, 0x80}, 16, 5},
	{"RDMC: raw reads", {0, 0x10, 0, 16, 0x40, 0x20}, 16, 5},
	{"SDK", {0, 0x10, 0, 16, 0x40, 0x08}, 16, 5},
	{"external", {0, 0x10, 0, 16, 0x40, 0, 1, 0, 1}, 16, 6},
	{"encryption mode", {0, 0x10, 0, 16, 0x40, 0, 3, 0, 1}, 16, 6},
	{"raw", {0, 0x10, 0, 16, 0x40, 0, 0, 1, 1}, 16, 7},
	{"decryption mode", {0, 0x10, 0, 16, 0x40, 0, 0, 4, 1}, 16, 7},
	{"algorithm", {0, 0x10, 0, 16, 0x40, 0, 2, 2, 2}, 16, 8},
	{"key format", {0, 0x10, 0, 16, 0x40, 0, 2, 2, 1, 1}, 16, 9},
	{"KAD format", {0, 0x10, 0, 16, 0x40, 0, 2, 2, 1, 0, 3}, 16, 10},
	{"no key", {0, 0x10, 0, 16, 0x40, 0, 2, 2, 1}, 16, 18},
	{"short key", {0, 0x10, 0, 24, 0x40, 0, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8}, 24, 18},
	{"key beyond", {0, 0x10, 0, 16, 0x40, 0, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32}, 16, 18},
	{"KAD without encryption", {0, 0x10, 0, 24, 0x40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4}, 24, 20},
};

static void test_refused(void **state)
{
	struct drive_scene *s = *state;
	for (size_t i = 0; i < sizeof(wrong_pages) / sizeof(wrong_pages[0]); i++) {
		SEND(&s->r, s->a, wrong_pages[i].page, wrong_pages[i].length + 4u, 0xb5, 0x20, 0, 0x10, 0, 0,
		     0, 0, 0, (uint8_t)(wrong_pages[i].length + 4));
		assert_parameter(&s->r, wrong_pages[i].byte);
	}
	/* Key-associated data: too long, of a kind that is made here, twice. */
	static const char long_name[] = "123456789012345678901234567890123";
	set_encryption(s, s->a, &(struct setting){2, 0, 2, 2, 1, long_name, NULL});
	assert_parameter(&s->r, 20 + 32 + 2);
	set_encryption(s, s->a, &(struct setting){2, 0, 2, 2, 1, "name", "1234567890123"});
	assert_parameter(&s->r, 20 + 32 + 8 + 2);
	assert_int_equal(be_get32(read_page(s, s->a, 0x20) + 8), 0);
	SEND(&s->r, s->a, "\0\x10\0", 3, 0xb5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 3);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	SEND(&s->r, s->a, wrong_pages[0].page, 20, 0xb5, 0x20, 0, 0x11, 0, 0, 0, 0, 0, 20);
	assert_field(&s->r, 2, 8);
	SEND(&s->r, s->a, wrong_pages[0].page, 20, 0xb5, 0x00, 0, 0x10, 0, 0, 0, 0, 0, 20);
	assert_field(&s->r, 1, 8);
}

/* As granary-cartridge(5) says that block `number` of partition 0 is sealed. */
static void check_sealed(const void *description, size_t description_size, const uint8_t *sealed,
			 size_t size, uint64_t number)
{
	uint8_t key[32], associated[256], plain[1024];
	memset(key, everyone.key, sizeof(key));
	assert_int_equal(*(const uint8_t *)description, 2);
	memcpy(associated, description, description_size);
	be_put32(associated + description_size, (uint32_t)size);
	be_put32(associated + description_size + 4, 0);
	be_put64(associated + description_size + 8, number);
	assert_int_equal(crypt_open_with(key, associated, description_size + 16, sealed,
					 size + DRIVE_SEAL_SIZE, plain), 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(plain[i], 'a' + number);
}

/* What was sealed as one block of the tape is refused as another, however the files are made to fit. */
static void test_moved(void **state)
{
	enum { SIZE = 500, STORED = SIZE + DRIVE_SEAL_SIZE };
	struct drive_scene *s = *state;
	uint8_t plain[SIZE], stored[2][STORED];
	struct cartridge *cartridge = NULL;
	struct cartridge_place place;
	const void *description;
	size_t description_size;
	char path[128];
	scene_load(s, "A00001L8", "LTO-8", 0);
	set_encryption(s, s->a, &everyone);
	for (unsigned i = 0; i < 2; i++) {
		memset(plain, 'a' + (int)i, SIZE);
		SEND(&s->r, s->a, plain, SIZE, 0x0a, 0, 0, SIZE >> 8, SIZE & 0xff);
		assert_good(&s->r);
	}
	scene_mark(s, s->a);
	scene_unload(s);
	snprintf(path, sizeof(path), "%s/A00001L8", s->folder);
	assert_int_equal(cartridge_open(path, CARTRIDGE_WRITE, &cartridge), 0);
	assert_int_equal(cartridge_find(cartridge, 0, 0, &place), 0);
	assert_int_equal(cartridge_description(cartridge, 0, place.extra, &description, &description_size), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(cartridge_pread(cartridge, 0, stored[i], STORED, i * STORED, true), 0);
		check_sealed(description, description_size, stored[i], SIZE, i);
	}
	assert_int_equal(cartridge_truncate(cartridge, 0, 0), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct cartridge_blocks block = {stored[i < 2 ? !i : 0], STORED, 1, place.flags, place.extra};
		assert_int_equal(cartridge_append(cartridge, 0, &block), 0);
	}
	assert_int_equal(cartridge_close(&cartridge), 0);
	scene_reload(s, "A00001L8");
	set_encryption(s, s->a, &everyone);
	for (uint8_t i = 0; i < 3; i++)
		check_reading(s, i, ASC_INTEGRITY_CHECK_FAILED, 0);
}

/* A drive that offers no encryption does not hand out sealed bytes. */
static void test_drive_without(void **state)
{
	struct drive_scene *s = *state, *plain;
	char path[128];
	scene_load(s, "A00001L8", "LTO-8", 0);
	set_encryption(s, s->a, &everyone);
	scene_write(s, s->a, 500, 1);
	scene_mark(s, s->a);
	set_encryption(s, s->a, &off);
	scene_unload(s);
	plain = drive_scene_new(&(struct drive_scene_options){.encryption = false});
	snprintf(path, sizeof(path), "%s/A00001L8", s->folder);
	assert_int_equal(drive_load(plain->drive, path), 0);
	scene_quiet(plain, plain->a);
	assert_false(scene_read(plain, plain->a, 500, 1));
	assert_check(&plain->r, SENSE_DATA_PROTECT, ASC_UNABLE_TO_DECRYPT);
	drive_scene_free(&plain);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, drive_scene_setup_crypt, drive_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_moved),
		cmocka_unit_test_setup_teardown(test_not_offered, drive_scene_setup, drive_scene_teardown),
		CASE(test_capabilities), CASE(test_stenc), CASE(test_files), CASE(test_reading),
		CASE(test_fixed), CASE(test_verify_fixed), CASE(test_damage), CASE(test_scopes), CASE(test_demount), CASE(test_reservations),
		CASE(test_refused), CASE(test_drive_without),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
