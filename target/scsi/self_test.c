/* SPDX-License-Identifier: MIT */
/*
 * Self-tests of a unit: what SEND DIAGNOSTIC has asked for, and log page 10h, which tells of the
 * last twenty (SPC-5 7.3.17). A unit that answers is well, so each of them has succeeded at once;
 * there is none in the background that could be running, or aborted.
 */
#include "target/scsi/self_test.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "target/scsi/log_page.h"

enum { VALUE_SIZE = 16, CODE_ABORT = 4 };
#define NS_PER_HOUR UINT64_C(3600000000000)

void self_test_done(struct scsi_lu *lu, unsigned code)
{
	if (code == CODE_ABORT)
		return;
	LOCK_SCOPE(&lu->lock);
	struct scsi_unit *unit = lu->unit;
	uint64_t hours = (clock_monotonic_ns() - unit->made_ns) / NS_PER_HOUR;
	memmove(unit->self_tests + 1, unit->self_tests,
		(SCSI_SELF_TESTS - 1) * sizeof(unit->self_tests[0]));
	unit->self_tests[0] = (struct scsi_self_test){
		.code = (uint8_t)code,
		.hours = hours < UINT16_MAX ? (uint16_t)hours : UINT16_MAX,
	};
	if (unit->self_test_count < SCSI_SELF_TESTS)
		unit->self_test_count++;
}

/* All twenty are there; those that have not been are zeros. */
void self_test_log(struct scsi_lu *lu, struct scsi_log *log)
{
	LOCK_SCOPE(&lu->lock);
	const struct scsi_unit *unit = lu->unit;
	for (uint16_t n = 0; n < SCSI_SELF_TESTS; n++) {
		uint8_t *at = scsi_log_add(log, n + 1u, LOG_BINARY, VALUE_SIZE);
		if (!at || n >= unit->self_test_count)
			continue;
		at[0] = (uint8_t)(unit->self_tests[n].code << 5); /* result 0: no error */
		be_put16(at + 2, unit->self_tests[n].hours);
		memset(at + 4, 0xff, 8); /* no address has failed */
	}
}
