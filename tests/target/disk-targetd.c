/* SPDX-License-Identifier: MIT */
/*
 * Serves the disk of disk.c as iqn.2026-11.test:disk, LUN 0, until its stdin ends.
 *
 *   disk-targetd [--blocks N] [--digests] [--log LEVEL] [ADDRESS...]
 *
 * The first lines of its output are the ports, one for each address.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "target/iscsi/iscsi.h"
#include "tests/target/disk.h"

struct options {
	uint32_t blocks;
	bool digests;
	char **addresses;
};

static int options_parse(int argc, char **argv, struct options *options)
{
	static char here[] = "127.0.0.1:0", *local[] = {here, NULL};
	*options = (struct options){.blocks = 131072, .addresses = local};
	int i = 1;
	for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
		enum log_level level;
		if (!strcmp(argv[i], "--digests"))
			options->digests = true;
		else if (!strcmp(argv[i], "--blocks") && i + 1 < argc)
			options->blocks = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--log") && i + 1 < argc && !log_level_parse(argv[++i], &level))
			log_set_level(level);
		else
			return -EINVAL;
	}
	if (i < argc)
		options->addresses = argv + i;
	return 0;
}

static int portals_open(struct iscsi_server *server, char **addresses)
{
	for (; *addresses; addresses++) {
		uint16_t port;
		int error = iscsi_portal_add(server, *addresses, NULL, 1, &port);
		if (error) {
			fprintf(stderr, "%s: %s\n", *addresses, strerror(-error));
			return error;
		}
		printf("%u\n", port);
	}
	fflush(stdout);
	return 0;
}

static int serve(struct iscsi_server *server, struct scsi_target *target, char **addresses)
{
	int error = iscsi_target_add(server, target, NULL, 0);
	if (!error)
		error = portals_open(server, addresses);
	char byte;
	while (!error && read(STDIN_FILENO, &byte, 1) > 0)
		;
	return error;
}

int main(int argc, char **argv)
{
	struct options options;
	struct scsi_lu *lu = NULL;
	struct iscsi_server *server = NULL;
	log_set_program("disk-targetd");
	log_set_level(LOG_LEVEL_WARNING);
	if (options_parse(argc, argv, &options)) {
		fprintf(stderr, "usage: disk-targetd [--blocks N] [--digests] [--log LEVEL] [ADDRESS...]\n");
		return 2;
	}
	struct iscsi_settings settings = {.header_digest = options.digests, .data_digest = options.digests};
	struct scsi_target *target = scsi_target_new("iqn.2026-11.test:disk", (const uint8_t[16]){1});
	int error = disk_new(options.blocks, &lu);
	if (!error)
		error = scsi_target_add(target, 0, lu);
	if (!error)
		error = iscsi_server_new(&settings, &server);
	if (!error)
		error = serve(server, target, options.addresses);
	iscsi_server_free(&server);
	scsi_target_remove(target, 0);
	disk_free(&lu);
	scsi_target_free(&target);
	return error ? 1 : 0;
}
