# SPDX-License-Identifier: MIT
fs_tree_libtree_a_SOURCES += fs/tree/filemap.h
