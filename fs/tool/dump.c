/* SPDX-License-Identifier: MIT */
/* --dump: what a store is made of, for people and for debugging. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

static void dump_superblock(const struct superblock *sb)
{
	char uuid[37];

	superblock_format_uuid(sb->uuid, uuid);
	printf("superblock\n"
	       "  format %u, uuid %s, created %s\n"
	       "  chunks %u bytes on average (algorithm %u), fingerprint %u, cipher %u\n"
	       "  regions %u, packs %u, segments %u bytes, compression %s, reserve %" PRIu64
	       " bytes\n",
	       sb->format, uuid, sb->created, sb->chunk_average, sb->chunker, sb->fingerprint,
	       sb->cipher, sb->region_size, sb->pack_size, sb->segment_size,
	       compression_name(sb->compression), sb->reserve);
}

/* The rows of a query, each as "  name value, name value". */
static int dump_rows(struct fsck *f, const char *title, const char *sql)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int more, error = db_prepare(f, sql, &s);

	if (error)
		return error;
	printf("%s\n", title);
	while ((more = db_step(f, s)) == 1) {
		printf(" ");
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			const unsigned char *text = sqlite3_column_text(s, i);

			printf("%s %s %s", i ? "," : "", sqlite3_column_name(s, i),
			       text ? (const char *)text : "-");
		}
		putchar('\n');
	}
	return more;
}

static int dump_all(struct fsck *f)
{
	int error;

	dump_superblock(&f->superblock);
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

static void dump_directory(const struct reader_pack *p)
{
	const struct pack_directory *d = &p->directory;

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
		printf("slot %u: region %u, offset %u, size %u, ", i, d->slot[i].region,
		       d->slot[i].offset, d->slot[i].size);
		for (int byte = 0; byte < FINGERPRINT_SIZE; byte++)
			printf("%02x", d->fingerprint[i].bytes[byte]);
		putchar('\n');
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
	printf("pack %" PRIu64 ": version %u, kind %s, segment %" PRIu64 ", offset %" PRIu64
	       ", length %" PRIu64 ", raw %" PRIu64 "\n",
	       number, pack->header.version, kind_name(pack->header.kind), row->segment,
	       row->offset, pack->header.length, pack->header.raw);
	dump_directory(pack);
	reader_release(f->reader, pack);
	return 0;
}

static int dump_node(void *context, struct chunk_ref ref, unsigned level)
{
	(void)context;
	printf("  node %" PRIu64 "/%u, level %u\n", ref.pack, ref.slot, level);
	return 1;
}

static int dump_extent(void *context, uint64_t offset, const struct extent *e)
{
	(void)context;
	if (e->kind == EXTENT_DATA)
		printf("  %" PRIu64 " +%" PRIu64 ": chunk %" PRIu64 "/%u, from %u\n", offset,
		       e->length, e->chunk.pack, e->chunk.slot, e->skip);
	return 0;
}

static int dump_broken(void *context, struct chunk_ref ref, uint64_t offset, uint64_t length,
		       int error)
{
	(void)context;
	printf("  %" PRIu64 " +%" PRIu64 ": node %" PRIu64 "/%u: %s\n", offset, length, ref.pack,
	       ref.slot, strerror(-error));
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
		.node = dump_node, .extent = dump_extent, .broken = dump_broken};

	if ((sqlite3_column_int64(s, 1) & 0170000) != 0100000 || !sqlite3_column_bytes(s, 10))
		return 0;
	return filemap_walk(&io, sqlite3_column_blob(s, 10), (size_t)sqlite3_column_bytes(s, 10),
			    &visitor);
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
	printf("inode %lld: mode %llo", (long long)inode,
	       (unsigned long long)sqlite3_column_int64(s, 1));
	for (int i = 2; i < 10; i++)
		printf(", %s %lld", sqlite3_column_name(s, i),
		       (long long)sqlite3_column_int64(s, i));
	putchar('\n');
	return dump_map(f, s);
}

int fsck_dump(struct fsck *f, const char *what)
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
