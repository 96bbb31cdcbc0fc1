/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a header with its additional segments: what is accepted is encoded to a header that
 * decodes to the same, and what is refused still tells where the next PDU begins.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "target/iscsi/pdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_segments(struct pdu pdu, const uint8_t *data, size_t size)
{
	struct pdu_ahs ahs;
	pdu.ahs_length = (uint16_t)(size > 1020 ? 1020 : size);
	uint8_t *copy = malloc(pdu.ahs_length + 1u);
	require(copy != NULL);
	memcpy(copy, data, pdu.ahs_length);
	int reject = pdu_parse_ahs(&pdu, copy, &ahs);
	require(reject == 0 || reject == REJECT_INVALID_FIELD);
	require(ahs.cdb_size >= 16 && ahs.cdb_size <= PDU_CDB_MAX);
	require(!memcmp(ahs.cdb, pdu.cdb, 16));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pdu pdu, again;
	uint8_t bytes[PDU_BHS_SIZE], twice[PDU_BHS_SIZE];
	if (size < PDU_BHS_SIZE)
		return 0;
	int reject = pdu_decode(data, &pdu);
	require(reject >= 0 && reject <= REJECT_WAITING_FOR_LOGOUT);
	require(pdu.ahs_length == data[4] * 4 && pdu.data_length == be_get24(data + 5));
	require(pdu.itt == be_get32(data + 16) && pdu.opcode == (data[0] & 0x3f));
	if (reject == REJECT_NOT_SUPPORTED)
		return 0;
	pdu_encode(&pdu, bytes);
	require(pdu_decode(bytes, &again) == reject);
	pdu_encode(&again, twice);
	require(!memcmp(bytes, twice, sizeof(bytes)));
	check_segments(pdu, data + PDU_BHS_SIZE, size - PDU_BHS_SIZE);
	return 0;
}
