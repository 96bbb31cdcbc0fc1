# SPDX-License-Identifier: MIT
noinst_LIBRARIES += fs/store/libstore.a
fs_store_libstore_a_SOURCES = fs/format.h fs/store/chunk_ref.h fs/store/store.h \
	fs/store/superblock.h fs/store/pool.h \
	fs/store/catalogue.h fs/store/catalogue.c fs/store/catalogue_schema.h fs/store/catalogue_sql.h
include fs/store/index.mk
STORE_LIBS = fs/store/libstore.a $(CHUNK_LIBS) $(SQLITE_LIBS) $(CONFIG_LIBS)
