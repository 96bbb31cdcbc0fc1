/* SPDX-License-Identifier: MIT */
/*
 * NAME.conf written: an element a line, so that a person finds a tape with grep.
 * libconfig's own writer would take six.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "target/service/access_io.h"

const char *element_word(enum element_type type)
{
	switch (type) {
	case ELEMENT_TRANSPORT:
		return "transport";
	case ELEMENT_STORAGE:
		return "storage";
	case ELEMENT_IMPORT_EXPORT:
		return "import";
	case ELEMENT_DRIVE:
		return "drive";
	}
	return "unknown";
}

void text_write(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void save_bytes(FILE *out, const uint8_t *bytes, size_t size)
{
	putc('"', out);
	for (size_t i = 0; i < size; i++)
		fprintf(out, "%s%02x", size == 16 && i >= 4 && i <= 10 && i % 2 == 0 ? "-" : "",
			bytes[i]);
	putc('"', out);
}

static void save_identity(FILE *out, const struct scsi_identity *identity)
{
	fputs("vendor = ", out);
	text_write(out, identity->vendor);
	fputs("; product = ", out);
	text_write(out, identity->product);
	fputs("; revision = ", out);
	text_write(out, identity->revision);
	fputs(";\n\t  serial = ", out);
	text_write(out, identity->serial);
	fputs("; naa = ", out);
	save_bytes(out, identity->naa, sizeof(identity->naa));
	fputs("; uuid = ", out);
	save_bytes(out, identity->uuid, sizeof(identity->uuid));
	putc(';', out);
}

static void save_root(FILE *out, const struct library_config *config)
{
	fprintf(out,
		"# A tape library of granary-targetd(8), written anew with every change. Edit it only\n"
		"# while the daemon does not run. CHAP secrets are in %s.secrets.\n"
		"version = %u;\nname = \"%s\";\niqn = ",
		config->name, LIBRARY_VERSION, config->name);
	text_write(out, config->iqn);
	fputs(";\nuuid = ", out);
	save_bytes(out, config->uuid, sizeof(config->uuid));
	fputs(";\ntapes = ", out);
	text_write(out, config->tapes);
	fprintf(out, ";\ntape_size = %lluL; # bytes; 0: what the medium has\nencryption = %s;\n",
		(unsigned long long)config->tape_size, config->encryption ? "true" : "false");
	fprintf(out, "recycle_days = %u;\n\nchanger = {\n\t  personality = \"%s\"; ",
		(unsigned)config->recycle_days, config->personality->name);
	save_identity(out, &config->identity);
	fputs("\n};\n", out);
}

static void save_drives(FILE *out, const struct library_config *config)
{
	fputs("\n# By LUN, from 1.\ndrives = (", out);
	for (size_t i = 0; i < config->drive_count; i++) {
		const struct library_drive *drive = &config->drives[i];

		fprintf(out, "%s\n\t{ address = %u; model = \"%s\"; ", i ? "," : "",
			(unsigned)drive->address, drive->model->name);
		save_identity(out, &drive->identity);
		fputs(" }", out);
	}
	fputs("\n);\n", out);
}

static void save_elements(FILE *out, const struct library_config *config)
{
	fputs("\nelements = (", out);
	for (size_t i = 0; i < config->element_count; i++) {
		const struct element *element = &config->elements[i];

		fprintf(out, "%s\n\t{ address = %u; type = \"%s\";", i ? "," : "",
			(unsigned)element->address, element_word(element->type));
		if (*element->barcode)
			fprintf(out, " barcode = \"%s\";", element->barcode);
		if (element->source)
			fprintf(out, " source = %u;", (unsigned)element->source);
		fprintf(out, "%s%s }", element->imported ? " imported = true;" : "",
			element->disabled ? " disabled = true;" : "");
	}
	fputs("\n);\n", out);
}

int text_replace(const char *path, FILE *out, char **data, size_t *size, mode_t mode)
{
	bool failed = ferror(out) != 0;
	int error;

	if (fclose(out) != 0 || failed || !*data)
		error = -ENOMEM;
	else
		error = file_replace(path, *data, *size, mode);
	if (error)
		log_error("%s: it cannot be written: %s", path, strerror(-error));
	return error;
}

int library_config_save(const char *path, const struct library_config *config)
{
	CLEANUP_FREE char *data = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&data, &size);

	if (!out)
		return -ENOMEM;
	save_root(out, config);
	save_drives(out, config);
	save_elements(out, config);
	access_write(out, &config->access);
	return text_replace(path, out, &data, &size, 0640);
}
