# SPDX-License-Identifier: MIT
noinst_LIBRARIES += fs/tree/libtree.a
fs_tree_libtree_a_SOURCES = fs/tree/tree.h fs/tree/internal.h fs/tree/tree.c fs/tree/inode.c \
	fs/tree/entry.c fs/tree/names.c fs/tree/path.c fs/tree/rename.c fs/tree/readdir.c \
	fs/tree/attr.c fs/tree/xattr.c fs/tree/acl.c fs/tree/content.c fs/tree/slab.c \
	fs/tree/ingest.c fs/tree/image.h fs/tree/image.c fs/tree/file.c fs/tree/gate.c fs/tree/read.c \
	fs/tree/range.c fs/tree/clone.c fs/tree/rows.c fs/tree/snapshot.c fs/tree/commit.c \
	fs/tree/container.c fs/tree/backup.h fs/tree/backup.c fs/tree/explain.c \
	fs/tree/reference.h fs/tree/reference.c fs/tree/loss.c fs/tree/name_hash.h
include fs/tree/filemap.mk
TREE_LIBS = fs/tree/libtree.a $(STORE_LIBS) $(JANSSON_LIBS)
