/* SPDX-License-Identifier: MIT */
/* Does a file's beginning look like that of a disk image? */
#ifndef FS_TREE_IMAGE_H
#define FS_TREE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* qcow2, VMDK, VHDX, VHD, a partition table (MBR, GPT) or an ext2/3/4 file system. */
bool image_is_likely(const uint8_t *data, size_t size);

#endif
