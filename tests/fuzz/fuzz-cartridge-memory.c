/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a cartridge's medium auxiliary memory, as they are and with the size and the
 * checksum made right: what is accepted is the same after it has been written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/crc32c.h"
#include "target/tape/cartridge_mam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_memory(const uint8_t *data, size_t size)
{
	struct mam mam = {0}, again = {0};
	struct cartridge_attribute a;
	uint8_t *bytes = NULL;
	size_t written;
	if (mam_decode(data, size, &mam) != 0) {
		ASSERT(mam.count == 0);
		return;
	}
	ASSERT(mam_encode(&mam, &bytes, &written) == 0);
	ASSERT(written <= size && written <= MAM_FILE_MAX);
	ASSERT(memcmp(bytes + MAM_HEADER, data + MAM_HEADER, written - MAM_HEADER) == 0);
	ASSERT(mam_decode(bytes, written, &again) == 0 && again.count == mam.count);
	size_t shown = 0;
	for (uint32_t id = 0; id <= UINT16_MAX && mam_next(&mam, 1, (uint16_t)id, &a) == 0; id = a.id + 1u) {
		ASSERT(a.length > 0 && mam_get(&again, 1, a.id, &a) == 0);
		shown++;
	}
	ASSERT(shown <= mam.count);
	mam_drop_partition(&mam, 1);
	free(bytes);
	mam_free(&mam);
	mam_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_memory(data, size);
	if (size < MAM_HEADER || size > 2 * MAM_FILE_MAX)
		return 0;
	uint8_t *copy = malloc(size);
	ASSERT(copy != NULL);
	memcpy(copy, data, size);
	uint32_t body = (uint32_t)(size - MAM_HEADER);
	for (unsigned n = 0; n < 4; n++)
		copy[16 + n] = (uint8_t)(body >> 8 * n);
	memset(copy + 20, 0, 4);
	uint32_t checksum = crc32c(0, copy, size);
	for (unsigned n = 0; n < 4; n++)
		copy[20 + n] = (uint8_t)(checksum >> 8 * n);
	try_memory(copy, size);
	free(copy);
	return 0;
}
