# SPDX-License-Identifier: MIT
fs_store_libstore_a_SOURCES += \
	fs/store/index.h fs/store/index.c \
	fs/store/index_internal.h fs/store/index_open.c fs/store/index_runs.c \
	fs/store/index_worker.c fs/store/index_merge.c fs/store/index_budget.c \
	fs/store/index_forget.c \
	fs/store/index_entry.h \
	fs/store/index_recent.h fs/store/index_recent.c \
	fs/store/index_table.h fs/store/index_table.c \
	fs/store/index_page.h fs/store/index_page.c \
	fs/store/index_filter.h fs/store/index_filter.c \
	fs/store/index_filter_format.h fs/store/index_filter_write.c \
	fs/store/index_run.h fs/store/index_run.c fs/store/index_run_write.c \
	fs/store/index_manifest.h fs/store/index_manifest.c
