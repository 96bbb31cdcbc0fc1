/* SPDX-License-Identifier: MIT */
/* The handles of pN.data: one that adds and cuts, one that reads. */
#ifndef TARGET_TAPE_CARTRIDGE_DATA_H
#define TARGET_TAPE_CARTRIDGE_DATA_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct data_file {
	int folder; /* borrowed; -1: not open */
	unsigned number;
	int change;	      /* for what is added and cut off; -1 where nothing is */
	pthread_mutex_t lock; /* of the next */
	int read;	      /* -1: nobody has read yet */
	uint64_t set_aside;   /* bytes of the file, written or not, that have their place on the disk */
	uint64_t promised;    /* bytes that were asked for last, after the end */
	bool promises;	      /* the host sets space aside */
};

/* 0 or -errno. A file that is not there is made where it is to be changed. */
int data_open(struct data_file *d, int folder, unsigned number, bool writable);
/* Also of one that is not open. */
void data_close(struct data_file *d);
int data_size(struct data_file *d, uint64_t *size);
/* Exactly `size` bytes; -ENODATA where the file ends before. Any thread. */
int data_pread(struct data_file *d, void *buffer, size_t size, uint64_t offset);
/* Has the host set space aside for `bytes` more after `end`. Returns how many have it now;
 * UINT64_MAX: the host does nothing of that kind. */
uint64_t data_reserve(struct data_file *d, uint64_t end, uint64_t bytes);
/* Nothing is set aside after it. 0 or -errno. */
int data_truncate(struct data_file *d, uint64_t size);
/* The same, but what was promised last is set aside again at once. Should another writer take all that the cut
 * has freed between the two, the next append finds no room, and its blocks wait for some (drive_ring.c). */
int data_cut(struct data_file *d, uint64_t size);

#endif
