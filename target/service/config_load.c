/* SPDX-License-Identifier: MIT */
/*
 * NAME.conf read. Identities are taken as they stand there, even where the
 * personality's table has others by now: hosts know a device by what it said when
 * it was made.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "target/service/access_io.h"
#include "target/service/names.h"
#include "target/service/reader.h"

static const char *const root_names[] = {"version", "name", "iqn", "uuid", "tapes", "tape_size",
					 "encryption", "recycle_days", "changer", "drives",
					 "elements", "open", "access", NULL};
static const char *const changer_names[] = {"personality", "vendor", "product", "revision",
					    "serial", "naa", "uuid", NULL};
static const char *const drive_names[] = {"address", "model", "vendor", "product", "revision",
					  "serial", "naa", "uuid", NULL};
static const char *const element_names[] = {"address", "type", "barcode", "source", "imported",
					    "disabled", NULL};

static void load_identity(struct reader *r, config_setting_t *group, struct scsi_identity *identity)
{
	reader_text(r, group, "vendor", identity->vendor, sizeof(identity->vendor));
	reader_text(r, group, "product", identity->product, sizeof(identity->product));
	reader_text(r, group, "revision", identity->revision, sizeof(identity->revision));
	reader_text(r, group, "serial", identity->serial, sizeof(identity->serial));
	reader_bytes(r, group, "naa", identity->naa, sizeof(identity->naa));
	reader_bytes(r, group, "uuid", identity->uuid, sizeof(identity->uuid));
	for (const char *p = identity->serial; *p && !r->error; p++)
		if (*p <= ' ' || *p > '~')
			reader_wrong(r, group, "\"serial\" must have printable characters only");
}

static void load_changer(struct reader *r, struct library_config *config)
{
	config_setting_t *group = reader_group(r, reader_root(r), "changer");
	char personality[64] = "";

	if (!group)
		return;
	reader_known(r, group, changer_names);
	reader_text(r, group, "personality", personality, sizeof(personality));
	config->personality = r->error ? NULL : personality_find(personality);
	if (!config->personality)
		reader_wrong(r, group, "there is no personality \"%s\"", personality);
	load_identity(r, group, &config->identity);
}

static void load_drive(struct reader *r, config_setting_t *group, struct library_drive *drive)
{
	char model[64] = "";
	uint64_t address = 0;

	reader_known(r, group, drive_names);
	reader_number(r, group, "address", UINT16_MAX, &address);
	reader_text(r, group, "model", model, sizeof(model));
	drive->address = (uint16_t)address;
	drive->model = r->error ? NULL : drive_model_find(model);
	if (!drive->model)
		reader_wrong(r, group, "there is no drive \"%s\"", model);
	load_identity(r, group, &drive->identity);
}

static void load_drives(struct reader *r, struct library_config *config)
{
	size_t count;
	config_setting_t *list =
		reader_list(r, reader_root(r), "drives", LIBRARY_DRIVES_MAX, &count);

	if (!count)
		return;
	config->drives = mem_try_zalloc(count, sizeof(*config->drives));
	if (!config->drives) {
		r->error = -ENOMEM;
		return;
	}
	config->drive_count = count;
	for (unsigned i = 0; i < count && !r->error; i++)
		load_drive(r, config_setting_get_elem(list, i), &config->drives[i]);
}

static bool load_type(const char *name, enum element_type *type)
{
	for (int i = ELEMENT_TRANSPORT; i <= ELEMENT_DRIVE; i++) {
		if (strcmp(element_word((enum element_type)i), name) == 0) {
			*type = (enum element_type)i;
			return true;
		}
	}
	return false;
}

static void load_element(struct reader *r, config_setting_t *group, struct element *element)
{
	uint64_t address = 0, source = 0;
	char type[16] = "";
	const char *wrong;

	reader_known(r, group, element_names);
	reader_number(r, group, "address", UINT16_MAX, &address);
	reader_text(r, group, "type", type, sizeof(type));
	if (!r->error && !load_type(type, &element->type))
		reader_wrong(r, group, "\"type\" must be transport, storage, import or drive");
	reader_optional_text(r, group, "barcode", element->barcode, sizeof(element->barcode));
	reader_optional_number(r, group, "source", UINT16_MAX, &source);
	reader_flag(r, group, "imported", &element->imported);
	reader_flag(r, group, "disabled", &element->disabled);
	element->address = (uint16_t)address;
	element->source = (uint16_t)source;
	wrong = r->error || !*element->barcode ? NULL : name_check_barcode(element->barcode);
	if (wrong)
		reader_wrong(r, group, "a barcode %s", wrong);
}

static void load_elements(struct reader *r, struct library_config *config)
{
	size_t count;
	config_setting_t *list = reader_list(r, reader_root(r), "elements", UINT16_MAX + 1u, &count);

	if (!count)
		return;
	config->elements = mem_try_zalloc(count, sizeof(*config->elements));
	if (!config->elements) {
		r->error = -ENOMEM;
		return;
	}
	config->element_count = count;
	for (unsigned i = 0; i < count && !r->error; i++)
		load_element(r, config_setting_get_elem(list, i), &config->elements[i]);
	library_config_sort(config);
}

static void load_root(struct reader *r, struct library_config *config)
{
	config_setting_t *root = reader_root(r);
	uint64_t recycle_days = 0;

	reader_known(r, root, root_names);
	reader_text(r, root, "name", config->name, sizeof(config->name));
	reader_text(r, root, "iqn", config->iqn, sizeof(config->iqn));
	reader_bytes(r, root, "uuid", config->uuid, sizeof(config->uuid));
	reader_text(r, root, "tapes", config->tapes, sizeof(config->tapes));
	reader_number(r, root, "tape_size", INT64_MAX, &config->tape_size);
	reader_flag(r, root, "encryption", &config->encryption);
	reader_number(r, root, "recycle_days", LIBRARY_RECYCLE_MAX, &recycle_days);
	config->recycle_days = (uint32_t)recycle_days;
}

int library_config_parse(const char *path, const char *text, struct library_config *config,
			 char message[LIBRARY_MESSAGE])
{
	struct reader r;
	char wrong[256];
	int error;

	*config = (struct library_config){0};
	if (reader_open(&r, path, text, LIBRARY_VERSION) == 0) {
		load_root(&r, config);
		load_changer(&r, config);
		load_drives(&r, config);
		load_elements(&r, config);
		access_read(&r, reader_root(&r), &config->access);
		if (!r.error && library_config_check(config, wrong))
			reader_wrong(&r, NULL, "%s", wrong);
	}
	error = reader_close(&r, message);
	if (error)
		library_config_clear(config);
	return error;
}

/* A file under another library's name would give two of the same. */
static int load_check_name(const char *path, const struct library_config *config,
			   char message[LIBRARY_MESSAGE])
{
	const char *base = strrchr(path, '/');
	CLEANUP_FREE char *wanted = mem_printf("%s.conf", config->name);

	if (strcmp(base ? base + 1 : path, wanted) == 0)
		return 0;
	snprintf(message, LIBRARY_MESSAGE,
		 "%s: the library in it is called \"%s\"; the file must be called %s", path,
		 config->name, wanted);
	return -EBADMSG;
}

int library_config_load(const char *path, struct library_config *config,
			char message[LIBRARY_MESSAGE])
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *secrets = access_secrets_path(path);
	size_t size;
	int error = file_read_all(path, READER_FILE_MAX, &text, &size);

	if (error) {
		snprintf(message, LIBRARY_MESSAGE, "%s: %s", path, strerror(-error));
		return error;
	}
	if (strlen(text) != size) {
		snprintf(message, LIBRARY_MESSAGE, "%s: it has bytes that are no text", path);
		return -EBADMSG;
	}
	error = library_config_parse(path, text, config, message);
	if (error)
		return error;
	error = load_check_name(path, config, message);
	if (!error)
		error = access_secrets_load(secrets, &config->access, message);
	if (error)
		library_config_clear(config);
	return error;
}
