/* SPDX-License-Identifier: MIT */
/*
 * An NFSv4 client for the tests, without any mount: reads commands from standard input, one a
 * line, words apart by tabs, and does them until one fails. That one is said on standard error.
 *
 *   usage: nfs-client PORT EXPORT < COMMANDS
 *
 * Names are below EXPORT and begin with a slash. Handles are kept in files of the caller's, so
 * that they outlive this process as they outlive a reboot of the server in a kernel's client;
 * they are used with the stateid of zeros, which needs no open file.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <nfsc/libnfs.h>
#include <nfsc/libnfs-raw.h>
#include <nfsc/libnfs-raw-nfs4.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"

/* libnfs 4.0 has room for little more in a request. */
#define CLIENT_BLOCK   2048
#define CLIENT_WORDS   3
#define CLIENT_OPS_MAX 16

static struct nfs_context *client;
static char *client_export; /* "/name": where paths of raw requests begin */

/* What a raw request has brought. */
struct answer {
	bool done;
	int error;
	char data[CLIENT_BLOCK];
	size_t size;
};

/* ---- raw requests ---- */

static const char *answer_bytes(const nfs_resop4 *op, size_t *size)
{
	if (op->resop == OP_GETFH) {
		*size = op->nfs_resop4_u.opgetfh.GETFH4res_u.resok4.object.nfs_fh4_len;
		return op->nfs_resop4_u.opgetfh.GETFH4res_u.resok4.object.nfs_fh4_val;
	}
	*size = op->resop == OP_READ ? op->nfs_resop4_u.opread.READ4res_u.resok4.data.data_len : 0;
	return op->nfs_resop4_u.opread.READ4res_u.resok4.data.data_val;
}

static void answer_take(struct rpc_context *rpc, int status, void *data, void *context)
{
	struct answer *answer = context;
	const COMPOUND4res *result = data;
	(void)rpc;
	answer->done = true;
	if (status != RPC_STATUS_SUCCESS || result->status != NFS4_OK) {
		/* libnfs makes EIO of a stale handle. */
		bool stale = status == RPC_STATUS_SUCCESS && result->status == NFS4ERR_STALE;
		answer->error = stale ? -ESTALE : -EIO;
		return;
	}
	/* libnfs does not align its results. */
	nfs_resop4 last;
	size_t size;
	memcpy(&last, result->resarray.resarray_val + result->resarray.resarray_len - 1,
	       sizeof(last));
	const char *bytes = answer_bytes(&last, &size);
	answer->size = size < sizeof(answer->data) ? size : sizeof(answer->data);
	if (answer->size)
		memcpy(answer->data, bytes, answer->size);
}

static int client_compound(nfs_argop4 *ops, unsigned count, struct answer *answer)
{
	COMPOUND4args request = {.argarray = {count, ops}};
	*answer = (struct answer){0};
	if (rpc_nfs4_compound_async(nfs_get_rpc_context(client), answer_take, &request, answer))
		return -EIO;
	while (!answer->done) {
		struct pollfd pfd = {.fd = nfs_get_fd(client),
				     .events = (short)nfs_which_events(client)};
		if (poll(&pfd, 1, 300000) <= 0 || nfs_service(client, pfd.revents) < 0)
			return -EIO;
	}
	return answer->error;
}

/* handle PATH FILE */
static int client_handle(char **words)
{
	nfs_argop4 ops[CLIENT_OPS_MAX] = {{.argop = OP_PUTROOTFH}};
	CLEANUP_FREE char *path = NULL;
	struct answer answer;
	char *rest = NULL;
	unsigned count = 1;
	if (asprintf(&path, "%s%s", client_export, words[0]) < 0)
		return -ENOMEM;
	for (char *name = strtok_r(path, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		if (count == CLIENT_OPS_MAX - 1)
			return -ENAMETOOLONG;
		ops[count].argop = OP_LOOKUP;
		ops[count].nfs_argop4_u.oplookup.objname.utf8string_len = (unsigned)strlen(name);
		ops[count++].nfs_argop4_u.oplookup.objname.utf8string_val = name;
	}
	ops[count++].argop = OP_GETFH;
	int error = client_compound(ops, count, &answer);
	return error ? error : file_replace(words[1], answer.data, answer.size, 0644);
}

/* The first operation of a request about the handle in FILE; its bytes are the caller's to free. */
static int client_put_handle(const char *file, nfs_argop4 *op, char **bytes)
{
	size_t size;
	int error = file_read_all(file, CLIENT_BLOCK, bytes, &size);
	op->argop = OP_PUTFH;
	op->nfs_argop4_u.opputfh.object.nfs_fh4_len = (unsigned)size;
	op->nfs_argop4_u.opputfh.object.nfs_fh4_val = *bytes;
	return error;
}

/* handle-read FILE: the first bytes of what it stands for, to standard output. */
static int client_handle_read(char **words)
{
	CLEANUP_FREE char *bytes = NULL;
	struct answer answer;
	nfs_argop4 ops[2] = {{0}, {.argop = OP_READ}};
	ops[1].nfs_argop4_u.opread.count = CLIENT_BLOCK;
	int error = client_put_handle(words[0], &ops[0], &bytes);
	if (!error)
		error = client_compound(ops, 2, &answer);
	if (!error && fwrite(answer.data, 1, answer.size, stdout) != answer.size)
		error = -EIO;
	return error;
}

/* handle-write FILE OFFSET TEXT */
static int client_handle_write(char **words)
{
	CLEANUP_FREE char *bytes = NULL;
	struct answer answer;
	nfs_argop4 ops[2] = {{0}, {.argop = OP_WRITE}};
	WRITE4args *write = &ops[1].nfs_argop4_u.opwrite;
	write->offset = strtoull(words[1], NULL, 10);
	write->stable = FILE_SYNC4;
	write->data.data_len = (unsigned)strlen(words[2]);
	write->data.data_val = words[2];
	int error = client_put_handle(words[0], &ops[0], &bytes);
	return error ? error : client_compound(ops, 2, &answer);
}

/* ---- files ---- */

static int client_copy_in(FILE *from, struct nfsfh *file)
{
	char data[CLIENT_BLOCK];
	uint64_t offset = 0;
	int error = 0;
	for (size_t size; !error && (size = fread(data, 1, sizeof(data), from)) > 0;
	     offset += size) {
		int written = nfs_pwrite(client, file, offset, size, data);
		if (written != (int)size)
			error = written < 0 ? written : -EIO;
	}
	if (!error && ferror(from))
		error = -EIO;
	return error ? error : nfs_fsync(client, file);
}

/* put FILE PATH */
static int client_put(char **words)
{
	struct nfsfh *file;
	FILE *from = fopen(words[0], "rb");
	if (!from)
		return -errno;
	int error = nfs_open2(client, words[1], O_RDWR | O_CREAT | O_TRUNC, 0644, &file);
	if (!error) {
		error = client_copy_in(from, file);
		int closed = nfs_close(client, file);
		error = error ? error : closed;
	}
	fclose(from);
	return error;
}

/* get PATH FILE */
static int client_get(char **words)
{
	static char data[256 * CLIENT_BLOCK];
	struct nfsfh *file;
	FILE *to = fopen(words[1], "wb");
	if (!to)
		return -errno;
	int size = 0, error = nfs_open(client, words[0], O_RDONLY, &file);
	if (!error) {
		for (uint64_t at = 0; (size = nfs_pread(client, file, at, sizeof(data), data)) > 0;
		     at += (uint64_t)size)
			if (fwrite(data, 1, (size_t)size, to) != (size_t)size) {
				size = -EIO;
				break;
			}
		error = nfs_close(client, file);
	}
	if (fclose(to) != 0)
		error = -EIO;
	return size < 0 ? size : error;
}

/* list PATH: type, permissions, size and name of each entry, in no order. */
static int client_list(char **words)
{
	struct nfsdir *folder;
	int error = nfs_opendir(client, words[0], &folder);
	if (error)
		return error;
	for (struct nfsdirent *e; (e = nfs_readdir(client, folder));) {
		if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
			continue;
		char type = S_ISDIR(e->mode) ? 'd' : S_ISLNK(e->mode) ? 'l' : 'f';
		printf("%c %o %llu %s\n", type, e->mode & 07777u,
		       S_ISDIR(e->mode) ? 0ull : (unsigned long long)e->size, e->name);
	}
	nfs_closedir(client, folder);
	return 0;
}

static int client_readlink(char **words)
{
	char target[4096];
	int error = nfs_readlink(client, words[0], target, sizeof(target));
	if (!error)
		puts(target);
	return error;
}

static int client_mkdir(char **words)
{
	return nfs_mkdir(client, words[0]);
}

static int client_rmdir(char **words)
{
	return nfs_rmdir(client, words[0]);
}

static int client_unlink(char **words)
{
	return nfs_unlink(client, words[0]);
}

static int client_rename(char **words)
{
	return nfs_rename(client, words[0], words[1]);
}

static int client_link(char **words)
{
	return nfs_link(client, words[0], words[1]);
}

static int client_symlink(char **words)
{
	return nfs_symlink(client, words[0], words[1]);
}

static int client_chmod(char **words)
{
	return nfs_chmod(client, words[1], (int)strtol(words[0], NULL, 8));
}

static int client_truncate(char **words)
{
	return nfs_truncate(client, words[1], strtoull(words[0], NULL, 10));
}

/* ---- commands ---- */

static const struct command {
	const char *name;
	int words;
	int (*run)(char **words);
} commands[] = {
	{"put", 2, client_put},
	{"get", 2, client_get},
	{"list", 1, client_list},
	{"mkdir", 1, client_mkdir},
	{"rmdir", 1, client_rmdir},
	{"unlink", 1, client_unlink},
	{"rename", 2, client_rename},
	{"link", 2, client_link},
	{"symlink", 2, client_symlink},
	{"readlink", 1, client_readlink},
	{"chmod", 2, client_chmod},
	{"truncate", 2, client_truncate},
	{"handle", 2, client_handle},
	{"handle-read", 1, client_handle_read},
	{"handle-write", 3, client_handle_write},
};

static int client_run(char *line)
{
	char *words[CLIENT_WORDS] = {NULL}, *rest = NULL;
	const char *name = strtok_r(line, "\t\n", &rest);
	int count = 0;
	while (count < CLIENT_WORDS && (words[count] = strtok_r(NULL, "\t\n", &rest)))
		count++;
	for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0 && count == commands[i].words) {
			int error = commands[i].run(words);
			if (error)
				fprintf(stderr, "%s %s: %s: %s\n", name, words[0], strerror(-error),
					nfs_get_error(client) ?: "");
			return error;
		}
	fprintf(stderr, "nfs-client: no such command: %s, %d words\n", name ? name : "", count);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	CLEANUP_FREE char *url = NULL;
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	int error = 0;
	client = nfs_init_context();
	if (argc != 3 || !client ||
	    asprintf(&url, "nfs://127.0.0.1%s?version=4&nfsport=%s", argv[2], argv[1]) < 0)
		return 2;
	client_export = argv[2];
	struct nfs_url *where = nfs_parse_url_dir(client, url);
	if (!where || nfs_mount(client, where->server, where->path) != 0) {
		fprintf(stderr, "%s: %s\n", url, nfs_get_error(client));
		return 3;
	}
	while (!error && getline(&line, &room, stdin) > 0)
		error = client_run(line);
	nfs_destroy_url(where);
	nfs_destroy_context(client);
	return error || fflush(stdout) ? 1 : 0;
}
