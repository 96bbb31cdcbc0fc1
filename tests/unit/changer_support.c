/* SPDX-License-Identifier: MIT */
#include "tests/unit/changer_support.h"

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"

/* ---- drives ------------------------------------------------------------------------- */

static bool drive_takes(const struct fake_drive *drive, const char *barcode)
{
	size_t size = strlen(barcode);

	if (size < 2 || strncmp(barcode, "CLN", 3) == 0)
		return true;
	return barcode[size - 2] == 'L' &&
	       (barcode[size - 1] == '0' + drive->generation || barcode[size - 1] == 'Y');
}

static int fake_load(void *context, const char *path)
{
	struct fake_drive *drive = context;
	const char *barcode = strrchr(path, '/') + 1;

	drive->loads++;
	if (drive->barcode[0] != '\0')
		return -EBUSY;
	if (!drive_takes(drive, barcode))
		return -EMEDIUMTYPE;
	if (drive->load_error != 0 && drive->fail_loads_after == 0)
		return drive->load_error;
	if (drive->fail_loads_after > 0)
		drive->fail_loads_after--;
	snprintf(drive->barcode, sizeof(drive->barcode), "%s", barcode);
	return 0;
}

static int fake_unload(void *context, bool force)
{
	struct fake_drive *drive = context;

	drive->unloads++;
	if (drive->barcode[0] == '\0')
		return -ENOMEDIUM;
	if (drive->prevented && !force)
		return -EPERM;
	drive->barcode[0] = '\0';
	return drive->unload_error;
}

/* ---- the library's files ------------------------------------------------------------- */

static int fake_path(void *context, const char *barcode, char *path, size_t size)
{
	struct rig *rig = context;

	if (rig->missing != NULL && strcmp(rig->missing, barcode) == 0)
		return -ENOENT;
	snprintf(path, size, "/tapes/%s", barcode);
	return 0;
}

static enum volume_kind fake_volume_kind(void *context, const char *barcode)
{
	(void)context;
	if (strncmp(barcode, "SAY", 3) != 0)
		return VOLUME_UNKNOWN;
	return barcode[3] == 'W' ? VOLUME_WORM : VOLUME_DATA;
}

static int fake_save(void *context, const struct element *elements, size_t count)
{
	struct rig *rig = context;

	rig->saves++;
	if (rig->save_failures > 0) {
		rig->save_failures--;
		return rig->save_error;
	}
	free(rig->saved);
	rig->saved = mem_zalloc(count * sizeof(*elements));
	memcpy(rig->saved, elements, count * sizeof(*elements));
	rig->saved_count = count;
	return 0;
}

static int fake_hook(void *context, const char *what, const char *barcode,
		     const struct element *from, const struct element *to)
{
	struct rig *rig = context;
	size_t used = strlen(rig->hooks);

	snprintf(rig->hooks + used, sizeof(rig->hooks) - used, "%s %s %d>%d;", what, barcode,
		 from != NULL ? from->address : -1, to != NULL ? to->address : -1);
	return strcmp(what, "eject") == 0 ? rig->eject_error : 0;
}

/* ---- the rig -------------------------------------------------------------------------- */

static void fill_identity(struct scsi_identity *identity, const char *vendor, const char *product,
			  const char *revision, const char *serial)
{
	*identity = (struct scsi_identity){ .naa = { 0x50, 1, 2, 3, 4, 5, 6, 7 } };
	snprintf(identity->vendor, sizeof(identity->vendor), "%s", vendor);
	snprintf(identity->product, sizeof(identity->product), "%s", product);
	snprintf(identity->revision, sizeof(identity->revision), "%s", revision);
	snprintf(identity->serial, sizeof(identity->serial), "%s", serial);
}

static void add_drives(struct rig *rig, const struct personality *personality,
		       const struct element *elements, size_t count)
{
	const struct drive_model *model = drive_model_find(personality->drive);

	assert_non_null(model);
	for (size_t i = 0; i < count; i++) {
		struct fake_drive *drive = &rig->drives[rig->drive_count];
		char serial[16];

		if (elements[i].type != ELEMENT_DRIVE)
			continue;
		assert_true(rig->drive_count < RIG_DRIVES);
		snprintf(serial, sizeof(serial), "DRV%07zu", rig->drive_count);
		fill_identity(&drive->identity, model->vendor, model->product, model->revision,
			      serial);
		drive->generation = model->generation;
		rig->bays[rig->drive_count++] = (struct changer_drive){
			.drive = drive,
			.identity = &drive->identity,
			.load = fake_load,
			.unload = fake_unload,
		};
	}
}

static void open_hosts(struct rig *rig)
{
	for (unsigned i = 0; i < 2; i++) {
		struct scsi_port port = {
			.initiator = i == 0 ? "iqn.2026-01.test:a" : "iqn.2026-01.test:b",
			.isid = { 0x80, 0, 0, 0, 0, (uint8_t)i },
			.portal_group = 1,
		};

		assert_int_equal(scsi_nexus_open(rig->target, &port, &rig->hosts[i]), 0);
	}
}

struct rig *rig_new(const struct personality *personality, const struct element *elements,
		    size_t count)
{
	static const uint8_t uuid[16] = { 1 };
	struct rig *rig = mem_zalloc(sizeof(*rig));
	struct changer_settings settings = {
		.personality = personality,
		.elements = elements,
		.element_count = count,
		.drives = rig->bays,
		.context = rig,
		.cartridge_path = fake_path,
		.volume_kind = fake_volume_kind,
		.save = fake_save,
		.hook = fake_hook,
	};

	add_drives(rig, personality, elements, count);
	settings.drive_count = rig->drive_count;
	fill_identity(&settings.identity, personality->vendor, personality->product,
		      personality->revision, "LIB0000001");
	rig->pool = settings.pool = scsi_buffer_pool_new(1 << 20);
	assert_non_null(rig->pool);
	rig->target = scsi_target_new("iqn.2026-01.test:library", uuid);
	assert_non_null(rig->target);
	assert_int_equal(changer_new(&settings, &rig->changer), 0);
	assert_int_equal(scsi_target_add(rig->target, 0, changer_lu(rig->changer)), 0);
	fake_save(rig, elements, count);
	rig->saves = 0;
	open_hosts(rig);
	rig_settle(rig);
	return rig;
}

struct rig *rig_new_usual(void)
{
	static const struct element elements[] = {
		{ .address = 1, .type = ELEMENT_TRANSPORT },
		{ .address = 10, .type = ELEMENT_IMPORT_EXPORT, .barcode = "GRN010LY", .imported = true },
		{ .address = 11, .type = ELEMENT_IMPORT_EXPORT },
		{ .address = 500, .type = ELEMENT_DRIVE },
		{ .address = 501, .type = ELEMENT_DRIVE },
		{ .address = 1000, .type = ELEMENT_STORAGE, .barcode = "GRN000L8" },
		{ .address = 1001, .type = ELEMENT_STORAGE, .barcode = "GRN001L8" },
		{ .address = 1002, .type = ELEMENT_STORAGE, .barcode = "CLN002L8" },
		{ .address = 1003, .type = ELEMENT_STORAGE },
	};

	return rig_new(personality_find("stk-l700"), elements,
		       sizeof(elements) / sizeof(elements[0]));
}

static void nexus_closed(void *context)
{
	sem_post(context);
}

void rig_free(struct rig **rig)
{
	struct rig *r = *rig;

	*rig = NULL;
	for (unsigned i = 0; i < 2; i++) {
		sem_t closed;

		sem_init(&closed, 0, 0);
		scsi_nexus_close(r->hosts[i], nexus_closed, &closed);
		while (sem_wait(&closed) != 0)
			assert_int_equal(errno, EINTR);
		sem_destroy(&closed);
	}
	scsi_target_remove(r->target, 0);
	changer_free(&r->changer);
	assert_null(r->changer);
	scsi_target_free(&r->target);
	scsi_buffer_pool_free(&r->pool);
	free(r->saved);
	free(r);
}

int rig_setup(void **state)
{
	*state = rig_new_usual();
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *rig = *state;

	rig_free(&rig);
	return 0;
}

void rig_settle(struct rig *rig)
{
	static struct reply reply;

	for (unsigned host = 0; host < 2; host++) {
		unsigned tries = 0;

		do
			rig_command(rig, host, CDB(0, 0, 0, 0, 0, 0), &reply);
		while (reply.status != SCSI_GOOD && ++tries < 16);
		assert_int_equal(reply.status, SCSI_GOOD);
	}
}

/* ---- commands --------------------------------------------------------------------------- */

/* A task and whoever waits for it. */
struct errand {
	struct scsi_task task; /* first: done() has only this */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
};

static void task_done(struct scsi_task *task)
{
	struct errand *errand = (struct errand *)task;

	pthread_mutex_lock(&errand->lock);
	errand->done = true;
	pthread_cond_signal(&errand->changed);
	pthread_mutex_unlock(&errand->lock);
}

static void collect(const struct scsi_task *task, struct reply *reply)
{
	reply->status = task->status;
	reply->sense = task->sense;
	reply->wanted = task->in_wanted;
	reply->size = 0;
	for (unsigned i = 0; i < task->in_count; i++) {
		const struct scsi_slice *slice = &task->in[i];

		assert_true(reply->size + slice->size <= RIG_DATA);
		memcpy(reply->data + reply->size, slice->buffer->data + slice->offset, slice->size);
		reply->size += slice->size;
	}
	assert_int_equal(reply->size, task->in_size);
	assert_true(reply->size <= task->in_room);
}

void rig_send(struct rig *rig, unsigned host, const uint8_t *cdb, size_t cdb_size, const void *out,
	      size_t out_size, size_t room, struct reply *reply)
{
	static uint64_t tags;
	struct errand *errand = mem_zalloc(sizeof(*errand));
	struct scsi_task *task = &errand->task;

	pthread_mutex_init(&errand->lock, NULL);
	pthread_cond_init(&errand->changed, NULL);
	task->nexus = rig->hosts[host];
	task->lun = (uint64_t)rig->lun << 48;
	task->tag = __atomic_add_fetch(&tags, 1, __ATOMIC_RELAXED);
	memcpy(task->cdb, cdb, cdb_size);
	task->cdb_size = cdb_size < 16 ? 16 : cdb_size;
	task->in_room = room;
	task->done = task_done;
	if (out != NULL) {
		task->out = scsi_buffer_get(rig->pool, out_size > 0 ? out_size : 1);
		if (task->out == NULL) /* a fault that was meant for the changer */
			task->out = scsi_buffer_get(rig->pool, out_size > 0 ? out_size : 1);
		assert_non_null(task->out);
		memcpy(task->out->data, out, out_size);
		task->out->size = out_size;
	}
	scsi_submit(task);
	pthread_mutex_lock(&errand->lock);
	while (!errand->done)
		pthread_cond_wait(&errand->changed, &errand->lock);
	pthread_mutex_unlock(&errand->lock);
	collect(task, reply);
	scsi_task_clear(task);
	pthread_cond_destroy(&errand->changed);
	pthread_mutex_destroy(&errand->lock);
	free(errand);
}

void rig_command(struct rig *rig, unsigned host, const uint8_t *cdb, size_t cdb_size,
		 struct reply *reply)
{
	rig_send(rig, host, cdb, cdb_size, NULL, 0, RIG_DATA, reply);
}

void rig_move(struct rig *rig, uint16_t from, uint16_t to, struct reply *reply)
{
	uint8_t cdb[12] = { 0xa5 };

	be_put16(cdb + 4, from);
	be_put16(cdb + 6, to);
	rig_command(rig, 0, cdb, sizeof(cdb), reply);
}

void rig_exchange(struct rig *rig, uint16_t from, uint16_t first, uint16_t second,
		  struct reply *reply)
{
	uint8_t cdb[12] = { 0xa6 };

	be_put16(cdb + 4, from);
	be_put16(cdb + 6, first);
	be_put16(cdb + 8, second);
	rig_command(rig, 0, cdb, sizeof(cdb), reply);
}

uint32_t reply_code(const struct reply *reply)
{
	if (reply->status == SCSI_GOOD)
		return 0;
	assert_int_equal(reply->status, SCSI_CHECK_CONDITION);
	return (uint32_t)reply->sense.key << 16 | reply->sense.code;
}

/* ---- what is where ------------------------------------------------------------------------ */

struct element rig_element(struct rig *rig, uint16_t address)
{
	struct element *elements = NULL, found = { 0 };
	size_t count = 0;

	assert_int_equal(changer_inventory(rig->changer, &elements, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (elements[i].address == address)
			found = elements[i];
	free(elements);
	assert_int_equal(found.address, address);
	return found;
}

void rig_assert_consistent(struct rig *rig)
{
	struct element *elements = NULL;
	size_t count = 0, drive = 0;

	assert_int_equal(changer_inventory(rig->changer, &elements, &count), 0);
	assert_int_equal(count, rig->saved_count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(elements[i].barcode, rig->saved[i].barcode);
		assert_int_equal(elements[i].source, rig->saved[i].source);
		assert_int_equal(elements[i].imported, rig->saved[i].imported);
		if (elements[i].type == ELEMENT_DRIVE)
			assert_string_equal(elements[i].barcode, rig->drives[drive++].barcode);
	}
	free(elements);
}
