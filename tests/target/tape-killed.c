/* SPDX-License-Identifier: MIT */
/*
 * An initiator whose target is killed: it writes blocks and filemarks, also over what stood behind, until
 * nobody answers; at the next portal it reads the whole tape, which has to be as it was at some moment at or
 * after the last command that made it durable: no block lost, none too many, swapped or half, no old filemark.
 *
 *   tape-killed TARGET SEED [may-fail]     portals on standard input, one a line, and at the end an empty one
 *
 * It says "checked" when the tape is right and is being written, "lost" when the target is gone. What fails
 * ends the writing as well with `may-fail`: the filesystem under the target is killed, and that it tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/target/sense_host.h"

enum { DRIVE = 1, OBJECTS = 300, STATES = 64, ROOM = 400000, SYNC = 1, IMMEDIATE = 2 };

/* What a tape may be: 0 is a filemark, others say what a block is made of. */
struct state {
	unsigned count;
	uint32_t objects[OBJECTS];
};

static struct host *host;
static struct told told;
static struct state states[STATES]; /* the first is durable */
static unsigned last, position, synced;
static uint32_t blocks;
static uint64_t dice;
static uint8_t room[ROOM], block[ROOM];

#define fail(...) host_fail(&told, __VA_ARGS__)

static void say(const char *word, unsigned number)
{
	printf("%s %u\n", word, number);
	fflush(stdout);
}

static uint32_t random_below(uint32_t below)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(dice >> 33) % below;
}

static bool run(const uint8_t *cdb, const void *out, size_t out_size, void *in, size_t in_size)
{
	return host_run(host, DRIVE, cdb, host_cdb_size(cdb[0]), out, out_size, in, in_size, &told);
}

static void expect(const char *what, const uint8_t *cdb, size_t in_size)
{
	if (!run(cdb, NULL, 0, in_size ? room : NULL, in_size) || told.key != TOLD_GOOD)
		fail("%s", what);
}

static uint32_t block_size(uint32_t made_of)
{
	return 1 + made_of * 2654435761u % (made_of % 16 ? 40000 : ROOM);
}

static void block_make(uint32_t made_of)
{
	uint64_t x = made_of * UINT64_C(0x9e3779b97f4a7c15) + 5;
	uint32_t size = block_size(made_of);
	for (uint32_t i = 0; i < size; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		block[i] = (uint8_t)(x >> 56);
	}
}

/* ---- what is there ----------------------------------------------------------------------------- */

/* Is what was read, of that size, this object? */
static bool object_fits(uint32_t object, uint32_t size)
{
	if (!object || !size || block_size(object) != size)
		return !object && !size;
	block_make(object);
	return memcmp(block, room, size) == 0;
}

/* The next object's size, 0 for a filemark; -1 at the end of the data. */
static int64_t object_read(unsigned number)
{
	uint8_t cdb[16] = {0x08, 2}; /* SILI */
	be_put24(cdb + 2, ROOM);
	if (!run(cdb, NULL, 0, room, ROOM))
		fail("object %u: no answer", number);
	if (told.key == TOLD_GOOD && told.residual >= 0 && told.residual < ROOM)
		return ROOM - told.residual;
	if (told.key == 0 && told.code == 0x0001)
		return 0;
	if (told.key != 8)
		fail("object %u cannot be read", number);
	return -1;
}

/* The latest state that the tape is in, which is the only one from now on. */
static void check_tape(void)
{
	bool fits[STATES];
	unsigned number = 0, found = STATES;
	memset(fits, true, sizeof(fits));
	for (int64_t size; (size = object_read(number)) >= 0; number++)
		for (unsigned i = 0, before = STATES; i <= last; i++) {
			if (fits[i] && number < states[i].count && before < STATES &&
			    states[before].objects[number] == states[i].objects[number]) {
				fits[i] = fits[before];
				continue;
			}
			if (!fits[i] || number >= states[i].count) {
				fits[i] = false;
				continue;
			}
			fits[i] = object_fits(states[i].objects[number], (uint32_t)size);
			before = i;
		}
	for (unsigned i = 0; i <= last; i++)
		if (fits[i] && states[i].count == number)
			found = i;
	if (found == STATES)
		fail("%u objects on the tape: it is in none of %u states, the durable one has %u", number, last + 1,
		     states[0].count);
	states[0] = states[found];
	last = 0;
	position = number;
}

/* A new target says that it is one, and stands at the beginning. */
static void greet(void)
{
	unsigned tries = 0;
	if (!run(CDB(0x00), NULL, 0, NULL, 0) || told.key != 6)
		fail("no unit attention");
	while (told.key != TOLD_GOOD)
		if (tries++ == 10 || !run(CDB(0x00), NULL, 0, NULL, 0))
			fail("TEST UNIT READY");
	expect("READ POSITION", CDB(0x34, 6), 32);
	if (be_get32(room + 4) != 0 || be_get64(room + 8) != 0)
		fail("at object %llu", (unsigned long long)be_get64(room + 8));
}

/* ---- writing ------------------------------------------------------------------------------------- */

/* A state that the tape may be in from now on; what stood behind the position goes first. */
static struct state *next_state(void)
{
	struct state *state = &states[last + 1];
	*state = states[last];
	if (state->count > position) {
		state->count = position;
		state[1] = *state;
		last++;
		state++;
	}
	last++;
	return state;
}

static bool done(bool durable)
{
	if (durable && told.key == TOLD_GOOD) {
		states[0] = states[last];
		last = 0;
		synced++;
	}
	return told.key == TOLD_GOOD;
}

static bool write_block(void)
{
	struct state *state = next_state();
	uint8_t cdb[16] = {0x0a};
	state->objects[state->count++] = ++blocks;
	position++;
	block_make(blocks);
	be_put24(cdb + 2, block_size(blocks));
	return run(cdb, block, block_size(blocks), NULL, 0) && done(false);
}

static bool write_filemarks(unsigned how)
{
	struct state *state = next_state();
	unsigned count = 1 + random_below(2);
	for (unsigned i = 0; i < count; i++)
		state->objects[state->count++] = 0;
	position += count;
	return run(CDB(0x10, how == IMMEDIATE, 0, 0, (uint8_t)count), NULL, 0, NULL, 0) && done(how == SYNC);
}

/* Which makes durable what was written, as every command does that moves the tape. */
static bool locate(unsigned object)
{
	position = object;
	return run(CDB(0x2b, 0, 0, 0, 0, (uint8_t)(object >> 8), (uint8_t)object), NULL, 0, NULL, 0) && done(true);
}

static bool step(void)
{
	unsigned what = random_below(20);
	if (position + 4 > OBJECTS)
		return locate(random_below(OBJECTS / 2));
	if (last + 4 > STATES || what == 0)
		return write_filemarks(SYNC);
	if (what == 1)
		return locate(states[last].count - random_below(states[last].count < 9 ? states[last].count + 1 : 9));
	return what < 4 ? write_filemarks(IMMEDIATE) : write_block();
}

int main(int argc, char **argv)
{
	char portal[256];
	if (argc < 3) {
		fprintf(stderr, "usage: tape-killed TARGET SEED [may-fail]\n");
		return 2;
	}
	dice = strtoull(argv[2], NULL, 10);
	while (fgets(portal, sizeof(portal), stdin) && *portal != '\n') {
		portal[strcspn(portal, "\n")] = '\0';
		host = host_open(portal, argv[1], "iqn.2026-01.org.granary:a");
		if (!host)
			return 1;
		greet();
		check_tape();
		say("checked", position);
		synced = 0;
		told.key = TOLD_GOOD;
		while (step())
			;
		if (told.key != TOLD_GOOD && argc < 4)
			fail("a command failed");
		host_drop(host);
		host_close(&host);
		say("lost", synced);
	}
	return 0;
}
