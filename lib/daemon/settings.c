/* SPDX-License-Identifier: MIT */
/*
 * granary.conf through libconfig. A daemon reads its own section and the one
 * named "common"; its own wins. A key that no option has is an error, because a
 * misspelt key that is passed over in silence costs somebody an evening.
 * Values are never put into a message: some are secrets.
 */
#include "lib/daemon/settings.h"

#include <errno.h>
#include <libconfig.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"

static void settings_close(config_t *config)
{
	config_destroy(config);
}

static struct options_row *settings_find(struct options *o, const char *key, bool common)
{
	for (size_t i = 0; i < o->count; i++) {
		struct options_row *row = &o->rows[i];
		if (row->option.key && strcmp(row->option.key, key) == 0 &&
		    (!common || row->common))
			return row;
	}
	return NULL;
}

static bool settings_is_integer(const config_setting_t *setting)
{
	int type = config_setting_type(setting);
	return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

/* What the option wants; NULL when the setting is that. */
static const char *settings_wanted(enum daemon_option_kind kind, config_setting_t *setting)
{
	const char *text = config_setting_get_string(setting);
	uint64_t value;
	switch (kind) {
	case DAEMON_FLAG:
		return config_setting_type(setting) == CONFIG_TYPE_BOOL ? NULL : "true or false";
	case DAEMON_STRING:
		return text ? NULL : "a string";
	case DAEMON_SIZE:
		if (text && options_size(text, &value) == 0)
			return NULL;
		if (settings_is_integer(setting) && config_setting_get_int64(setting) >= 0)
			return NULL;
		return "a size, such as \"512M\"";
	case DAEMON_NUMBER:
		if (settings_is_integer(setting) && config_setting_get_int64(setting) >= 0)
			return NULL;
		return "a number";
	}
	return "nothing";
}

static void settings_apply(struct options_row *row, config_setting_t *setting)
{
	const char *text = config_setting_get_string(setting);
	if (row->given)
		return;
	if (row->option.kind == DAEMON_FLAG)
		*(bool *)row->option.value = config_setting_get_bool(setting);
	else if (text)
		options_set(row, text); /* cannot fail: settings_wanted() has tried it */
	else
		*(uint64_t *)row->option.value = (uint64_t)config_setting_get_int64(setting);
}

/* Checks a section, or sets what is in it. */
static int settings_section(struct options *o, config_t *config, const char *name, bool apply)
{
	bool common = strcmp(name, "common") == 0;
	config_setting_t *section = config_lookup(config, name);
	if (!section)
		return 0;
	if (!config_setting_is_group(section)) {
		log_error("%s:%u: \"%s\" must be a section, { ... }",
			  config_setting_source_file(section), config_setting_source_line(section),
			  name);
		return -EINVAL;
	}
	for (int i = 0; i < config_setting_length(section); i++) {
		config_setting_t *setting = config_setting_get_elem(section, (unsigned)i);
		const char *key = config_setting_name(setting);
		struct options_row *row = settings_find(o, key, common);
		const char *wanted = row ? settings_wanted(row->option.kind, setting) : NULL;
		if (row && !wanted) {
			if (apply)
				settings_apply(row, setting);
			continue;
		}
		log_error("%s:%u: %s.%s %s%s", config_setting_source_file(setting),
			  config_setting_source_line(setting), name, key,
			  row ? "must be " : "is no setting", row ? wanted : "");
		return -EINVAL;
	}
	return 0;
}

static int settings_read(config_t *config, const char *path)
{
	if (config_read_file(config, path))
		return 0;
	if (config_error_type(config) == CONFIG_ERR_FILE_IO) {
		log_error("%s: cannot be read", path);
		return -EIO;
	}
	log_error("%s:%d: %s", config_error_file(config) ? config_error_file(config) : path,
		  config_error_line(config), config_error_text(config));
	return -EINVAL;
}

int settings_load(struct options *o, const char *path, bool required)
{
	static const bool passes[] = {false, true};
	if (access(path, R_OK) < 0) {
		int error = -errno;
		if (error == -ENOENT && !required)
			return 0;
		log_error("%s: %s", path, strerror(-error));
		return error;
	}
	__attribute__((cleanup(settings_close))) config_t config;
	config_init(&config);
	int error = settings_read(&config, path);
	for (size_t i = 0; i < 2 && !error; i++) {
		error = settings_section(o, &config, "common", passes[i]);
		if (!error && o->class->section)
			error = settings_section(o, &config, o->class->section, passes[i]);
	}
	return error;
}
