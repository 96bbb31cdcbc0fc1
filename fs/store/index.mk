# SPDX-License-Identifier: MIT
fs_store_libstore_a_SOURCES += fs/store/index.h
