/* SPDX-License-Identifier: MIT */
/*
 * What READ, VERIFY, SPACE and LOCATE say at each kind of place of a tape, with variable and fixed
 * blocks, and where they leave it: one table, for the drive alone and for a drive behind iSCSI.
 */
#ifndef TESTS_UNIT_SENSE_ROWS_H
#define TESTS_UNIT_SENSE_ROWS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The tape:  0 1 2      blocks of 1000
 *            3          filemark
 *            4 5        blocks of 500 and 2000
 *            6 7        filemarks
 *            8          block of 1000
 *            9          end of data
 * Block n has the seed n.
 */
#define END 9u
static const uint32_t sizes[END] = {1000, 1000, 1000, 0, 500, 2000, 0, 0, 1000};

enum op { READ, READ_SILENT, FIXED, VERIFY, VERIFY_FIXED, VERIFY_MARKS, VERIFY_MARKS_FIXED, VERIFY_ALL,
	  VERIFY_ALL_FIXED, BLOCKS, FILEMARKS, SEQUENTIAL, TO_END,
	  OBJECT, FILE_NUMBER, LOCATE_END, LOCATE10 };

#define GOOD 0xff
struct row {
	uint64_t at; /* object that it starts at */
	enum op op;
	int64_t count; /* bytes, blocks, objects */
	uint32_t mode; /* block length of the mode parameters */
	/* What is expected. */
	unsigned key;
	uint16_t code;
	const char *flags;
	int64_t information; /* NONE: not valid */
	size_t size;	     /* of the data */
	uint64_t to;	     /* object */
};
#define NONE INT64_MIN
#define OK   GOOD, 0, "", NONE

static const struct row rows[] = {
	/* Variable blocks. */
	{0, READ, 1000, 0, OK, 1000, 1},
	{0, READ, 0, 0, OK, 0, 0},
	{0, READ, 1500, 0, 0, 0x0000, "I", 500, 1000, 1},
	{0, READ, 400, 0, 0, 0x0000, "I", -600, 400, 1},
	{0, READ_SILENT, 1500, 0, OK, 1000, 1},
	{0, READ_SILENT, 400, 0, OK, 400, 1},
	{0, READ_SILENT, 400, 1000, 0, 0x0000, "I", -600, 400, 1},
	{0, READ_SILENT, 1500, 1000, OK, 1000, 1},
	{3, READ, 700, 0, 0, 0x0001, "F", 700, 0, 4},
	{3, READ_SILENT, 700, 0, 0, 0x0001, "F", 700, 0, 4},
	{9, READ, 700, 0, 8, 0x0005, "", 700, 0, 9},
	{9, READ_SILENT, 700, 0, 8, 0x0005, "", 700, 0, 9},
	{5, READ, 0xffffff, 0, 0, 0x0000, "I", 0xffffff - 2000, 2000, 6},
	/* Fixed blocks. */
	{0, FIXED, 3, 1000, OK, 3000, 3},
	{0, FIXED, 0, 1000, OK, 0, 0},
	{0, FIXED, 1, 1000, OK, 1000, 1},
	{0, FIXED, 5, 1000, 0, 0x0001, "F", 2, 3000, 4},
	{3, FIXED, 5, 1000, 0, 0x0001, "F", 5, 0, 4},
	{8, FIXED, 5, 1000, 8, 0x0005, "", 4, 1000, 9},
	{9, FIXED, 5, 1000, 8, 0x0005, "", 5, 0, 9},
	{4, FIXED, 3, 500, 0, 0x0000, "I", 2, 500, 6},
	{4, FIXED, 3, 1000, 0, 0x0000, "I", 3, 0, 5},
	{5, FIXED, 3, 1000, 0, 0x0000, "I", 3, 0, 6},
	{0, FIXED, 1, 0, 5, 0x2400, "", NONE, 0, 0},
	/* VERIFY moves and tells as READ does, without data. */
	{0, VERIFY, 1000, 0, OK, 0, 1},
	{0, VERIFY, 1500, 0, 0, 0x0000, "I", 500, 0, 1},
	{3, VERIFY, 1000, 0, 0, 0x0001, "F", 1000, 0, 4},
	{9, VERIFY, 1000, 0, 8, 0x0005, "", 1000, 0, 9},
	{0, VERIFY_FIXED, 3, 1000, OK, 0, 3},
	{0, VERIFY_FIXED, 5, 1000, 0, 0x0001, "F", 2, 0, 4},
	{4, VERIFY_FIXED, 3, 500, 0, 0x0000, "I", 2, 0, 6},
	/* Up to filemarks: blocks of any length, or of one. */
	{0, VERIFY_MARKS, 1, 0, OK, 0, 4},
	{2, VERIFY_MARKS, 2, 0, OK, 0, 7},
	{0, VERIFY_MARKS, 3, 1000, OK, 0, 8},
	{0, VERIFY_MARKS, 0, 0, OK, 0, 0},
	{3, VERIFY_MARKS, 1, 0, OK, 0, 4},
	{0, VERIFY_MARKS, 4, 0, 8, 0x0005, "", 3, 0, 9},
	{9, VERIFY_MARKS, 1, 0, 8, 0x0005, "", 0, 0, 9},
	{0, VERIFY_MARKS_FIXED, 1, 1000, OK, 0, 4},
	{0, VERIFY_MARKS_FIXED, 2, 1000, 0, 0x0000, "I", 1, 0, 5},
	{4, VERIFY_MARKS_FIXED, 1, 500, 0, 0x0000, "I", 0, 0, 6},
	{0, VERIFY_MARKS_FIXED, 1, 0, 5, 0x2400, "", NONE, 0, 0},
	/* Up to the end of data. */
	{0, VERIFY_ALL, 0, 0, OK, 0, 9},
	{5, VERIFY_ALL, 1, 512, OK, 0, 9},
	{9, VERIFY_ALL, 0, 0, OK, 0, 9},
	{6, VERIFY_ALL_FIXED, 0, 1000, OK, 0, 9},
	{0, VERIFY_ALL_FIXED, 0, 1000, 0, 0x0000, "I", 0, 0, 5},
	/* SPACE over blocks. */
	{0, BLOCKS, 0, 0, OK, 0, 0},
	{0, BLOCKS, 2, 0, OK, 0, 2},
	{0, BLOCKS, 3, 0, OK, 0, 3},
	{0, BLOCKS, 4, 0, 0, 0x0001, "F", 1, 0, 4},
	{1, BLOCKS, 100, 0, 0, 0x0001, "F", 98, 0, 4},
	{3, BLOCKS, 1, 0, 0, 0x0001, "F", 1, 0, 4},
	{6, BLOCKS, 5, 0, 0, 0x0001, "F", 5, 0, 7},
	{8, BLOCKS, 1, 0, OK, 0, 9},
	{8, BLOCKS, 7, 0, 8, 0x0005, "", 6, 0, 9},
	{9, BLOCKS, 1, 0, 8, 0x0005, "", 1, 0, 9},
	{2, BLOCKS, -2, 0, OK, 0, 0},
	{2, BLOCKS, -3, 0, 0, 0x0004, "E", 1, 0, 0},
	{0, BLOCKS, -1, 0, 0, 0x0004, "E", 1, 0, 0},
	{6, BLOCKS, -2, 0, OK, 0, 4},
	{6, BLOCKS, -3, 0, 0, 0x0001, "F", 1, 0, 3},
	{4, BLOCKS, -1, 0, 0, 0x0001, "F", 1, 0, 3},
	{8, BLOCKS, -4, 0, 0, 0x0001, "F", 4, 0, 7},
	{9, BLOCKS, -1, 0, OK, 0, 8},
	/* SPACE over filemarks. */
	{0, FILEMARKS, 0, 0, OK, 0, 0},
	{0, FILEMARKS, 1, 0, OK, 0, 4},
	{3, FILEMARKS, 1, 0, OK, 0, 4},
	{0, FILEMARKS, 3, 0, OK, 0, 8},
	{0, FILEMARKS, 5, 0, 8, 0x0005, "", 2, 0, 9},
	{8, FILEMARKS, 1, 0, 8, 0x0005, "", 1, 0, 9},
	{9, FILEMARKS, -1, 0, OK, 0, 7},
	{9, FILEMARKS, -3, 0, OK, 0, 3},
	{4, FILEMARKS, -1, 0, OK, 0, 3},
	{3, FILEMARKS, -1, 0, 0, 0x0004, "E", 1, 0, 0},
	{9, FILEMARKS, -5, 0, 0, 0x0004, "E", 2, 0, 0},
	/* A count that needs SPACE(16). */
	{0, FILEMARKS, 0x7fffffff, 0, 8, 0x0005, "", 0x7fffffff - 3, 0, 9},
	{9, BLOCKS, -0x1000000, 0, 0, 0x0001, "F", 0xffffff, 0, 7},
	/* SPACE over filemarks one after another, and to the end. */
	{0, SEQUENTIAL, 2, 0, OK, 0, 8},
	{0, SEQUENTIAL, 1, 0, OK, 0, 4},
	{0, SEQUENTIAL, 3, 0, 8, 0x0005, "", 3, 0, 9},
	{9, SEQUENTIAL, -2, 0, OK, 0, 6},
	{5, SEQUENTIAL, -2, 0, 0, 0x0004, "E", 2, 0, 0},
	{0, TO_END, 0, 0, OK, 0, 9},
	{9, TO_END, 0, 0, OK, 0, 9},
	/* LOCATE. */
	{0, OBJECT, 5, 0, OK, 0, 5},
	{7, OBJECT, 0, 0, OK, 0, 0},
	{0, OBJECT, 9, 0, OK, 0, 9},
	{0, OBJECT, 10, 0, 8, 0x0005, "", NONE, 0, 9},
	{0, OBJECT, INT64_MAX, 0, 8, 0x0005, "", NONE, 0, 9},
	{0, LOCATE10, 7, 0, OK, 0, 7},
	{0, LOCATE10, 10, 0, 8, 0x0005, "", NONE, 0, 9},
	{5, FILE_NUMBER, 0, 0, OK, 0, 0},
	{0, FILE_NUMBER, 1, 0, OK, 0, 4},
	{0, FILE_NUMBER, 2, 0, OK, 0, 7},
	{0, FILE_NUMBER, 3, 0, OK, 0, 8},
	{0, FILE_NUMBER, 4, 0, 8, 0x0005, "", NONE, 0, 9},
	{0, LOCATE_END, 0, 0, OK, 0, 9},
};

#endif
