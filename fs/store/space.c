/* SPDX-License-Identifier: MIT */
/* Space; see space.h. One lock; writers ask the host at most each 200 ms or 32 MiB. */
#include "fs/store/space.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define SPACE_MAGIC       0x53504143u
#define SPACE_ASK_NS      200000000u
#define SPACE_ASK_SOON_NS 5000000u /* before somebody is refused */
#define SPACE_ASK_BYTES   (UINT64_C(32) << 20)
/* Kept free beside the reserve for the catalogue's log and the index. */
#define SPACE_SLACK_MAX   (UINT64_C(4) << 20)
#define SPACE_SLACK_SHARE 32u
#define SPACE_RESERVE_LEAST (UINT64_C(32) << 20)
/* A promise also covers directories and padding. */
#define SPACE_OVERHEAD_SHARE 64u

struct space {
	uint32_t magic;
	char *reserve_path;
	uint64_t reserve_size;
	int folder;
	bool read_only;
	pthread_mutex_t lock; /* all below */
	uint64_t host_free, host_total;
	uint64_t asked_ns, since_asked;
	uint64_t promised, accepted, written;
	bool released;
};

/* A share of the room that there is, on a small host a larger one: a commit and a step of cleaning
 * take as much there as elsewhere. */
static uint64_t space_share(uint64_t room, uint64_t wanted)
{
	uint64_t share = room / 50;
	if (share < SPACE_RESERVE_LEAST)
		share = room / 8 < SPACE_RESERVE_LEAST ? room / 8 : SPACE_RESERVE_LEAST;
	return share < wanted ? share : wanted;
}

static uint64_t space_reserve_size(int folder, uint64_t wanted)
{
	uint64_t available = 0, total = 0;
	if (file_space(folder, &available, &total) < 0)
		return 0;
	return space_share(available, wanted);
}

/* Allots blocks, not just a size: a sparse file would reserve nothing. */
static int space_allot(const char *path, uint64_t size)
{
	CLEANUP_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (size == 0)
		return 0;
	int error = -posix_fallocate(fd, 0, (off_t)size);
	if (!error && ftruncate(fd, (off_t)size) < 0)
		error = -errno;
	if (error && ftruncate(fd, 0) < 0)
		return -errno;
	return error;
}

int space_create_reserve(const char *store_path, uint64_t wanted)
{
	CLEANUP_FREE char *path = mem_printf("%s/reserve", store_path);
	CLEANUP_FD int folder = open(store_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	return space_allot(path, space_reserve_size(folder, wanted));
}

void space_free(struct space **pointer)
{
	struct space *s = TAKE(*pointer);
	if (!s)
		return;
	ASSERT_OBJECT(s, SPACE_MAGIC);
	close(s->folder);
	pthread_mutex_destroy(&s->lock);
	s->magic = 0;
	free(s->reserve_path);
	free(s);
}

int space_open(const char *store_path, uint64_t reserve, bool read_only, struct space **space)
{
	struct stat st;
	CLEANUP_FD int folder = open(store_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	struct space *s = mem_zalloc(sizeof(*s));
	s->magic = SPACE_MAGIC;
	s->reserve_path = mem_printf("%s/reserve", store_path);
	s->read_only = read_only;
	s->folder = TAKE_FD(folder);
	pthread_mutex_init(&s->lock, NULL);
	/* What was made at first is what is held again: the host may be fuller by now. */
	s->released = stat(s->reserve_path, &st) < 0 || st.st_size == 0;
	int error = file_space(s->folder, &s->host_free, &s->host_total);
	s->reserve_size = space_share(s->host_total, reserve);
	if (!s->released)
		s->reserve_size = (uint64_t)st.st_size;
	if (error)
		space_free(&s);
	else
		*space = s;
	return error;
}

static int space_ask_locked(struct space *s, uint64_t age_ns)
{
	uint64_t now = clock_monotonic_ns();
	if (s->asked_ns && now - s->asked_ns < age_ns && s->since_asked < SPACE_ASK_BYTES)
		return 0;
	int error = file_space(s->folder, &s->host_free, &s->host_total);
	if (error)
		return error;
	if (fault_hit("space_full"))
		s->host_free = 0;
	s->asked_ns = now;
	s->since_asked = s->written = 0;
	return 0;
}

static uint64_t space_available_locked(const struct space *s)
{
	uint64_t slack = s->host_total / SPACE_SLACK_SHARE;
	if (slack > SPACE_SLACK_MAX)
		slack = SPACE_SLACK_MAX;
	uint64_t promised = s->promised + s->promised / SPACE_OVERHEAD_SHARE;
	uint64_t held = s->released ? s->reserve_size : 0;
	uint64_t taken = slack + held + promised + s->accepted + s->written;
	return s->host_free > taken ? s->host_free - taken : 0;
}

static bool space_fits_locked(const struct space *s, uint64_t bytes)
{
	uint64_t need;
	return !__builtin_add_overflow(bytes, bytes / SPACE_OVERHEAD_SHARE, &need) &&
	       need <= space_available_locked(s);
}

int space_reserve(struct space *s, uint64_t bytes)
{
	ASSERT_OBJECT(s, SPACE_MAGIC);
	LOCK_SCOPE(&s->lock);
	int error = space_ask_locked(s, SPACE_ASK_NS);
	if (!error && !space_fits_locked(s, bytes))
		error = space_ask_locked(s, SPACE_ASK_SOON_NS);
	if (error)
		return error;
	if (!space_fits_locked(s, bytes))
		return -ENOSPC;
	s->promised += bytes;
	s->since_asked += bytes;
	return 0;
}

void space_unreserve(struct space *s, uint64_t bytes)
{
	LOCK_SCOPE(&s->lock);
	ASSERT(s->promised >= bytes);
	s->promised -= bytes;
}

void space_accept(struct space *s, uint64_t accepted)
{
	LOCK_SCOPE(&s->lock);
	s->accepted += accepted;
}

void space_written(struct space *s, uint64_t accepted, uint64_t written)
{
	LOCK_SCOPE(&s->lock);
	ASSERT(s->accepted >= accepted);
	s->accepted -= accepted;
	s->written += written;
}

int space_available(struct space *s, uint64_t *available)
{
	LOCK_SCOPE(&s->lock);
	/* Seldom called, and by who looks at what cleaning has freed a moment ago. */
	int error = space_ask_locked(s, 0);
	*available = error || s->read_only ? 0 : space_available_locked(s);
	return error;
}

bool space_release(struct space *s)
{
	LOCK_SCOPE(&s->lock);
	if (s->released)
		return false;
	s->released = true;
	s->asked_ns = 0;
	if (truncate(s->reserve_path, 0) == 0) {
		log_warning("%s: the host is full; the reserve is in use now", s->reserve_path);
		return true;
	}
	log_error("%s: cannot be released: %s", s->reserve_path, strerror(errno));
	return false;
}

void space_restore(struct space *s)
{
	LOCK_SCOPE(&s->lock);
	if (!s->released || s->read_only || space_ask_locked(s, SPACE_ASK_SOON_NS) < 0)
		return;
	uint64_t size = space_reserve_size(s->folder, s->reserve_size);
	if (size == 0 || space_available_locked(s) < size || size < s->reserve_size / 2)
		return;
	s->asked_ns = 0;
	if (space_allot(s->reserve_path, size) == 0) {
		s->released = false;
		log_info("%s: the reserve is held again", s->reserve_path);
	}
}
