# SPDX-License-Identifier: MIT
noinst_LIBRARIES += fs/tree/libtree.a
fs_tree_libtree_a_SOURCES = fs/tree/tree.h
include fs/tree/filemap.mk
TREE_LIBS = fs/tree/libtree.a $(STORE_LIBS)
