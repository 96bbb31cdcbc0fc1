/* SPDX-License-Identifier: MIT */
#include "tests/unit/tape_support.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"

/* ---- scenes ---------------------------------------------------------------------------------- */

static void note_event(void *context, struct drive *drive, const char *event, const char *barcode)
{
	struct scene *s = context;
	(void)drive;
	assert_string_equal(event, "full");
	assert_true(barcode[0]);
	__atomic_add_fetch(&s->full_events, 1, __ATOMIC_RELAXED);
}

struct scsi_nexus *scene_nexus(struct scene *s, uint8_t number)
{
	struct scsi_nexus *nexus = NULL;
	struct scsi_port port = {
		.initiator = "iqn.2024-01.example:test", .isid = {0x80, 0, 0, 0, 0, number},
		.portal_group = 1,
	};
	assert_int_equal(scsi_nexus_open(s->target, &port, &nexus), 0);
	return nexus;
}

void scene_open(struct scene *s)
{
	struct drive_settings settings = {
		.identity = {.vendor = "IBM", .product = "ULT3580-TD8", .revision = "H990",
			     .serial = "1013000101", .naa = {0x50, 1, 2, 3, 4, 5, 6, 7}},
		.generation = s->generation ? s->generation : 8, .element = 500, .buffer = s->buffer, .encryption = s->encryption,
		.event = note_event, .context = s,
	};
	strcpy(s->folder, "/tmp/granary-tape-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	s->pool = scsi_buffer_pool_new(64u * MIB);
	assert_non_null(s->pool);
	settings.pool = s->pool;
	assert_int_equal(drive_new(&settings, &s->drive), 0);
	s->target = scsi_target_new("iqn.2024-01.example:library", (uint8_t[16]){1});
	assert_non_null(s->target);
	assert_int_equal(scsi_target_add(s->target, 0, drive_lu(s->drive)), 0);
	s->nexus = scene_nexus(s, 1);
	s->other = scene_nexus(s, 2);
	scene_settle(s);
}

static void nexus_closed(void *context)
{
	__atomic_store_n((bool *)context, true, __ATOMIC_RELEASE);
}

static void close_nexus(struct scsi_nexus *nexus)
{
	bool closed = false;
	scsi_nexus_close(nexus, nexus_closed, &closed);
	while (!__atomic_load_n(&closed, __ATOMIC_ACQUIRE))
		usleep(1000);
}

void scene_close(struct scene *s)
{
	char line[256];
	close_nexus(s->nexus);
	close_nexus(s->other);
	scsi_target_remove(s->target, 0);
	drive_free(&s->drive);
	scsi_target_free(&s->target);
	scsi_buffer_pool_free(&s->pool);
	free(s->answer.data);
	s->answer.data = NULL;
	snprintf(line, sizeof(line), "chmod -R u+w '%s' && rm -rf '%s'", s->folder, s->folder);
	assert_int_equal(system(line), 0);
}

void scene_settle(struct scene *s)
{
	static const uint8_t ready[6] = {0};
	for (int i = 0; i < 8; i++) {
		command_as(s, s->nexus, ready, 6, NULL, 0, 0);
		command_as(s, s->other, ready, 6, NULL, 0, 0);
	}
}

int scene_load(struct scene *s)
{
	int error = drive_load(s->drive, s->path);
	if (!error)
		scene_settle(s);
	return error;
}

int scene_unload(struct scene *s)
{
	return drive_unload(s->drive, false);
}

void scene_cartridge(struct scene *s, struct cartridge_info info)
{
	if (!info.barcode[0])
		strcpy(info.barcode, "TST001L8");
	if (!info.medium[0])
		strcpy(info.medium, "LTO-8");
	if (!info.partitions) {
		info.partitions = 1;
		info.partition_size[0] = info.capacity;
	}
	assert_int_equal(cartridge_create(s->folder, &info), 0);
	snprintf(s->path, sizeof(s->path), "%s/%s", s->folder, info.barcode);
}

void scene_tape(struct scene *s, uint64_t size)
{
	scene_cartridge(s, (struct cartridge_info){.capacity = size});
	assert_int_equal(scene_load(s), 0);
}

/* ---- commands --------------------------------------------------------------------------------- */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
	struct scsi_task task;
};

static void task_done(struct scsi_task *task)
{
	struct waiter *w = (struct waiter *)((char *)task - offsetof(struct waiter, task));
	pthread_mutex_lock(&w->lock);
	w->is_done = true;
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
}

static void take_answer(struct scene *s, const struct scsi_task *task)
{
	struct answer *a = &s->answer;
	free(a->data);
	*a = (struct answer){.status = task->status, .sense = task->sense, .wanted = task->in_wanted,
			     .aborted = task->aborted};
	a->data = malloc(task->in_size + 1);
	assert_non_null(a->data);
	for (unsigned i = 0; i < task->in_count; i++) {
		const struct scsi_slice *slice = &task->in[i];
		memcpy(a->data + a->size, slice->buffer->data + slice->offset, slice->size);
		a->size += slice->size;
	}
	assert_int_equal(a->size, task->in_size);
	assert_true(task->in_size <= task->in_room);
}

const struct answer *command_as(struct scene *s, struct scsi_nexus *nexus, const uint8_t *cdb,
				size_t cdb_size, const void *out, size_t out_size, size_t in_room)
{
	struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
	w.task.nexus = nexus;
	w.task.tag = ++s->tag;
	memcpy(w.task.cdb, cdb, cdb_size);
	w.task.cdb_size = cdb_size;
	w.task.in_room = in_room;
	w.task.done = task_done;
	if (out_size) {
		w.task.out = scsi_buffer_get(s->pool, out_size);
		assert_non_null(w.task.out);
		memcpy(w.task.out->data, out, out_size);
		w.task.out->size = out_size;
	}
	scsi_submit(&w.task);
	pthread_mutex_lock(&w.lock);
	while (!w.is_done)
		pthread_cond_wait(&w.done, &w.lock);
	pthread_mutex_unlock(&w.lock);
	take_answer(s, &w.task);
	scsi_task_clear(&w.task);
	return &s->answer;
}

void tape_fill(uint8_t *data, size_t size, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;
	for (size_t i = 0; i < size; i++) {
		if (i % 8 == 0) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
		data[i] = (uint8_t)(x >> i % 8 * 8);
	}
}

const struct answer *tape_write(struct scene *s, size_t size, uint64_t seed)
{
	uint8_t cdb[6] = {0x0a};
	uint8_t *data = malloc(size + 1);
	assert_non_null(data);
	tape_fill(data, size, seed);
	be_put24(cdb + 2, (uint32_t)size);
	const struct answer *answer = command_as(s, s->nexus, cdb, 6, data, size, 0);
	free(data);
	return answer;
}

const struct answer *tape_write_fixed(struct scene *s, uint32_t count, uint32_t block, uint64_t seed)
{
	uint8_t cdb[6] = {0x0a, 1};
	size_t size = (size_t)count * block;
	uint8_t *data = malloc(size + 1);
	assert_non_null(data);
	for (uint32_t i = 0; i < count; i++)
		tape_fill(data + (size_t)i * block, block, seed + i);
	be_put24(cdb + 2, count);
	const struct answer *answer = command_as(s, s->nexus, cdb, 6, data, size, 0);
	free(data);
	return answer;
}

const struct answer *tape_read(struct scene *s, uint32_t length, bool silent)
{
	uint8_t cdb[6] = {0x08, silent ? 2 : 0};
	be_put24(cdb + 2, length);
	return command_as(s, s->nexus, cdb, 6, NULL, 0, length);
}

const struct answer *tape_read_fixed(struct scene *s, uint32_t count, uint32_t block)
{
	uint8_t cdb[6] = {0x08, 1};
	be_put24(cdb + 2, count);
	return command_as(s, s->nexus, cdb, 6, NULL, 0, (size_t)count * block);
}

const struct answer *tape_filemarks(struct scene *s, uint32_t count, bool immediate)
{
	uint8_t cdb[6] = {0x10, immediate};
	be_put24(cdb + 2, count);
	return command_as(s, s->nexus, cdb, 6, NULL, 0, 0);
}

const struct answer *tape_space(struct scene *s, unsigned code, int64_t count)
{
	uint8_t cdb[16] = {0x11, (uint8_t)code};
	if (count >= -0x800000 && count < 0x800000) {
		be_put24(cdb + 2, (uint32_t)count & 0xffffff);
		return command_as(s, s->nexus, cdb, 6, NULL, 0, 0);
	}
	cdb[0] = 0x91;
	be_put64(cdb + 4, (uint64_t)count);
	return command_as(s, s->nexus, cdb, 16, NULL, 0, 0);
}

const struct answer *tape_locate(struct scene *s, uint64_t object)
{
	uint8_t cdb[16] = {0x92};
	be_put64(cdb + 4, object);
	return command_as(s, s->nexus, cdb, 16, NULL, 0, 0);
}

const struct answer *tape_rewind(struct scene *s)
{
	return command(s, NULL, 0, 0, 0x01, 0, 0, 0, 0, 0);
}

const struct answer *tape_ready(struct scene *s)
{
	return command(s, NULL, 0, 0, 0, 0, 0, 0, 0, 0);
}

const struct answer *tape_load(struct scene *s, uint8_t bits)
{
	return command(s, NULL, 0, 0, 0x1b, 0, 0, 0, bits, 0);
}

static void select_header(struct scene *s, uint8_t device_specific, uint32_t size)
{
	uint8_t list[12] = {0, 0, device_specific, 8};
	be_put24(list + 9, size);
	expect_good(command(s, list, sizeof(list), 0, 0x15, 0x10, 0, 0, sizeof(list), 0));
	scene_settle(s);
}

void tape_block_size(struct scene *s, uint32_t size)
{
	select_header(s, 0x10, size);
}

void tape_buffered(struct scene *s, bool buffered)
{
	select_header(s, buffered ? 0x10 : 0, 0);
}

void tape_mode(struct scene *s, uint8_t page, uint8_t subpage, unsigned offset, const void *bytes,
	       size_t size)
{
	uint8_t list[512] = {0};
	const struct answer *answer =
		command(s, NULL, 0, sizeof(list), 0x5a, 0x08, page, subpage, 0, 0, 0, 1, 0xf0, 0);
	expect_good(answer);
	assert_true(answer->size > 8 && answer->size < sizeof(list));
	size_t length = answer->size;
	memcpy(list, answer->data, length);
	memset(list, 0, 8);
	list[3] = 0x10;
	list[8] &= 0x7f;
	memcpy(list + 8 + offset, bytes, size);
	expect_good(command(s, list, length, 0, 0x55, 0x10, 0, 0, 0, 0, 0, 0, (uint8_t)length, 0));
	scene_settle(s);
}

struct tape_position tape_position(struct scene *s)
{
	const struct answer *answer =
		command(s, NULL, 0, 32, 0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0);
	expect_good(answer);
	assert_int_equal(answer->size, 32);
	return (struct tape_position){
		.flags = answer->data[0],
		.partition = be_get32(answer->data + 4),
		.object = be_get64(answer->data + 8),
		.file = be_get64(answer->data + 16),
	};
}

/* ---- expectations -------------------------------------------------------------------------------- */

void expect_good(const struct answer *answer)
{
	if (answer->status == SCSI_CHECK_CONDITION) {
		char text[128];
		fail_msg("CHECK CONDITION: %s", sense_text(&answer->sense, text, sizeof(text)));
	}
	assert_int_equal(answer->status, SCSI_GOOD);
}

static void expect_code(const struct answer *answer, enum sense_key key, enum sense_code code)
{
	assert_int_equal(answer->status, SCSI_CHECK_CONDITION);
	if (answer->sense.key != key || answer->sense.code != code) {
		char text[128];
		fail_msg("%s; %x %04x was expected", sense_text(&answer->sense, text, sizeof(text)),
			 key, code);
	}
}

void expect_refused(const struct answer *answer, enum sense_key key, enum sense_code code)
{
	expect_code(answer, key, code);
	assert_false(answer->sense.filemark || answer->sense.ili);
}

void expect_sense(const struct answer *answer, enum sense_key key, enum sense_code code,
		  const char *flags, int64_t information)
{
	expect_code(answer, key, code);
	assert_int_equal(answer->sense.filemark, strchr(flags, 'F') != NULL);
	assert_int_equal(answer->sense.eom, strchr(flags, 'E') != NULL);
	assert_int_equal(answer->sense.ili, strchr(flags, 'I') != NULL);
	assert_true(answer->sense.information_valid);
	assert_int_equal(answer->sense.information, information);
}

void expect_at(struct scene *s, uint64_t object, uint64_t file)
{
	struct tape_position at = tape_position(s);
	assert_int_equal(at.object, object);
	assert_int_equal(at.file, file);
}

void expect_data(const struct answer *answer, size_t size, uint64_t seed)
{
	uint8_t *data = malloc(size + 1);
	assert_non_null(data);
	tape_fill(data, size, seed);
	assert_int_equal(answer->size, size);
	assert_memory_equal(answer->data, data, size);
	free(data);
}

void scene_flip_byte(struct scene *s, off_t offset)
{
	char path[300];
	uint8_t byte;
	snprintf(path, sizeof(path), "%s/p0.data", s->path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

void pending_done(struct scsi_task *task)
{
	struct pending *pending = (struct pending *)((char *)task - offsetof(struct pending, task));
	__atomic_store_n(&pending->done, 1, __ATOMIC_RELEASE);
}

void await(const unsigned *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		usleep(1000);
}
