# SPDX-License-Identifier: MIT
fs_tree_libtree_a_SOURCES += \
	fs/tree/node.h fs/tree/node.c \
	fs/tree/filemap.h fs/tree/filemap_impl.h \
	fs/tree/filemap.c fs/tree/filemap_blob.c fs/tree/filemap_tree.c fs/tree/filemap_edit.c \
	fs/tree/filemap_save.c fs/tree/filemap_read.c fs/tree/filemap_copy.c fs/tree/filemap_walk.c

# Background jobs.
fs_tree_libtree_a_SOURCES += \
	fs/tree/job.h fs/tree/job_impl.h fs/tree/job.c fs/tree/job_row.c \
	fs/tree/clean.c fs/tree/mark.h fs/tree/mark.c fs/tree/scrub_job.c \
	fs/tree/damaged.h fs/tree/damaged.c fs/tree/scan.h fs/tree/scan.c \
	fs/tree/search.h fs/tree/search.c \
	fs/tree/ref_set.h fs/tree/ref_set.c

check_PROGRAMS += tests/fuzz/fuzz-node
TESTS += tests/fuzz/fuzz-node
tests_fuzz_fuzz_node_SOURCES = tests/fuzz/fuzz-node.c tests/fuzz/driver.c
tests_fuzz_fuzz_node_LDADD = fs/tree/libtree.a $(BASE_LIBS)
