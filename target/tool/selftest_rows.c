/* SPDX-License-Identifier: MIT */
/* The command matrix of changers and drives, and what a scratch tape is put through. One row each. */
#include "target/tool/selftest.h"

/* clang-format off */
const struct selftest_row selftest_rows[] = {
	{ "TEST UNIT READY",	   UNIT_DRIVE,	 MANNER_SEND_MEDIUM, true, false, {0x00}, 6, 0 },
	{ "TEST UNIT READY",	   UNIT_CHANGER, MANNER_SEND, true, false, {0x00}, 6, 0 },
	{ "REQUEST SENSE",	   UNIT_BOTH,	 MANNER_SEND, true, false, {0x03, 0, 0, 0, 252}, 6, 252 },
	{ "INQUIRY",		   UNIT_BOTH,	 MANNER_SEND, true, false, {0x12, 0, 0, 0, 96}, 6, 96 },
	{ "INQUIRY, VPD 00h",	   UNIT_BOTH,	 MANNER_SEND, true, false, {0x12, 1, 0, 1, 0}, 6, 256 },
	{ "INQUIRY, VPD 80h",	   UNIT_BOTH,	 MANNER_SEND, true, false, {0x12, 1, 0x80, 1, 0}, 6, 256 },
	{ "INQUIRY, VPD 83h",	   UNIT_BOTH,	 MANNER_SEND, true, false, {0x12, 1, 0x83, 1, 0}, 6, 256 },
	{ "MODE SELECT(6)",	   UNIT_BOTH,	 MANNER_LIST, true, false, {0x15}, 6, 0 },
	{ "RESERVE(6)",		   UNIT_BOTH,	 MANNER_LIST, true, false, {0x16}, 6, 0 },
	{ "RELEASE(6)",		   UNIT_BOTH,	 MANNER_SEND, true, false, {0x17}, 6, 0 },
	{ "MODE SENSE(6)",	   UNIT_BOTH,	 MANNER_SEND, true, false, {0x1a, 0, 0x3f, 0, 255}, 6, 255 },
	{ "RECEIVE DIAGNOSTIC RESULTS", UNIT_DRIVE, MANNER_LIST, false, false, {0x1c}, 6, 0 },
	{ "SEND DIAGNOSTIC",	   UNIT_BOTH,	 MANNER_SEND, false, false, {0x1d, 4}, 6, 0 },
	{ "PREVENT ALLOW MEDIUM REMOVAL", UNIT_BOTH, MANNER_SEND, true, false, {0x1e}, 6, 0 },
	{ "WRITE BUFFER",	   UNIT_DRIVE,	 MANNER_LIST, false, false, {0x3b}, 10, 0 },
	{ "READ BUFFER",	   UNIT_DRIVE,	 MANNER_LIST, false, false, {0x3c}, 10, 0 },
	{ "LOG SELECT",		   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x4c}, 10, 0 },
	{ "LOG SENSE",		   UNIT_BOTH,	 MANNER_SEND, true, false, {0x4d, 0, 0x40, 0, 0, 0, 0, 1, 0}, 10, 256 },
	{ "MODE SELECT(10)",	   UNIT_BOTH,	 MANNER_LIST, true, false, {0x55}, 10, 0 },
	{ "RESERVE(10)",	   UNIT_BOTH,	 MANNER_LIST, true, false, {0x56}, 10, 0 },
	{ "RELEASE(10)",	   UNIT_BOTH,	 MANNER_SEND, true, false, {0x57}, 10, 0 },
	{ "MODE SENSE(10)",	   UNIT_BOTH,	 MANNER_SEND, true, false, {0x5a, 0, 0x3f, 0, 0, 0, 0, 4, 0}, 10, 1024 },
	{ "PERSISTENT RESERVE IN, keys", UNIT_BOTH, MANNER_SEND, true, true, {0x5e, 0, 0, 0, 0, 0, 0, 1, 0}, 10, 256 },
	{ "PERSISTENT RESERVE IN, reservation", UNIT_BOTH, MANNER_SEND, true, true, {0x5e, 1, 0, 0, 0, 0, 0, 1, 0}, 10, 256 },
	{ "PERSISTENT RESERVE IN, capabilities", UNIT_BOTH, MANNER_SEND, true, true, {0x5e, 2, 0, 0, 0, 0, 0, 1, 0}, 10, 256 },
	{ "PERSISTENT RESERVE IN, full status", UNIT_BOTH, MANNER_SEND, true, true, {0x5e, 3, 0, 0, 0, 0, 0, 1, 0}, 10, 256 },
	{ "PERSISTENT RESERVE OUT, register", UNIT_BOTH, MANNER_LIST, true, true, {0x5f, 0}, 10, 0 },
	{ "PERSISTENT RESERVE OUT, reserve", UNIT_BOTH, MANNER_LIST, true, true, {0x5f, 1}, 10, 0 },
	{ "PERSISTENT RESERVE OUT, release", UNIT_BOTH, MANNER_LIST, true, true, {0x5f, 2}, 10, 0 },
	{ "PERSISTENT RESERVE OUT, clear", UNIT_BOTH, MANNER_LIST, true, true, {0x5f, 3}, 10, 0 },
	{ "PERSISTENT RESERVE OUT, preempt", UNIT_BOTH, MANNER_LIST, true, true, {0x5f, 4}, 10, 0 },
	{ "PERSISTENT RESERVE OUT, preempt and abort", UNIT_BOTH, MANNER_LIST, true, true, {0x5f, 5}, 10, 0 },
	{ "PERSISTENT RESERVE OUT, register and ignore", UNIT_BOTH, MANNER_LIST, true, true, {0x5f, 6}, 10, 0 },
	{ "REPORT LUNS",	   UNIT_BOTH,	 MANNER_SEND, true, false, {0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 12, 256 },
	{ "REPORT SUPPORTED OPERATION CODES", UNIT_BOTH, MANNER_SEND, true, true, {0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 1, 0}, 12, 256 },
	{ "REPORT SUPPORTED TASK MANAGEMENT", UNIT_DRIVE, MANNER_SEND, true, true, {0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 16}, 12, 16 },
	{ "REPORT TIMESTAMP",	   UNIT_DRIVE,	 MANNER_SEND, true, true, {0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12}, 12, 12 },
	{ "SET TIMESTAMP",	   UNIT_DRIVE,	 MANNER_LIST, false, true, {0xa4, 0x0f}, 12, 0 },

	{ "REWIND",		   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x01}, 6, 0 },
	{ "FORMAT MEDIUM",	   UNIT_DRIVE,	 MANNER_LIST, false, false, {0x04}, 6, 0 },
	{ "READ BLOCK LIMITS",	   UNIT_DRIVE,	 MANNER_SEND, true, false, {0x05}, 6, 6 },
	{ "READ(6)",		   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x08}, 6, 0 },
	{ "WRITE(6)",		   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x0a}, 6, 0 },
	{ "SET CAPACITY",	   UNIT_DRIVE,	 MANNER_LIST, false, false, {0x0b}, 6, 0 },
	{ "WRITE FILEMARKS(6)",	   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x10}, 6, 0 },
	{ "SPACE(6)",		   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x11}, 6, 0 },
	{ "VERIFY(6)",		   UNIT_DRIVE,	 MANNER_LIST, false, false, {0x13}, 6, 0 },
	{ "ERASE(6)",		   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x19}, 6, 0 },
	{ "LOAD UNLOAD",	   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x1b}, 6, 0 },
	{ "LOCATE(10)",		   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x2b}, 10, 0 },
	{ "READ POSITION, short",  UNIT_DRIVE,	 MANNER_SEND_MEDIUM, true, true, {0x34, 0}, 10, 20 },
	{ "READ POSITION, long",   UNIT_DRIVE,	 MANNER_SEND_MEDIUM, true, true, {0x34, 6}, 10, 32 },
	{ "READ POSITION, extended", UNIT_DRIVE, MANNER_SEND_MEDIUM, true, true, {0x34, 8, 0, 0, 0, 0, 0, 0, 32}, 10, 32 },
	{ "REPORT DENSITY SUPPORT", UNIT_DRIVE,	 MANNER_SEND, true, false, {0x44, 0, 0, 0, 0, 0, 0, 4, 0}, 10, 1024 },
	{ "ALLOW OVERWRITE",	   UNIT_DRIVE,	 MANNER_LIST, false, false, {0x82}, 16, 0 },
	{ "READ ATTRIBUTE, values", UNIT_DRIVE,	 MANNER_SEND_MEDIUM, true, true, {0x8c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0}, 16, 1024 },
	{ "READ ATTRIBUTE, list",  UNIT_DRIVE,	 MANNER_SEND_MEDIUM, true, true, {0x8c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0}, 16, 1024 },
	{ "WRITE ATTRIBUTE",	   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x8d}, 16, 0 },
	{ "SPACE(16)",		   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x91}, 16, 0 },
	{ "LOCATE(16)",		   UNIT_DRIVE,	 MANNER_LIST, true, false, {0x92}, 16, 0 },
	{ "SECURITY PROTOCOL IN",  UNIT_DRIVE,	 MANNER_SEND, false, false, {0xa2, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 12, 256 },
	{ "SECURITY PROTOCOL OUT", UNIT_DRIVE,	 MANNER_LIST, false, false, {0xb5}, 12, 0 },

	{ "INITIALIZE ELEMENT STATUS", UNIT_CHANGER, MANNER_LIST, true, false, {0x07}, 6, 0 },
	{ "POSITION TO ELEMENT",   UNIT_CHANGER, MANNER_LIST, true, false, {0x2b}, 10, 0 },
	{ "INITIALIZE ELEMENT STATUS WITH RANGE", UNIT_CHANGER, MANNER_LIST, true, false, {0x37}, 10, 0 },
	{ "MOVE MEDIUM",	   UNIT_CHANGER, MANNER_LIST, true, false, {0xa5}, 12, 0 },
	{ "EXCHANGE MEDIUM",	   UNIT_CHANGER, MANNER_LIST, false, false, {0xa6}, 12, 0 },
	{ "REQUEST VOLUME ELEMENT ADDRESS", UNIT_CHANGER, MANNER_LIST, false, false, {0xb5}, 12, 0 },
	{ "SEND VOLUME TAG",	   UNIT_CHANGER, MANNER_LIST, false, false, {0xb6}, 12, 0 },
	{ "READ ELEMENT STATUS",   UNIT_CHANGER, MANNER_SEND, true, false, {0xb8, 0x10, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0}, 12, 65280 },
	{ 0 },
};

/* Names of what a unit may have without a row above. */
static const struct {
	uint8_t opcode;
	int action;
	enum selftest_unit unit;
	const char *name;
} selftest_others[] = {
	{ 0x1b, -1, UNIT_CHANGER, "OPEN/CLOSE IMPORT/EXPORT ELEMENT" },
	{ 0x1c, -1, UNIT_BOTH, "RECEIVE DIAGNOSTIC RESULTS" },
	{ 0x3b, -1, UNIT_BOTH, "WRITE BUFFER" },
	{ 0x3c, -1, UNIT_BOTH, "READ BUFFER" },
	{ 0x4c, -1, UNIT_BOTH, "LOG SELECT" },
	{ 0xe7, -1, UNIT_CHANGER, "INITIALIZE ELEMENT STATUS WITH RANGE (vendor)" },
	{ 0x34, 1, UNIT_DRIVE, "READ POSITION, short, vendor-specific" },
	{ 0x5f, 7, UNIT_BOTH, "PERSISTENT RESERVE OUT, register and move" },
	{ 0x8c, 2, UNIT_DRIVE, "READ ATTRIBUTE, volumes" },
	{ 0x8c, 3, UNIT_DRIVE, "READ ATTRIBUTE, partitions" },
	{ 0x8c, 5, UNIT_DRIVE, "READ ATTRIBUTE, supported" },
	{ 0xa3, 5, UNIT_BOTH, "REPORT IDENTIFYING INFORMATION" },
	{ 0xa4, 6, UNIT_BOTH, "SET IDENTIFYING INFORMATION" },
};

const char *selftest_other(uint8_t opcode, int action, enum selftest_unit unit)
{
	for (size_t i = 0; i < sizeof(selftest_others) / sizeof(selftest_others[0]); i++)
		if (selftest_others[i].opcode == opcode && selftest_others[i].action == action &&
		    selftest_others[i].unit & unit)
			return selftest_others[i].name;
	return "other";
}

/* Blocks 0, 1, 2 of 1024 bytes, a filemark, block 4 of 512 bytes. */
const struct selftest_step selftest_steps[] = {
	{ "REWIND",			    {0x01}, 6 },
	{ "WRITE(6), 1024 bytes",	    {0x0a, 0, 0, 4, 0}, 6, .out = 1024 },
	{ "WRITE(6), 1024 bytes",	    {0x0a, 0, 0, 4, 0}, 6, .out = 1024 },
	{ "WRITE(6), 1024 bytes",	    {0x0a, 0, 0, 4, 0}, 6, .out = 1024 },
	{ "WRITE FILEMARKS(6)",		    {0x10, 0, 0, 0, 1}, 6 },
	{ "WRITE(6), 512 bytes",	    {0x0a, 0, 0, 2, 0}, 6, .out = 512 },
	{ "WRITE FILEMARKS(6), none: flush", {0x10}, 6 },
	{ "READ(6) at the end of data",	    {0x08, 0, 0, 4, 0}, 6, .in = 1024, .status = 2, .key = 8, .ascq = 5 },
	{ "REWIND",			    {0x01}, 6 },
	{ "READ(6), as long as the block",  {0x08, 0, 0, 4, 0}, 6, .in = 1024 },
	{ "READ(6), longer than the block", {0x08, 0, 0, 8, 0}, 6, .in = 2048, .status = 2, .ili = true, .information = 1024 },
	{ "READ(6), shorter than the block", {0x08, 0, 0, 2, 0}, 6, .in = 512, .status = 2, .ili = true, .information = -512 },
	{ "READ(6) of a filemark",	    {0x08, 0, 0, 4, 0}, 6, .in = 1024, .status = 2, .ascq = 1, .filemark = true },
	{ "READ(6) behind it, SILI",	    {0x08, 2, 0, 4, 0}, 6, .in = 1024 },
	{ "SPACE(6), a filemark back",	    {0x11, 1, 0xff, 0xff, 0xff}, 6 },
	{ "SPACE(6), blocks, to a filemark", {0x11, 0, 0, 0, 2}, 6, .status = 2, .ascq = 1, .filemark = true },
	{ "SPACE(6), to the end of data",   {0x11, 3}, 6 },
	{ "SPACE(6), blocks past the end",  {0x11, 0, 0, 0, 1}, 6, .status = 2, .key = 8, .ascq = 5 },
	{ "LOCATE(10), object 4",	    {0x2b, 0, 0, 0, 0, 0, 4}, 10 },
	{ "READ POSITION, short",	    {0x34, 0}, 10, .in = 20 },
	{ "READ(6), 512 bytes",		    {0x08, 0, 0, 2, 0}, 6, .in = 512 },
	{ "LOCATE(16), object 1",	    {0x92, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 16 },
	{ "SPACE(16), a filemark on",	    {0x91, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 16 },
	{ "LOCATE(10), past the end",	    {0x2b, 0, 0, 0, 0, 1, 0}, 10, .status = 2, .key = 8, .ascq = 5 },
	{ "LOCATE(16), file 1",		    {0x92, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 16 },
	{ "READ POSITION, long",	    {0x34, 6}, 10, .in = 32 },
	{ "REWIND",			    {0x01}, 6 },
	{ "READ ATTRIBUTE, values",	    {0x8c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0}, 16, .in = 1024 },
	{ "LOG SENSE, capacity",	    {0x4d, 0, 0x71, 0, 0, 0, 0, 1, 0}, 10, .in = 256 },
	{ "ERASE(6), short",		    {0x19}, 6 },
	{ "READ(6) of an erased tape",	    {0x08, 0, 0, 4, 0}, 6, .in = 1024, .status = 2, .key = 8, .ascq = 5 },
	{ "LOAD UNLOAD, unload",	    {0x1b}, 6 },
	{ 0 },
};
/* clang-format on */
