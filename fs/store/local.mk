# SPDX-License-Identifier: MIT
noinst_LIBRARIES += fs/store/libstore.a
fs_store_libstore_a_SOURCES = fs/format.h fs/store/chunk_ref.h \
	fs/store/buffer.h fs/store/buffer.c \
	fs/store/capping.h fs/store/capping.c \
	fs/store/catalogue.h fs/store/catalogue.c fs/store/catalogue_schema.h fs/store/catalogue_sql.h \
	fs/store/catalogue_vfs.h fs/store/catalogue_vfs.c \
	fs/store/create.c \
	fs/store/damage.h fs/store/damage.c \
	fs/store/delta.c \
	fs/store/existence.c \
	fs/store/get.c \
	fs/store/marks.h fs/store/marks.c \
	fs/store/pack.h fs/store/pack.c \
	fs/store/pack_end.h fs/store/pack_end.c \
	fs/store/pack_load.c \
	fs/store/pack_rebuild.h fs/store/pack_rebuild.c \
	fs/store/pack_repair.c \
	fs/store/pack_salvage.h fs/store/pack_salvage.c \
	fs/store/pack_table.h fs/store/pack_table.c \
	fs/store/pack_write.c \
	fs/store/lock.h fs/store/lock.c \
	fs/store/pool.h fs/store/pool.c \
	fs/store/put.c \
	fs/store/recover.c \
	fs/store/region_cache.h fs/store/region_cache.c \
	fs/store/rewrite.c \
	fs/store/scratch.h fs/store/scratch.c \
	fs/store/scrub.h fs/store/scrub.c \
	fs/store/segment.h fs/store/segment.c fs/store/segment_table.h \
	fs/store/segment_file.h fs/store/segment_file.c \
	fs/store/segment_gaps.c fs/store/segment_record.c fs/store/segment_recover.c \
	fs/store/space.h fs/store/space.c \
	fs/store/store.h fs/store/store.c fs/store/store_private.h \
	fs/store/stream.c \
	fs/store/sweep.h fs/store/sweep.c \
	fs/store/superblock.h fs/store/superblock.c
include fs/store/index.mk
STORE_LIBS = fs/store/libstore.a $(CHUNK_LIBS) $(SQLITE_LIBS) $(CONFIG_LIBS)
