/* SPDX-License-Identifier: MIT */
#include "tests/unit/scsi-fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/scsi/log_page.h"

/* ---- the device ---------------------------------------------------------------------------- */

void gate_open(struct fake *fake)
{
	LOCK_SCOPE(&fake->lock);
	fake->open = true;
	pthread_cond_broadcast(&fake->changed);
}

void gate_close(struct fake *fake)
{
	LOCK_SCOPE(&fake->lock);
	fake->open = false;
	fake->slow = true;
}

void gate_wait(struct fake *fake, unsigned count)
{
	LOCK_SCOPE(&fake->lock);
	while (fake->waiting < count)
		pthread_cond_wait(&fake->changed, &fake->lock);
}

/* fake->lock is held. */
static void gate_pass(struct fake *fake)
{
	fake->waiting++;
	pthread_cond_broadcast(&fake->changed);
	while (!fake->open)
		pthread_cond_wait(&fake->changed, &fake->lock);
	fake->waiting--;
}

static bool fake_write_waits(struct scsi_lu *lu, const struct scsi_task *task)
{
	struct fake *fake = lu->device;
	(void)task;
	LOCK_SCOPE(&fake->lock);
	return fake->slow;
}

static void fake_write(struct scsi_lu *lu, struct scsi_task *task)
{
	struct fake *fake = lu->device;
	uint32_t size = be_get24(task->cdb + 2);
	task->out_wanted = size;
	if (!scsi_parameters(task, size))
		return;
	LOCK_SCOPE(&fake->lock);
	if (fake->slow)
		gate_pass(fake);
	fake->order[fake->written++ % sizeof(fake->order)] = task->cdb[4];
}

static void fake_read(struct scsi_lu *lu, struct scsi_task *task)
{
	struct fake *fake = lu->device;
	uint32_t size = be_get24(task->cdb + 2);
	struct scsi_buffer *buffer = scsi_buffer_get(fake->pool, size ? size : 1);
	assert_non_null(buffer);
	memset(buffer->data, 0x5a, size);
	buffer->size = size;
	scsi_reply_slice(task, buffer, 0, size / 2);
	scsi_reply_slice(task, buffer, size / 2, size - size / 2);
	scsi_buffer_release(&buffer);
}

static bool always_waits(struct scsi_lu *lu, const struct scsi_task *task)
{
	(void)lu;
	(void)task;
	return true;
}

static void fake_erase(struct scsi_lu *lu, struct scsi_task *task)
{
	struct fake *fake = lu->device;
	struct scsi_nexus *nexus = task->nexus;
	if (task->cdb[1] & 1)
		scsi_finish_early(task);
	{
		LOCK_SCOPE(&fake->lock);
		gate_pass(fake);
		fake->erased++;
		fake->saw_abort = scsi_is_aborted(task);
	}
	if (fake->fails)
		scsi_deferred(lu, nexus,
			      &(struct sense){.key = SENSE_MEDIUM_ERROR, .code = ASC_WRITE_ERROR});
}

static void fake_rewind(struct scsi_lu *lu, struct scsi_task *task)
{
	struct fake *fake = lu->device;
	(void)task;
	LOCK_SCOPE(&fake->lock);
	fake->rewinds++;
}

static const struct scsi_opcode fake_opcodes[] = {
	{.opcode = 0x01, .length = 6, .usage = {0x01, 0x01}, .timeout = 60, .name = "REWIND",
	 .run = fake_rewind},
	{.opcode = 0x08, .length = 6, .usage = {0x08, 0x03, 0xff, 0xff, 0xff}, .timeout = 60,
	 .name = "READ(6)", .flags = SCSI_IF_WRITE_EXCLUSIVE, .run = fake_read},
	{.opcode = 0x0a, .length = 6, .usage = {0x0a, 0x01, 0xff, 0xff, 0xff}, .timeout = 60,
	 .name = "WRITE(6)", .run = fake_write, .waits = fake_write_waits},
	{.opcode = 0x19, .length = 6, .usage = {0x19, 0x03}, .timeout = 600, .name = "ERASE",
	 .run = fake_erase, .waits = always_waits},
	{.opcode = 0x7f, .has_action = true, .action = 0x0203, .length = 32, .timeout = 60,
	 .usage = {0x7f, 0, 0, 0, 0, 0, 0, 0x18, 0xff, 0xff}, .name = "LONG", .run = fake_rewind},
	{0},
};

static int fake_vpd(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	(void)lu;
	assert_true(room >= 2);
	data[0] = 1;
	return 2;
}

static int fake_vpd_absent(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	(void)lu;
	(void)data;
	(void)room;
	return -1;
}

static const struct scsi_vpd_page fake_vpd_pages[] = {
	{0xb1, fake_vpd}, {0xb0, fake_vpd}, {0xb2, fake_vpd_absent}, {0, NULL}};

static int fake_page_check(struct scsi_lu *lu, const uint8_t *page)
{
	struct fake *fake = lu->device;
	return fake->refuses && page[9] ? -9 - 1 : 0;
}

static void fake_page_changed(struct scsi_lu *lu, const uint8_t *page)
{
	struct fake *fake = lu->device;
	(void)page;
	LOCK_SCOPE(&fake->lock);
	fake->page_changes++;
}

static void fake_page_refresh(struct scsi_lu *lu, uint8_t *page)
{
	struct fake *fake = lu->device;
	LOCK_SCOPE(&fake->lock);
	page[3] = (uint8_t)fake->rewinds;
}

static const uint8_t page10[16] = {0x10, 14, 0, 0, 1, 2};
static const uint8_t page10_changeable[16] = {0x10, 14, 0, 0, 0xff, 0, 0, 0, 0x0f, 0xff};
static const uint8_t page10_1[32] = {0x50, 1, 0, 28, 7};
static const uint8_t page10_1_changeable[32] = {0x50, 1, 0, 28, 0xff};
static const uint8_t page0f[16] = {0x0f, 14, 0x80};
static const uint8_t page0f_changeable[16] = {0x0f, 14};

/* Two that do not go into one MODE SENSE(6) with all the others. */
static const uint8_t page21[100] = {0x21, 98}, page22[100] = {0x22, 98};

static const struct scsi_mode_page fake_mode_pages[] = {
	{0x22, 0, sizeof(page22), page22, page22, NULL, NULL, NULL},
	{0x21, 0, sizeof(page21), page21, page21, NULL, NULL, NULL},
	{0x10, 1, 32, page10_1, page10_1_changeable, NULL, fake_page_changed, NULL},
	{0x10, 0, 16, page10, page10_changeable, fake_page_check, fake_page_changed, NULL},
	{0x0f, 0, 16, page0f, page0f_changeable, NULL, NULL, fake_page_refresh},
	{0},
};

static void fake_log(struct scsi_lu *lu, struct scsi_log *log)
{
	(void)lu;
	for (uint16_t code = 1; code <= 4; code++)
		scsi_log_number(log, code, LOG_BINARY, 1, code * 16);
}

static void fake_log_reset(struct scsi_lu *lu)
{
	struct fake *fake = lu->device;
	LOCK_SCOPE(&fake->lock);
	fake->page_changes += 100;
}

static const struct scsi_log_page fake_log_pages[] = {
	{0x2e, 0, fake_log, NULL},
	{0x0c, 0, fake_log, fake_log_reset},
	{0x0c, 2, fake_log, NULL},
	{0},
};

static void fake_ready(struct scsi_lu *lu, struct scsi_task *task)
{
	struct fake *fake = lu->device;
	if (fake->not_ready)
		scsi_check(task, SENSE_NOT_READY, ASC_NO_MEDIUM);
}

static void fake_mode_header(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific,
			     uint8_t descriptor[8], size_t *descriptor_size)
{
	struct fake *fake = lu->device;
	*medium_type = 0x88;
	*device_specific = fake->device_specific;
	descriptor[0] = fake->density;
	*descriptor_size = 8;
}

static int fake_mode_descriptor(struct scsi_lu *lu, const uint8_t descriptor[8])
{
	struct fake *fake = lu->device;
	if (descriptor[4])
		return -4 - 1;
	fake->density = descriptor[0];
	return 0;
}

static int fake_device_specific(struct scsi_lu *lu, uint8_t device_specific, bool change)
{
	struct fake *fake = lu->device;
	if (device_specific & 0x0f)
		return -1;
	if (change)
		fake->device_specific = device_specific;
	return 0;
}

static void fake_reset(struct scsi_lu *lu, enum scsi_reset kind)
{
	struct fake *fake = lu->device;
	LOCK_SCOPE(&fake->lock);
	fake->resets++;
	fake->reset_kind = kind;
}

static void fake_lost(struct scsi_lu *lu, struct scsi_nexus *nexus)
{
	struct fake *fake = lu->device;
	(void)nexus;
	LOCK_SCOPE(&fake->lock);
	fake->lost++;
}

static enum sense_code fake_reservation_lost(struct scsi_lu *lu, bool preempted)
{
	struct fake *fake = lu->device;
	fake->reservations_lost++;
	fake->reservations_preempted += preempted;
	return fake->reservation_code;
}

static const uint16_t fake_versions[] = {0x0520, 0};

const struct scsi_class fake_class = {
	.device_type = 0x01,
	.removable = true,
	.opcodes = fake_opcodes,
	.vpd_pages = fake_vpd_pages,
	.mode_pages = fake_mode_pages,
	.log_pages = fake_log_pages,
	.versions = fake_versions,
	.ready = fake_ready,
	.mode_header = fake_mode_header,
	.mode_descriptor = fake_mode_descriptor,
	.mode_device_specific = fake_device_specific,
	.reset = fake_reset,
	.nexus_lost = fake_lost,
	.reservation_lost = fake_reservation_lost,
};

/* ---- the scene -------------------------------------------------------------------------------- */

const struct scsi_keeper *fake_keeper;
const struct scsi_kept *fake_kept;

static void fake_start(struct fake *fake, struct scsi_target *target, uint8_t lun)
{
	struct scsi_identity identity = {.vendor = "GRANARY", .product = "FAKE", .revision = "1.0",
					 .naa = {0x50, 1, 2, 3, 4, 5, 6, 7}};
	(void)snprintf(identity.serial, sizeof(identity.serial), "FAKE%06u", lun);
	memset(fake, 0, sizeof(*fake));
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->changed, NULL);
	fake->open = true;
	fake->device_specific = 0x10;
	fake->density = 0x5e;
	fake->pool = scsi_buffer_pool_new(1 << 20);
	assert_int_equal(scsi_lu_new(&fake_class, &identity, fake, &fake->lu), 0);
	if (fake_keeper)
		scsi_lu_keep(fake->lu, fake_keeper);
	if (fake_kept && !lun)
		assert_int_equal(scsi_lu_restore(fake->lu, fake_kept), 0);
	assert_int_equal(scsi_target_add(target, lun, fake->lu), 0);
}

static void fake_stop(struct fake *fake, struct scsi_target *target)
{
	if (fake->lu->target)
		scsi_target_remove(target, fake->lu->number);
	scsi_lu_free(&fake->lu);
	scsi_buffer_pool_free(&fake->pool);
	pthread_cond_destroy(&fake->changed);
	pthread_mutex_destroy(&fake->lock);
}

struct scsi_nexus *scene_nexus(struct scene *scene, const char *initiator, uint8_t isid)
{
	struct scsi_nexus *nexus;
	struct scsi_port port = {
		.initiator = initiator, .isid = {0x40, 0, 0, 0, 0, isid}, .portal_group = 1};
	assert_int_equal(scsi_nexus_open(scene->target, &port, &nexus), 0);
	return nexus;
}

static void scene_quiet(struct scsi_nexus *nexus)
{
	struct answer answer;
	for (unsigned lun = 0; lun <= 3; lun += 3)
		do
			run_command(&answer, nexus, lun, CDB(0x00), NULL, 0, 0);
		while (answer.status != SCSI_GOOD);
}

void scene_start(struct scene *scene, bool quiet)
{
	static const uint8_t uuid[16] = {1};
	memset(scene, 0, sizeof(*scene));
	scene->target = scsi_target_new("iqn.2026-01.org.granary:test", uuid);
	fake_start(&scene->fake[0], scene->target, 0);
	fake_start(&scene->fake[1], scene->target, 3);
	scene->a = scene_nexus(scene, "iqn.2026-01.org.granary:a", 1);
	scene->b = scene_nexus(scene, "iqn.2026-01.org.granary:b", 2);
	if (!quiet)
		return;
	scene_quiet(scene->a);
	scene_quiet(scene->b);
}

struct close_wait {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended;
};

static void scene_closed(void *context)
{
	struct close_wait *wait = context;
	LOCK_SCOPE(&wait->lock);
	wait->has_ended = true;
	pthread_cond_signal(&wait->ended);
}

void scene_close(struct scsi_nexus **nexus)
{
	struct close_wait wait = {.lock = PTHREAD_MUTEX_INITIALIZER,
				  .ended = PTHREAD_COND_INITIALIZER};
	if (!*nexus)
		return;
	scsi_nexus_close(*nexus, scene_closed, &wait);
	*nexus = NULL;
	pthread_mutex_lock(&wait.lock);
	while (!wait.has_ended)
		pthread_cond_wait(&wait.ended, &wait.lock);
	pthread_mutex_unlock(&wait.lock);
}

void scene_stop(struct scene *scene)
{
	gate_open(&scene->fake[0]);
	gate_open(&scene->fake[1]);
	scene_close(&scene->a);
	scene_close(&scene->b);
	scene_close(&scene->c);
	fake_stop(&scene->fake[0], scene->target);
	fake_stop(&scene->fake[1], scene->target);
	scsi_target_free(&scene->target);
}

/* ---- commands -------------------------------------------------------------------------------------- */

static void command_done(struct scsi_task *task)
{
	struct fake_command *command =
		(struct fake_command *)((char *)task - offsetof(struct fake_command, task));
	LOCK_SCOPE(&command->lock);
	command->done_count++;
	command->has_ended = true;
	pthread_cond_signal(&command->ended);
}

void command_prepare(struct fake_command *command, struct scsi_nexus *nexus, uint64_t lun,
		     const uint8_t *cdb, size_t cdb_size, const void *out, size_t out_size,
		     size_t room)
{
	static uint64_t tag; /* atomic */
	struct scsi_task *task = &command->task;
	memset(command, 0, sizeof(*command));
	pthread_mutex_init(&command->lock, NULL);
	pthread_cond_init(&command->ended, NULL);
	task->nexus = nexus;
	task->lun = lun;
	task->tag = __atomic_add_fetch(&tag, 1, __ATOMIC_RELAXED);
	task->done = command_done;
	memcpy(task->cdb, cdb, cdb_size);
	task->cdb_size = cdb_size;
	task->in_room = room;
	if (out) {
		struct scsi_buffer_pool *pool = scsi_buffer_pool_new(0);
		task->out = scsi_buffer_get(pool, out_size ? out_size : 1);
		assert_non_null(task->out);
		memcpy(task->out->data, out, out_size);
		task->out->size = out_size;
		scsi_buffer_pool_free(&pool);
	}
}

void command_start(struct fake_command *command, struct scsi_nexus *nexus, uint64_t lun,
		   const uint8_t *cdb, size_t cdb_size, const void *out, size_t out_size, size_t room)
{
	command_prepare(command, nexus, lun, cdb, cdb_size, out, out_size, room);
	scsi_submit(&command->task);
}

void command_wait(struct fake_command *command)
{
	LOCK_SCOPE(&command->lock);
	while (!command->has_ended)
		pthread_cond_wait(&command->ended, &command->lock);
}

bool command_has_ended(struct fake_command *command)
{
	LOCK_SCOPE(&command->lock);
	return command->has_ended;
}

void command_end(struct fake_command *command)
{
	command_wait(command);
	assert_int_equal(command->done_count, 1);
	scsi_task_clear(&command->task);
	pthread_cond_destroy(&command->ended);
	pthread_mutex_destroy(&command->lock);
}

void run_command(struct answer *answer, struct scsi_nexus *nexus, unsigned lun, const uint8_t *cdb,
		 size_t cdb_size, const void *out, size_t out_size, size_t room)
{
	struct fake_command command;
	command_start(&command, nexus, LUN(lun), cdb, cdb_size, out, out_size, room);
	command_wait(&command);
	const struct scsi_task *task = &command.task;
	memset(answer, 0, sizeof(*answer));
	answer->status = task->status;
	answer->sense = task->sense;
	answer->aborted = task->aborted;
	answer->sense_descriptor = task->sense_descriptor;
	answer->wanted = task->in_wanted;
	answer->out_wanted = task->out_wanted;
	assert_true(task->in_size <= task->in_room);
	for (unsigned i = 0; i < task->in_count; i++) {
		memcpy(answer->data + answer->size, task->in[i].buffer->data + task->in[i].offset,
		       task->in[i].size);
		answer->size += task->in[i].size;
	}
	assert_int_equal(answer->size, task->in_size);
	command_end(&command);
}

void assert_good(const struct answer *answer)
{
	if (answer->status == SCSI_CHECK_CONDITION)
		fail_msg("key %x code %04x", answer->sense.key, answer->sense.code);
	assert_int_equal(answer->status, SCSI_GOOD);
	assert_false(answer->aborted);
}

void assert_check(const struct answer *answer, enum sense_key key, enum sense_code code)
{
	assert_int_equal(answer->status, SCSI_CHECK_CONDITION);
	assert_int_equal(answer->sense.key, key);
	assert_int_equal(answer->sense.code, code);
}

void assert_field(const struct answer *answer, unsigned byte, unsigned bit)
{
	assert_check(answer, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	assert_true(answer->sense.field_valid && answer->sense.field_in_cdb);
	assert_int_equal(answer->sense.field_byte, byte);
	if (bit < 8)
		assert_int_equal(answer->sense.field_bit, bit);
}

void assert_parameter(const struct answer *answer, unsigned byte)
{
	assert_check(answer, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_PARAMETERS);
	assert_true(answer->sense.field_valid && !answer->sense.field_in_cdb);
	assert_int_equal(answer->sense.field_byte, byte);
}

struct manage {
	struct scsi_management_request request;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended;
	enum scsi_response response;
};

static void manage_done(struct scsi_management_request *request, enum scsi_response response)
{
	struct manage *manage = request->context;
	LOCK_SCOPE(&manage->lock);
	assert_false(manage->has_ended);
	manage->has_ended = true;
	manage->response = response;
	pthread_cond_signal(&manage->ended);
}

enum scsi_response manage_wait(struct scsi_nexus *nexus, enum scsi_management function, unsigned lun,
			       uint64_t tag)
{
	struct manage manage = {
		.request = {.nexus = nexus, .function = function, .lun = LUN(lun), .tag = tag,
			    .done = manage_done},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
	};
	manage.request.context = &manage;
	scsi_manage(&manage.request);
	pthread_mutex_lock(&manage.lock);
	while (!manage.has_ended)
		pthread_cond_wait(&manage.ended, &manage.lock);
	pthread_mutex_unlock(&manage.lock);
	return manage.response;
}
