/* SPDX-License-Identifier: MIT */
/* Advisory locks between processes: fcntl (traditional and open-file-description) and flock. */
#include "tests/fs/posix.h"

#include <sys/file.h>

static struct flock lock_of(short type, off_t start, off_t length)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static int set_lock(int fd, int command, short type, off_t start, off_t length)
{
	struct flock lock = lock_of(type, start, length);
	return fcntl(fd, command, &lock);
}

/* Runs in a child with a handle of its own; its answer. */
static int in_child(int (*question)(int fd))
{
	int status;
	fflush(stdout);
	pid_t child = OK(fork());
	if (child == 0) {
		int fd = OK(open("f", O_RDWR));
		_exit(question(fd));
	}
	OK(waitpid(child, &status, 0));
	TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int try_write_middle(int fd)
{
	return set_lock(fd, F_SETLK, F_WRLCK, 40, 10) == 0 ? 0 : errno;
}

static int try_read_middle(int fd)
{
	return set_lock(fd, F_SETLK, F_RDLCK, 40, 10) == 0 ? 0 : errno;
}

static int try_write_end(int fd)
{
	return set_lock(fd, F_SETLK, F_WRLCK, 100, 0) == 0 ? 0 : errno;
}

static int who_holds(int fd)
{
	struct flock lock = lock_of(F_WRLCK, 0, 0);
	if (fcntl(fd, F_GETLK, &lock) < 0)
		return errno;
	return lock.l_type != F_UNLCK && lock.l_pid == getppid() && lock.l_start == 0 && lock.l_len == 100 ? 0 : 1;
}

static int try_flock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

static int try_flock_shared(int fd)
{
	return flock(fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
}

static bool refused(int error)
{
	return error == EAGAIN || error == EACCES;
}

static void lock_ranges(void)
{
	make_text("f", "x");
	int fd = OK(open("f", O_RDWR));
	OK(set_lock(fd, F_SETLK, F_WRLCK, 0, 100));
	TRUE(refused(in_child(try_write_middle)));
	TRUE(refused(in_child(try_read_middle)));
	TRUE(in_child(try_write_end) == 0);
	TRUE(in_child(who_holds) == 0);
	OK(set_lock(fd, F_SETLK, F_UNLCK, 30, 30));
	TRUE(in_child(try_write_middle) == 0);
	OK(set_lock(fd, F_SETLK, F_RDLCK, 0, 100));
	TRUE(in_child(try_read_middle) == 0);
	TRUE(refused(in_child(try_write_middle)));
	/* Closing any handle of the file gives up the process's locks. */
	OK(close(OK(open("f", O_RDONLY))));
	TRUE(in_child(try_write_middle) == 0);
}

static void lock_waits(void)
{
	make_text("f", "x");
	int fd = OK(open("f", O_RDWR)), status;
	OK(set_lock(fd, F_SETLK, F_WRLCK, 0, 0));
	pid_t child = OK(fork());
	if (child == 0) {
		int own = OK(open("f", O_RDWR));
		OK(set_lock(own, F_SETLKW, F_WRLCK, 0, 0));
		char c;
		/* It got the lock only after the parent had written. */
		_exit(pread(own, &c, 1, 0) == 1 && c == 'y' ? 0 : 1);
	}
	usleep(50000);
	TRUE(pwrite(fd, "y", 1, 0) == 1);
	OK(set_lock(fd, F_SETLK, F_UNLCK, 0, 0));
	OK(waitpid(child, &status, 0));
	TRUE(status == 0);
}

static void lock_needs_the_right_handle(void)
{
	make_text("f", "x");
	int r = OK(open("f", O_RDONLY)), w = OK(open("f", O_WRONLY));
	ERR(EBADF, set_lock(r, F_SETLK, F_WRLCK, 0, 0));
	ERR(EBADF, set_lock(w, F_SETLK, F_RDLCK, 0, 0));
}

static void lock_of_open_file(void)
{
	make_text("f", "x");
	int a = OK(open("f", O_RDWR)), b = OK(open("f", O_RDWR));
	OK(set_lock(a, F_OFD_SETLK, F_WRLCK, 0, 50));
	ERR(EAGAIN, set_lock(b, F_OFD_SETLK, F_WRLCK, 0, 10));
	OK(set_lock(b, F_OFD_SETLK, F_WRLCK, 50, 10));
	OK(close(a));
	OK(set_lock(b, F_OFD_SETLK, F_WRLCK, 0, 10));
}

static void flock_excludes(void)
{
	make_text("f", "x");
	int a = OK(open("f", O_RDWR)), b = OK(open("f", O_RDONLY));
	OK(flock(a, LOCK_EX));
	TRUE(in_child(try_flock) == EWOULDBLOCK && in_child(try_flock_shared) == EWOULDBLOCK);
	ERR(EWOULDBLOCK, flock(b, LOCK_EX | LOCK_NB));
	OK(flock(a, LOCK_SH));
	TRUE(in_child(try_flock_shared) == 0 && in_child(try_flock) == EWOULDBLOCK);
	OK(flock(b, LOCK_SH));
	OK(flock(a, LOCK_UN));
	OK(close(b));
	TRUE(in_child(try_flock) == 0);
}

const struct posix_case posix_lock_cases[] = {
	{"lock-ranges", lock_ranges},
	{"lock-waits", lock_waits},
	{"lock-needs-the-right-handle", lock_needs_the_right_handle},
	{"lock-of-open-file", lock_of_open_file},
	{"flock-excludes", flock_excludes},
	{NULL},
};
