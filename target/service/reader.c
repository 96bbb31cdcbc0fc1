/* SPDX-License-Identifier: MIT */
/* The reader. What it reads may have been edited by hand, or torn by a disk: nothing is believed. */
#include "target/service/reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>


void reader_wrong(struct reader *r, const config_setting_t *setting, const char *format, ...)
{
	char text[256];
	va_list arguments;

	if (r->error)
		return;
	r->error = -EBADMSG;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (setting)
		snprintf(r->message, sizeof(r->message), "%s:%u: %s", r->path,
			 config_setting_source_line(setting), text);
	else
		snprintf(r->message, sizeof(r->message), "%s: %s", r->path, text);
}

/* libconfig would open what "@include" names. */
static bool reader_includes(const char *text)
{
	for (const char *p = text; (p = strstr(p, "@include")) != NULL; p++) {
		const char *begin = p;

		while (begin > text && (begin[-1] == ' ' || begin[-1] == '\t'))
			begin--;
		if (begin == text || begin[-1] == '\n' || begin[-1] == '\r')
			return true;
	}
	return false;
}

int reader_open(struct reader *r, const char *path, const char *text, unsigned version)
{
	uint64_t found = 0;

	*r = (struct reader){.path = path};
	config_init(&r->config);
	if (reader_includes(text)) {
		reader_wrong(r, NULL, "it must not include other files");
		return r->error;
	}
	if (!config_read_string(&r->config, text)) {
		r->error = -EBADMSG;
		snprintf(r->message, sizeof(r->message), "%s:%d: %s", path,
			 config_error_line(&r->config), config_error_text(&r->config));
		return r->error;
	}
	reader_number(r, reader_root(r), "version", UINT32_MAX, &found);
	if (!r->error && found != version) {
		reader_wrong(r, config_lookup(&r->config, "version"),
			     "version %llu is not known; this is version %u",
			     (unsigned long long)found, version);
		r->error = -EPROTONOSUPPORT;
	}
	return r->error;
}

int reader_close(struct reader *r, char message[LIBRARY_MESSAGE])
{
	config_destroy(&r->config);
	if (r->error && !*r->message)
		snprintf(r->message, sizeof(r->message), "%s: %s", r->path, strerror(-r->error));
	if (r->error)
		memcpy(message, r->message, sizeof(r->message));
	return r->error;
}

config_setting_t *reader_root(struct reader *r)
{
	return config_root_setting(&r->config);
}

void reader_known(struct reader *r, config_setting_t *group, const char *const *names)
{
	for (int i = 0; !r->error && i < config_setting_length(group); i++) {
		config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(setting);
		size_t n = 0;

		while (names[n] && (!name || strcmp(names[n], name) != 0))
			n++;
		if (!names[n])
			reader_wrong(r, setting, "\"%.60s\" is no setting", name ? name : "");
	}
}

/* NULL after an error, and where an optional one is missing. */
static config_setting_t *reader_find(struct reader *r, config_setting_t *group, const char *name,
				     bool optional)
{
	config_setting_t *setting = r->error ? NULL : config_setting_get_member(group, name);

	if (!setting && !optional)
		reader_wrong(r, group, "\"%s\" is missing", name);
	return setting;
}

static void reader_any_text(struct reader *r, config_setting_t *group, const char *name, char *text,
			    size_t size, bool optional)
{
	config_setting_t *setting = reader_find(r, group, name, optional);
	const char *value = setting ? config_setting_get_string(setting) : NULL;

	if (!setting)
		return;
	if (!value || (!optional && !*value))
		reader_wrong(r, setting, "\"%s\" must be text", name);
	else if (strlen(value) >= size)
		reader_wrong(r, setting, "\"%s\" must have at most %zu characters", name, size - 1);
	else
		strcpy(text, value);
}

void reader_text(struct reader *r, config_setting_t *group, const char *name, char *text,
		 size_t size)
{
	reader_any_text(r, group, name, text, size, false);
}

void reader_optional_text(struct reader *r, config_setting_t *group, const char *name, char *text,
			  size_t size)
{
	reader_any_text(r, group, name, text, size, true);
}

static void reader_any_number(struct reader *r, config_setting_t *group, const char *name,
			      uint64_t most, uint64_t *value, bool optional)
{
	config_setting_t *setting = reader_find(r, group, name, optional);
	long long number;

	if (!setting)
		return;
	number = config_setting_get_int64(setting);
	if ((config_setting_type(setting) != CONFIG_TYPE_INT &&
	     config_setting_type(setting) != CONFIG_TYPE_INT64) ||
	    number < 0 || (uint64_t)number > most)
		reader_wrong(r, setting, "\"%s\" must be a whole number from 0 to %llu", name,
			     (unsigned long long)most);
	else
		*value = (uint64_t)number;
}

void reader_number(struct reader *r, config_setting_t *group, const char *name, uint64_t most,
		   uint64_t *value)
{
	reader_any_number(r, group, name, most, value, false);
}

void reader_optional_number(struct reader *r, config_setting_t *group, const char *name,
			    uint64_t most, uint64_t *value)
{
	reader_any_number(r, group, name, most, value, true);
}

void reader_flag(struct reader *r, config_setting_t *group, const char *name, bool *value)
{
	config_setting_t *setting = reader_find(r, group, name, true);

	*value = false;
	if (setting && config_setting_type(setting) != CONFIG_TYPE_BOOL)
		reader_wrong(r, setting, "\"%s\" must be true or false", name);
	else if (setting)
		*value = config_setting_get_bool(setting);
}

static int reader_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void reader_bytes(struct reader *r, config_setting_t *group, const char *name, uint8_t *bytes,
		  size_t size)
{
	config_setting_t *setting = reader_find(r, group, name, false);
	const char *text = setting ? config_setting_get_string(setting) : NULL;
	size_t digits = 0;

	if (!setting)
		return;
	for (; text && *text && digits < 2 * size; text++) {
		int digit = reader_digit(*text);

		if (*text == '-')
			continue;
		if (digit < 0)
			break;
		bytes[digits / 2] = (uint8_t)(digits % 2 ? bytes[digits / 2] | digit : digit << 4);
		digits++;
	}
	if (!text || *text || digits != 2 * size)
		reader_wrong(r, setting, "\"%s\" must be %zu bytes in hexadecimal", name, size);
}

config_setting_t *reader_group(struct reader *r, config_setting_t *group, const char *name)
{
	config_setting_t *setting = reader_find(r, group, name, false);

	if (setting && !config_setting_is_group(setting))
		reader_wrong(r, setting, "\"%s\" must be a group, { ... }", name);
	return r->error ? NULL : setting;
}

config_setting_t *reader_list(struct reader *r, config_setting_t *group, const char *name,
			      size_t most, size_t *count)
{
	config_setting_t *setting = reader_find(r, group, name, true);

	*count = 0;
	if (!setting)
		return NULL;
	if (!config_setting_is_list(setting))
		reader_wrong(r, setting, "\"%s\" must be a list, ( ... )", name);
	else if ((size_t)config_setting_length(setting) > most)
		reader_wrong(r, setting, "\"%s\" must have at most %zu entries", name, most);
	for (int i = 0; !r->error && i < config_setting_length(setting); i++)
		if (!config_setting_is_group(config_setting_get_elem(setting, (unsigned)i)))
			reader_wrong(r, setting, "\"%s\" must be a list of groups, { ... }", name);
	if (r->error)
		return NULL;
	*count = (size_t)config_setting_length(setting);
	return setting;
}
