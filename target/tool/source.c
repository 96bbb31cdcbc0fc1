/* SPDX-License-Identifier: MIT */
/* Sources: the reading that formats of one file share. */
#include "target/tool/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define SOURCE_BUFFER (1u << 20)

int source_damaged(struct source *s, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(s->trouble, sizeof(s->trouble), format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

int source_fit(struct source *s, size_t size)
{
	uint8_t *data;

	if (size <= s->capacity)
		return 0;
	data = mem_try_resize(s->data, size, 1);
	if (!data) {
		snprintf(s->trouble, sizeof(s->trouble), "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	s->data = data;
	s->capacity = size;
	return 0;
}

int source_read_head(struct source *s, void *data, size_t size, bool *ended)
{
	size_t n = size ? fread(data, 1, size, s->file) : 0;

	*ended = n == 0 && size > 0;
	if (n < size && ferror(s->file)) {
		snprintf(s->trouble, sizeof(s->trouble), "offset %" PRIu64 ": %s", s->offset,
			 strerror(errno));
		return -EIO;
	}
	if (n < size && n > 0)
		return source_damaged(s, "offset %" PRIu64 ": the file ends in the middle of %zu bytes",
				      s->offset, size);
	s->offset += n;
	return 0;
}

int source_read(struct source *s, void *data, size_t size)
{
	bool ended;
	int error = source_read_head(s, data, size, &ended);

	if (!error && ended)
		return source_damaged(s, "offset %" PRIu64 ": the file ends before %zu bytes that are "
				      "to follow", s->offset, size);
	return error;
}

int source_start(struct source *source, const struct source_class *class, FILE *file)
{
	int error;

	source->class = class;
	source->file = file;
	if (file) {
		source->buffer = mem_alloc(SOURCE_BUFFER);
		setvbuf(file, source->buffer, _IOFBF, SOURCE_BUFFER);
	}
	error = class->start ? class->start(source) : 0;
	if (error)
		source_close(source);
	return error;
}

int source_next(struct source *source, struct source_item *item)
{
	int error = source->class->next(source, item);

	if (error)
		return error;
	if (item->kind == SOURCE_BLOCK && (item->size == 0 || item->size > CARTRIDGE_BLOCK_MAX))
		return source_damaged(source, "block %" PRIu64 " of %" PRIu32 " bytes: tapes have at most %u",
				      source->blocks, item->size, CARTRIDGE_BLOCK_MAX);
	source->blocks++;
	return 0;
}

void source_close(struct source *source)
{
	if (source->class && source->class->end)
		source->class->end(source);
	source->class = NULL;
	if (source->file)
		fclose(TAKE(source->file));
	free(TAKE(source->buffer));
	free(TAKE(source->data));
	source->capacity = 0;
}
