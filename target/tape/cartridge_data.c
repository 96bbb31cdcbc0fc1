/* SPDX-License-Identifier: MIT */
/*
 * The handles of pN.data.
 *
 * On the mount of a store only a handle that cannot read, and that is opened while nobody else
 * reads, goes past the kernel's page cache, which is nearly half of what a drive costs there. Once
 * somebody reads beside it, pages are dropped at each append. So what reads is opened by the first
 * read, which most tapes that are written never see.
 *
 * A store on a mount sets no space aside, and what it takes it has room for; other hosts do, so that
 * what a drive has acknowledged and not yet written cannot lose its place to another writer.
 */
#include "target/tape/cartridge_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/file.h"

#define FUSE_MAGIC   0x65735546
#define RESERVE_STEP (32ull << 20) /* bytes set aside at once, where there is room for that many */

static int data_open_as(const struct data_file *d, int flags)
{
	char name[16];
	snprintf(name, sizeof(name), "p%u.data", d->number);
	return file_open_regular(d->folder, name, flags, 0640);
}

static int data_open_change(struct data_file *d)
{
	int fd = data_open_as(d, O_WRONLY | O_CREAT);
	if (fd < 0)
		return fd;
	d->change = fd;
	return 0;
}

static int data_open_read_locked(struct data_file *d)
{
	int fd = d->read < 0 ? data_open_as(d, O_RDONLY) : d->read;
	if (fd < 0)
		return fd;
	d->read = fd;
	return 0;
}

int data_open(struct data_file *d, int folder, unsigned number, bool writable)
{
	struct statfs host;
	*d = (struct data_file){.folder = folder, .number = number, .change = -1, .read = -1};
	pthread_mutex_init(&d->lock, NULL);
	d->promises = writable && fstatfs(folder, &host) == 0 && host.f_type != FUSE_MAGIC;
	int error = writable ? data_open_change(d) : data_open_read_locked(d);
	if (error)
		data_close(d);
	return error;
}

void data_close(struct data_file *d)
{
	if (d->folder < 0)
		return;
	if (d->read >= 0)
		close(d->read);
	if (d->change >= 0)
		close(d->change);
	d->read = d->change = d->folder = -1;
	pthread_mutex_destroy(&d->lock);
}

int data_size(struct data_file *d, uint64_t *size)
{
	struct stat st;
	if (fstat(d->change >= 0 ? d->change : d->read, &st) < 0)
		return -errno;
	*size = (uint64_t)st.st_size;
	return 0;
}

int data_pread(struct data_file *d, void *buffer, size_t size, uint64_t offset)
{
	pthread_mutex_lock(&d->lock);
	int error = data_open_read_locked(d), fd = d->read;
	pthread_mutex_unlock(&d->lock);
	return error ? error : file_pread(fd, buffer, size, offset);
}

int data_truncate(struct data_file *d, uint64_t size)
{
	d->set_aside = 0;
	return ftruncate(d->change, (off_t)size) < 0 ? -errno : 0;
}

static int data_allocate(const struct data_file *d, uint64_t from, uint64_t to)
{
	if (fault_hit("cartridge-data-space"))
		return -ENOSPC;
	return fallocate(d->change, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from)) < 0 ? -errno : 0;
}

uint64_t data_reserve(struct data_file *d, uint64_t end, uint64_t bytes)
{
	uint64_t from = d->set_aside > end ? d->set_aside : end;
	if (!d->promises)
		return UINT64_MAX;
	d->promised = bytes;
	if (from < end + bytes) {
		uint64_t to = end + bytes + RESERVE_STEP;
		int error = data_allocate(d, from, to);
		if (error == -ENOSPC || error == -EDQUOT || error == -EFBIG)
			error = data_allocate(d, from, to = end + bytes);
		if (error == -EOPNOTSUPP || error == -ENOSYS) {
			d->promises = false;
			return UINT64_MAX;
		}
		d->set_aside = from = error ? from : to;
	}
	return from - end;
}

int data_cut(struct data_file *d, uint64_t size)
{
	bool promised = d->set_aside > size;
	int error = data_truncate(d, size);
	if (!error && promised)
		(void)data_reserve(d, size, d->promised);
	return error;
}
