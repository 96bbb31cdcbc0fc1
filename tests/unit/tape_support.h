/* SPDX-License-Identifier: MIT */
/* What the tests of the tape drive share: a drive with a cartridge in a scratch folder, two nexuses,
 * commands and what they answer. */
#ifndef TESTS_UNIT_TAPE_SUPPORT_H
#define TESTS_UNIT_TAPE_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/types.h>

#include "target/scsi/scsi.h"
#include "target/tape/cartridge.h"
#include "target/tape/drive.h"

#define MIB (1u << 20)

struct answer {
	enum scsi_status status;
	struct sense sense;
	uint8_t *data; /* data-in */
	size_t size, wanted;
	bool aborted;
};

struct scene {
	char folder[64]; /* removed at the end */
	char path[256];	 /* of the cartridge that scene_load() takes */
	struct scsi_buffer_pool *pool;
	struct scsi_target *target;
	struct drive *drive;
	struct scsi_nexus *nexus, *other;
	struct answer answer; /* of the last command */
	uint64_t tag;
	size_t buffer; /* drive_settings.buffer */
	uint8_t generation; /* 0: LTO-8 */
	bool encryption;
	unsigned full_events;
};

/* A scene with an empty drive of LTO-8; no unit attention is left. */
void scene_open(struct scene *s);
void scene_close(struct scene *s);
/* Makes and loads a cartridge of that size in bytes; eats the unit attentions. */
void scene_tape(struct scene *s, uint64_t size);
/* The same with more to say: medium, WORM, partitions... What is empty or zero is filled in. */
void scene_cartridge(struct scene *s, struct cartridge_info info);
int scene_load(struct scene *s);
int scene_unload(struct scene *s);
/* Damages the byte there of the first partition's data. */
void scene_flip_byte(struct scene *s, off_t offset);
/* One more session of the same initiator name. */
struct scsi_nexus *scene_nexus(struct scene *s, uint8_t number);
/* Both nexuses have told what they had to. */
void scene_settle(struct scene *s);

/* Runs a command and waits for its end. `out` is copied. */
const struct answer *command_as(struct scene *s, struct scsi_nexus *nexus, const uint8_t *cdb,
				size_t cdb_size, const void *out, size_t out_size, size_t in_room);
#define command(s, out, out_size, in_room, ...)                                                    \
	command_as((s), (s)->nexus, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), \
		   (out), (out_size), (in_room))
#define command_other(s, out, out_size, in_room, ...)                                              \
	command_as((s), (s)->other, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), \
		   (out), (out_size), (in_room))

/* `size` bytes that depend on the seed alone. */
void tape_fill(uint8_t *data, size_t size, uint64_t seed);

const struct answer *tape_write(struct scene *s, size_t size, uint64_t seed);
/* `count` blocks of the fixed size; block n has the seed `seed + n`. */
const struct answer *tape_write_fixed(struct scene *s, uint32_t count, uint32_t block, uint64_t seed);
const struct answer *tape_read(struct scene *s, uint32_t length, bool silent);
const struct answer *tape_read_fixed(struct scene *s, uint32_t count, uint32_t block);
const struct answer *tape_filemarks(struct scene *s, uint32_t count, bool immediate);
const struct answer *tape_space(struct scene *s, unsigned code, int64_t count);
const struct answer *tape_locate(struct scene *s, uint64_t object);
const struct answer *tape_rewind(struct scene *s);
const struct answer *tape_ready(struct scene *s);
const struct answer *tape_load(struct scene *s, uint8_t bits);
/* MODE SELECT(6) of the block length; asserts that it is taken. 0: variable. */
void tape_block_size(struct scene *s, uint32_t size);
void tape_buffered(struct scene *s, bool buffered);
/* Sets bytes of a mode page's current values: MODE SENSE(10), change, MODE SELECT(10). */
void tape_mode(struct scene *s, uint8_t page, uint8_t subpage, unsigned offset, const void *bytes,
	       size_t size);

struct tape_position {
	uint8_t flags;
	uint32_t partition;
	uint64_t object, file;
};
/* READ POSITION, long form; asserts GOOD. */
struct tape_position tape_position(struct scene *s);

/* GOOD. */
void expect_good(const struct answer *answer);
/* CHECK CONDITION with key and code; no INFORMATION. */
void expect_refused(const struct answer *answer, enum sense_key key, enum sense_code code);
/* And INFORMATION, and the flags: any of "FEI" (filemark, EOM, ILI). */
void expect_sense(const struct answer *answer, enum sense_key key, enum sense_code code,
		  const char *flags, int64_t information);
void expect_at(struct scene *s, uint64_t object, uint64_t file);
/* The data of the answer is the block of that seed, or its beginning. */
void expect_data(const struct answer *answer, size_t size, uint64_t seed);

/* A command that is under way while the test goes on: its task's `done` is pending_done(). */
struct pending {
	struct scsi_task task;
	unsigned done; /* atomic */
};
void pending_done(struct scsi_task *task);
/* Until the flag is not 0. */
void await(const unsigned *flag);

#endif
