/* SPDX-License-Identifier: MIT */
/*
 * --dump: what a store is made of, for people and for debugging; with --json one object whose
 * lists have an item a line. Nothing is gathered first: a store may have millions of packs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fs/store/store.h"
#include "fs/tool/fsck.h"
#include "fs/tree/filemap.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

static const char *kind_name(unsigned kind)
{
	static const char *const names[] = {
		[PACK_DATA] = "data", [PACK_MAP] = "map", [PACK_ANCHOR] = "anchor"};

	return kind < sizeof(names) / sizeof(*names) && names[kind] ? names[kind] : "unknown";
}

/* Prints an item and forgets it. */
static void json_line(json_t *item)
{
	if (!item || json_dumpf(item, stdout, JSON_COMPACT))
		fputs("null", stdout);
	json_decref(item);
}

/* An item of a list: what comes before it separates it from the last one. */
static void json_item(struct fsck *f, json_t *item)
{
	puts(f->items++ ? "," : "");
	json_line(item);
}

static void json_list_begin(struct fsck *f, const char *name)
{
	printf(",\n\"%s\": [", name);
	f->items = 0;
}

static void dump_superblock(const struct fsck *f)
{
	const struct superblock *sb = &f->superblock;
	char uuid[37];

	superblock_format_uuid(sb->uuid, uuid);
	if (f->json) {
		printf("\"superblock\": ");
		json_line(json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:s, s:I}",
				    "format", sb->format, "uuid", uuid, "created", sb->created,
				    "chunk_average", sb->chunk_average, "chunker", sb->chunker,
				    "fingerprint", sb->fingerprint, "cipher", sb->cipher,
				    "region_size", sb->region_size, "pack_size", sb->pack_size,
				    "segment_size", (json_int_t)sb->segment_size, "compression",
				    compression_name(sb->compression), "reserve",
				    (json_int_t)sb->reserve));
		return;
	}
	printf("superblock\n"
	       "  format %u, uuid %s, created %s\n"
	       "  chunks %u bytes on average (algorithm %u), fingerprint %u, cipher %u\n"
	       "  regions %u, packs %u, segments %u bytes, compression %s, reserve %" PRIu64
	       " bytes\n",
	       sb->format, uuid, sb->created, sb->chunk_average, sb->chunker, sb->fingerprint,
	       sb->cipher, sb->region_size, sb->pack_size, sb->segment_size,
	       compression_name(sb->compression), sb->reserve);
}

static void column_hex(sqlite3_stmt *s, int i, char *text, size_t size)
{
	const unsigned char *bytes = sqlite3_column_blob(s, i);
	size_t count = (size_t)sqlite3_column_bytes(s, i);

	*text = 0;
	for (size_t at = 0; at < count && 2 * at + 2 < size; at++)
		snprintf(text + 2 * at, 3, "%02x", bytes[at]);
}

static json_t *column_json(sqlite3_stmt *s, int i, const char *hex)
{
	switch (sqlite3_column_type(s, i)) {
	case SQLITE_INTEGER:
		return json_integer(sqlite3_column_int64(s, i));
	case SQLITE_BLOB:
		return json_string(hex);
	case SQLITE_NULL:
		return json_null();
	default:
		return json_string((const char *)sqlite3_column_text(s, i));
	}
}

static void dump_row(struct fsck *f, sqlite3_stmt *s)
{
	json_t *row = f->json ? json_object() : NULL;

	if (!f->json)
		putchar(' ');
	for (int i = 0; i < sqlite3_column_count(s); i++) {
		const char *name = sqlite3_column_name(s, i);
		const unsigned char *text;
		char hex[129];

		column_hex(s, i, hex, sizeof(hex));
		if (f->json) {
			json_object_set_new(row, name, column_json(s, i, hex));
			continue;
		}
		text = sqlite3_column_type(s, i) == SQLITE_BLOB ? (unsigned char *)hex
								: sqlite3_column_text(s, i);
		printf("%s %s %s", i ? "," : "", name, text ? (const char *)text : "-");
	}
	if (f->json)
		json_item(f, row);
	else
		putchar('\n');
}

/* The rows of a query, each as "  name value, name value". */
static int dump_rows(struct fsck *f, const char *title, const char *sql)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int more, error = db_prepare(f, sql, &s);

	if (error)
		return error;
	if (f->json)
		json_list_begin(f, title);
	else
		printf("%s\n", title);
	while ((more = db_step(f, s)) == 1)
		dump_row(f, s);
	if (f->json)
		putchar(']');
	return more;
}

static int dump_all(struct fsck *f)
{
	int error;

	dump_superblock(f);
	error = dump_rows(f, "meta", "SELECT key, value FROM meta ORDER BY key");
	if (!error)
		error = dump_rows(f, "containers",
				  "SELECT inode, quota, files, logical, deduplicated, stored"
				  " FROM container ORDER BY inode");
	if (!error)
		error = dump_rows(f, "inodes",
				  "SELECT count(*) AS number, coalesce(sum(size), 0) AS size,"
				  " coalesce(sum(allocated), 0) AS allocated FROM inode");
	if (!error)
		error = dump_rows(f, "segments",
				  "SELECT segment, size, freed, state FROM segment"
				  " ORDER BY segment");
	if (!error)
		error = dump_rows(f, "packs",
				  "SELECT pack, version, kind, segment, offset, length, slots, raw"
				  " FROM pack ORDER BY pack");
	if (!error)
		error = dump_rows(f, "damage",
				  "SELECT pack, slot, heal_pack, heal_slot FROM damage");
	return error;
}

static void fingerprint_text(const struct fingerprint *fingerprint, char text[2 * FINGERPRINT_SIZE + 1])
{
	for (int byte = 0; byte < FINGERPRINT_SIZE; byte++)
		snprintf(text + 2 * byte, 3, "%02x", fingerprint->bytes[byte]);
}

static void dump_directory_json(struct fsck *f, const struct pack_directory *d)
{
	char text[2 * FINGERPRINT_SIZE + 1];

	json_list_begin(f, "regions");
	for (uint32_t i = 0; i < d->regions; i++) {
		snprintf(text, sizeof(text), "%016" PRIx64, d->region[i].checksum);
		json_item(f, json_pack("{s:i, s:i, s:i, s:i, s:s}", "offset", d->region[i].offset,
				       "stored", d->region[i].stored, "raw", d->region[i].raw,
				       "codec", d->region[i].codec, "checksum", text));
	}
	putchar(']');
	json_list_begin(f, "slots");
	for (uint32_t i = 0; i < d->slots; i++) {
		if (d->slot[i].region == PACK_NO_REGION) {
			json_item(f, json_null());
			continue;
		}
		fingerprint_text(&d->fingerprint[i], text);
		json_item(f, json_pack("{s:i, s:i, s:i, s:s}", "region", d->slot[i].region, "offset",
				       d->slot[i].offset, "size", d->slot[i].size, "fingerprint",
				       text));
	}
	putchar(']');
}

static void dump_directory(const struct pack_directory *d)
{
	char text[2 * FINGERPRINT_SIZE + 1];

	for (uint32_t i = 0; i < d->regions; i++)
		printf("region %u: offset %u, stored %u, raw %u, codec %u, checksum %016" PRIx64
		       "\n",
		       i, d->region[i].offset, d->region[i].stored, d->region[i].raw,
		       d->region[i].codec, d->region[i].checksum);
	for (uint32_t i = 0; i < d->slots; i++) {
		if (d->slot[i].region == PACK_NO_REGION) {
			printf("slot %u: empty\n", i);
			continue;
		}
		fingerprint_text(&d->fingerprint[i], text);
		printf("slot %u: region %u, offset %u, size %u, %s\n", i, d->slot[i].region,
		       d->slot[i].offset, d->slot[i].size, text);
	}
}

static int dump_pack(struct fsck *f, uint64_t number)
{
	const struct pack_row *row = pack_list_find(&f->packs, number);
	struct reader_pack *pack = NULL;
	int error = reader_fetch(f->reader, number, &pack);

	if (error) {
		log_error("%s: pack %" PRIu64 ": %s", f->path, number, strerror(-error));
		return error;
	}
	if (f->json) {
		printf("\"pack\": ");
		json_line(json_pack("{s:I, s:i, s:s, s:I, s:I, s:I, s:I}", "pack", (json_int_t)number,
				    "version", pack->header.version, "kind",
				    kind_name(pack->header.kind), "segment", (json_int_t)row->segment,
				    "offset", (json_int_t)row->offset, "length",
				    (json_int_t)pack->header.length, "raw",
				    (json_int_t)pack->header.raw));
		dump_directory_json(f, &pack->directory);
	} else {
		printf("pack %" PRIu64 ": version %u, kind %s, segment %" PRIu64 ", offset %" PRIu64
		       ", length %" PRIu64 ", raw %" PRIu64 "\n",
		       number, pack->header.version, kind_name(pack->header.kind), row->segment,
		       row->offset, pack->header.length, pack->header.raw);
		dump_directory(&pack->directory);
	}
	reader_release(f->reader, pack);
	return 0;
}

static int dump_node(void *context, struct chunk_ref ref, unsigned level)
{
	struct fsck *f = context;

	if (f->json)
		json_item(f, json_pack("{s:I, s:i, s:i}", "node_pack", (json_int_t)ref.pack,
				       "node_slot", ref.slot, "level", level));
	else
		printf("  node %" PRIu64 "/%u, level %u\n", ref.pack, ref.slot, level);
	return 1;
}

static int dump_extent(void *context, uint64_t offset, const struct extent *e)
{
	struct fsck *f = context;

	if (e->kind != EXTENT_DATA)
		return 0;
	if (f->json)
		json_item(f, json_pack("{s:I, s:I, s:I, s:i, s:i}", "offset", (json_int_t)offset,
				       "length", (json_int_t)e->length, "pack",
				       (json_int_t)e->chunk.pack, "slot", e->chunk.slot, "from",
				       e->skip));
	else
		printf("  %" PRIu64 " +%" PRIu64 ": chunk %" PRIu64 "/%u, from %u\n", offset,
		       e->length, e->chunk.pack, e->chunk.slot, e->skip);
	return 0;
}

static int dump_broken(void *context, struct chunk_ref ref, uint64_t offset, uint64_t length,
		       int error)
{
	struct fsck *f = context;

	if (f->json)
		json_item(f, json_pack("{s:I, s:I, s:I, s:i, s:s}", "offset", (json_int_t)offset,
				       "length", (json_int_t)length, "node_pack",
				       (json_int_t)ref.pack, "node_slot", ref.slot, "error",
				       strerror(-error)));
	else
		printf("  %" PRIu64 " +%" PRIu64 ": node %" PRIu64 "/%u: %s\n", offset, length,
		       ref.pack, ref.slot, strerror(-error));
	return 0;
}

/* The inode at the end of a path; 0: there is none. */
static int find_path(struct fsck *f, const char *path, int64_t *inode)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	CLEANUP_FREE char *copy = mem_strdup(path);
	char *rest = copy, *name;
	int more, error;

	*inode = 1;
	error = db_prepare(f, "SELECT inode FROM entry WHERE parent=?1 AND name=?2", &s);
	while (!error && *inode && (name = strsep(&rest, "/"))) {
		if (!*name)
			continue;
		sqlite3_reset(s);
		sqlite3_bind_int64(s, 1, *inode);
		sqlite3_bind_blob(s, 2, name, (int)strlen(name), SQLITE_STATIC);
		more = db_step(f, s);
		if (more < 0)
			return more;
		*inode = more ? sqlite3_column_int64(s, 0) : 0;
	}
	return error;
}

static int dump_map(struct fsck *f, sqlite3_stmt *s)
{
	const struct filemap_io io = reader_filemap_io(f->reader);
	const struct filemap_visitor visitor = {
		.node = dump_node, .extent = dump_extent, .broken = dump_broken, .context = f};

	if ((sqlite3_column_int64(s, 1) & 0170000) != 0100000 || !sqlite3_column_bytes(s, 10))
		return 0;
	return filemap_walk(&io, sqlite3_column_blob(s, 10), (size_t)sqlite3_column_bytes(s, 10),
			    &visitor);
}

static int dump_inode(struct fsck *f, sqlite3_stmt *s)
{
	json_t *row = f->json ? json_object() : NULL;
	int error;

	if (!f->json)
		printf("inode %lld: mode %llo", (long long)sqlite3_column_int64(s, 0),
		       (unsigned long long)sqlite3_column_int64(s, 1));
	for (int i = 0; i < 10; i++) {
		if (f->json)
			json_object_set_new(row, sqlite3_column_name(s, i),
					    json_integer(sqlite3_column_int64(s, i)));
		else if (i >= 2)
			printf(", %s %lld", sqlite3_column_name(s, i),
			       (long long)sqlite3_column_int64(s, i));
	}
	if (!f->json) {
		putchar('\n');
		return dump_map(f, s);
	}
	printf("\"inode\": ");
	json_line(row);
	json_list_begin(f, "map");
	error = dump_map(f, s);
	putchar(']');
	return error;
}

static int dump_path(struct fsck *f, const char *path)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int64_t inode;
	int error = find_path(f, path, &inode);

	if (!error)
		error = db_prepare(f,
				   "SELECT inode, mode, generation, links, uid, gid, size,"
				   " allocated, flags, container, map FROM inode WHERE inode=?1",
				   &s);
	if (error)
		return error;
	sqlite3_bind_int64(s, 1, inode);
	error = db_step(f, s);
	if (error == 0) {
		log_error("%s: there is no %s in it", f->path, path);
		return -ENOENT;
	}
	if (error < 0)
		return error;
	return dump_inode(f, s);
}

static int dump_what(struct fsck *f, const char *what)
{
	char *end;
	unsigned long long number;

	if (!what)
		return dump_all(f);
	if (*what == '/')
		return dump_path(f, what);
	number = strtoull(what, &end, 10);
	if (end == what || *end) {
		log_error("--dump=%s: is neither a pack's number nor a path that begins with /",
			  what);
		return -EINVAL;
	}
	return dump_pack(f, number);
}

int fsck_dump(struct fsck *f, const char *what)
{
	int error;

	if (f->json)
		putchar('{');
	error = dump_what(f, what);
	if (f->json)
		puts("}");
	return error;
}
