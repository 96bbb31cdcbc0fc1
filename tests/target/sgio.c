/* SPDX-License-Identifier: MIT */
/*
 * sgio.so, to be preloaded: /dev/sgN is a logical unit of an iSCSI target, so that programs made
 * for Linux's SCSI generic driver talk to granary-targetd without that driver, root or a guest.
 *
 *   SGIO_URL_N        iscsi://HOST:PORT/TARGET/LUN of /dev/sgN; other names are opened as they are
 *   SGIO_INITIATOR    the initiator's name
 *
 * A descriptor is one of /dev/null that is remembered with its session. All sessions of a name have
 * one ISID: for persistent reservations each program that runs is the same initiator port again.
 * libiscsi's own descriptors are sockets, which are not remembered and go straight through.
 */
/* open and open64 are two names here. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <scsi/scsi.h>
#include <scsi/scsi_ioctl.h>
#include <scsi/sg.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#define DEVICES	     16
#define VERSION	     30536 /* of Linux's driver: SG_IO version 3 */
#define RESERVED     32768 /* bytes that the driver keeps by default */
#define DRIVER_SENSE 8
#define SENSE_BEFORE 2 /* libiscsi leaves SenseLength before the sense data */

struct device {
	int fd;
	int lun;
	struct iscsi_context *session; /* NULL: the row is free */
};

static struct device devices[DEVICES];

static struct device *device_find(int fd)
{
	for (unsigned i = 0; i < DEVICES; i++)
		if (devices[i].session && devices[i].fd == fd)
			return &devices[i];
	return NULL;
}

static const char *device_url(const char *path)
{
	char name[32];
	int end = 0;
	unsigned number;

	if (sscanf(path, "/dev/sg%3u%n", &number, &end) != 1 || path[end])
		return NULL;
	snprintf(name, sizeof(name), "SGIO_URL_%u", number);
	return getenv(name);
}

static struct iscsi_context *session_open(const char *text, int *lun)
{
	const char *name = getenv("SGIO_INITIATOR");
	struct iscsi_context *session = iscsi_create_context(name ? name : "iqn.2026-11.test:sgio");
	struct iscsi_url *url = session ? iscsi_parse_full_url(session, text) : NULL;
	int rc = -1;

	if (url) {
		*lun = url->lun;
		iscsi_set_targetname(session, url->target);
		iscsi_set_session_type(session, ISCSI_SESSION_NORMAL);
		iscsi_set_header_digest(session, ISCSI_HEADER_DIGEST_NONE_CRC32C);
		iscsi_set_isid_oui(session, 0x5347, 1);
		iscsi_set_noautoreconnect(session, 1);
		rc = iscsi_full_connect_sync(session, url->portal, url->lun);
		iscsi_destroy_url(url);
	}
	if (!rc)
		return session;
	fprintf(stderr, "sgio: %s: %s\n", text, session ? iscsi_get_error(session) : "no memory");
	if (session)
		iscsi_destroy_context(session);
	return NULL;
}

static void session_close(struct iscsi_context *session)
{
	iscsi_logout_sync(session);
	iscsi_destroy_context(session);
}

static int device_open(const char *url)
{
	struct device *device = devices;
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");

	while (device < devices + DEVICES && device->session)
		device++;
	if (device == devices + DEVICES) {
		errno = EMFILE;
		return -1;
	}
	int fd = real("/dev/null", O_RDWR | O_CLOEXEC);
	struct iscsi_context *session = fd < 0 ? NULL : session_open(url, &device->lun);
	if (session) {
		device->fd = fd;
		device->session = session;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	errno = ENXIO;
	return -1;
}

/* ---- SG_IO ---- */

static int direction(const struct sg_io_hdr *io)
{
	if (!io->dxfer_len || io->dxfer_direction == SG_DXFER_NONE)
		return SCSI_XFER_NONE;
	return io->dxfer_direction == SG_DXFER_TO_DEV ? SCSI_XFER_WRITE : SCSI_XFER_READ;
}

static void give_sense(struct sg_io_hdr *io, const struct scsi_task *task)
{
	size_t size =
		task->datain.size > SENSE_BEFORE ? (size_t)task->datain.size - SENSE_BEFORE : 0;

	if (size > io->mx_sb_len)
		size = io->mx_sb_len;
	if (io->sbp && size)
		memcpy(io->sbp, task->datain.data + SENSE_BEFORE, size);
	io->sb_len_wr = (unsigned char)size;
	io->driver_status = DRIVER_SENSE;
}

static void give_result(struct sg_io_hdr *io, const struct scsi_task *task)
{
	bool over = task->residual_status == SCSI_RESIDUAL_OVERFLOW;

	io->status = (unsigned char)task->status;
	io->masked_status = (unsigned char)(task->status >> 1 & 0x1f);
	io->resid = over ? 0 : (int)task->residual;
	io->host_status = io->driver_status = io->sb_len_wr = 0;
	io->duration = 0;
	io->info = io->status ? SG_INFO_CHECK : SG_INFO_OK;
	if (task->status == SCSI_STATUS_CHECK_CONDITION)
		give_sense(io, task);
}

static int device_run(struct device *device, struct sg_io_hdr *io)
{
	struct iscsi_data data = {.size = io->dxfer_len, .data = io->dxferp};
	int way = direction(io);

	if (io->interface_id != 'S' || io->iovec_count || !io->cmd_len ||
	    io->cmd_len > SCSI_CDB_MAX_SIZE) {
		errno = EINVAL;
		return -1;
	}
	struct scsi_task *task = scsi_create_task(io->cmd_len, io->cmdp, way,
						  way == SCSI_XFER_NONE ? 0 : (int)io->dxfer_len);
	if (!task) {
		errno = ENOMEM;
		return -1;
	}
	/* Into the caller's memory: with CHECK CONDITION libiscsi has the sense data in datain. */
	if (way == SCSI_XFER_READ)
		scsi_task_add_data_in_buffer(task, (int)io->dxfer_len, io->dxferp);
	struct scsi_task *ended = iscsi_scsi_command_sync(device->session, device->lun, task,
							  way == SCSI_XFER_WRITE ? &data : NULL);
	bool answered = ended && ended->status >= 0 && ended->status <= UINT8_MAX;
	if (answered)
		give_result(io, ended);
	scsi_free_scsi_task(task);
	if (!answered)
		errno = EIO;
	return answered ? 0 : -1;
}

/* ---- what programs call ---- */

static int device_ask(struct device *device, unsigned long request, void *argument)
{
	static const unsigned reserved = RESERVED;
	struct {
		int four, host;
	} place = {device->lun << 8, 0};
	struct sg_scsi_id id = {.lun = device->lun, .scsi_type = -1};

	switch (request) {
	case SG_GET_VERSION_NUM:
		*(int *)argument = VERSION;
		return 0;
	case SCSI_IOCTL_GET_IDLUN:
		memcpy(argument, &place, sizeof(place));
		return 0;
	case SCSI_IOCTL_GET_BUS_NUMBER:
		*(int *)argument = 0;
		return 0;
	case SG_GET_SCSI_ID:
		memcpy(argument, &id, sizeof(id));
		return 0;
	case SG_GET_RESERVED_SIZE:
		memcpy(argument, &reserved, sizeof(reserved));
		return 0;
	case SG_SET_RESERVED_SIZE:
	case SG_SET_TIMEOUT:
		return 0;
	case SG_GET_TIMEOUT:
		return 60 * 100;
	case SG_IO:
		return device_run(device, argument);
	}
	errno = ENOTTY;
	return -1;
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	struct device *device = device_find(fd);
	va_list rest;

	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);
	return device ? device_ask(device, request, argument) : real(fd, request, argument);
}

int close(int fd)
{
	int (*real)(int) = dlsym(RTLD_NEXT, "close");
	struct device *device = device_find(fd);

	if (device) {
		struct iscsi_context *session = device->session;
		device->session = NULL;
		session_close(session);
	}
	return real(fd);
}

static int path_open(const char *function, const char *path, int flags, mode_t mode)
{
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, function);
	const char *url = device_url(path);

	return url ? device_open(url) : real(path, flags, mode);
}

/* The mode is passed on whether there is one or not, as C libraries do. */
#define OPEN(name)                                                                                 \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		va_list rest;                                                                      \
		va_start(rest, flags);                                                             \
		mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;            \
		va_end(rest);                                                                      \
		return path_open(#name, path, flags, mode);                                        \
	}
OPEN(open)
OPEN(open64)

/* Fortified callers of open without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

int __open_2(const char *path, int flags)
{
	return path_open("open", path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return path_open("open64", path, flags, 0);
}

/* Programs that exit without close. */
__attribute__((destructor)) static void devices_close(void)
{
	for (unsigned i = 0; i < DEVICES; i++)
		if (devices[i].session)
			close(devices[i].fd);
}
