/* SPDX-License-Identifier: MIT */
/*
 * catalogue-sql FILE SQL: does to a catalogue what sqlite3(1) would, and leaves the checksums of
 * its pages right, so that fsck has to find the damage in what the rows say.
 */
#include <stdio.h>

#include "fs/store/catalogue_vfs.h"

int main(int argc, char **argv)
{
	sqlite3 *db = NULL;
	char *message = NULL;
	int code;

	if (argc != 3) {
		fprintf(stderr, "usage: catalogue-sql FILE SQL\n");
		return 2;
	}
	code = catalogue_vfs_open(argv[1], SQLITE_OPEN_READWRITE, &db);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, argv[2], NULL, NULL, &message);
	if (code != SQLITE_OK)
		fprintf(stderr, "catalogue-sql: %s: %s\n", argv[1],
			message ? message : sqlite3_errstr(code));
	sqlite3_free(message);
	if (sqlite3_close(db) != SQLITE_OK)
		code = SQLITE_BUSY;
	return code == SQLITE_OK ? 0 : 1;
}
