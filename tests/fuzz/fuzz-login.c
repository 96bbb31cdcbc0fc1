/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a conversation: login requests with any flags and text, and after a login that
 * succeeds text requests. Answers are always whole pairs, a refusal has a status and no text, what
 * has been agreed on is within the RFC's bounds, and where a secret is needed nobody gets in: the
 * input cannot know the challenge.
 *
 * The first byte chooses the access list and settings; then each request is its flags, a byte that
 * changes the header, and two bytes of length before the text.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/log.h"
#include "target/iscsi/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WITH_CHAP   0x01
#define WITH_MUTUAL 0x02
#define REFUSED	    0x04
#define DIGESTS	    0x08
#define SMALL	    0x10

struct input {
	const uint8_t *data;
	size_t size;
	struct iscsi_access access;
	enum login_status status;
};

static void require(int condition)
{
	if (!condition)
		abort();
}

static enum login_status authorize(void *context, const char *initiator, const char *target,
				   bool discovery, struct iscsi_access *access)
{
	const struct input *input = context;
	require(initiator[0] && strlen(initiator) < SCSI_NAME_MAX);
	require((discovery || target[0]) && strlen(target) < SCSI_NAME_MAX);
	*access = input->access;
	return input->status;
}

static int send_targets(void *context, const char *which, struct text_buffer *text)
{
	(void)context;
	for (unsigned i = 0; i < (which ? 1 : 100); i++)
		text_add(text, "TargetName", "%s", which ? which : "iqn.2001-04.com.example:x");
	return which && strlen(which) % 5 == 0 ? -ENOENT : 0;
}

/* Takes the next request: a copy of its text of the exact size. */
static bool next_request(struct input *input, struct pdu *request, void **text, size_t *size)
{
	if (input->size < 4)
		return false;
	request->flags = input->data[0];
	request->immediate = true;
	request->tsih = input->data[1] == 0xff;
	request->version_min = input->data[1] == 0xfe;
	request->itt = input->data[1] == 0xfd;
	*size = be_get16(input->data + 2);
	input->data += 4;
	input->size -= 4;
	if (*size > input->size)
		*size = input->size;
	*text = malloc(*size + 1);
	require(*text != NULL);
	memcpy(*text, input->data, *size);
	input->data += *size;
	input->size -= *size;
	return true;
}

/* Pairs, each with its NUL; the first may be the rest of one. */
static void check_text(const char *text, size_t size, bool goes_on, bool *inside)
{
	for (size_t at = 0; at < size;) {
		size_t length = strnlen(text + at, size - at);
		if (!*inside && at + length < size)
			require(memchr(text + at, '=', length) != NULL);
		*inside = at + length == size;
		at += length + 1;
	}
	require(goes_on || !*inside);
}

static void check_parameters(const struct iscsi_parameters *is, const struct input *input)
{
	require(!input->access.user[0]);
	require(is->initiator[0] && (is->discovery || is->target[0]) && !is->user[0]);
	require(is->max_send >= 512 && is->max_send < 1u << 24);
	require(is->max_receive >= 512 && is->max_receive < 1u << 24);
	require(is->max_burst >= 512 && is->max_burst < 1u << 24);
	require(is->first_burst >= 512 && is->first_burst < 1u << 24);
	require(is->max_r2t >= 1 && is->max_r2t <= 8 && is->error_recovery == 0);
	require(is->data_pdu_in_order && is->data_sequence_in_order);
}

static void converse(struct input *input, const struct iscsi_parameters *agreed)
{
	struct iscsi_parameters parameters = *agreed;
	struct text_exchange *exchange = text_exchange_new(&parameters, send_targets, NULL);
	struct pdu request = {.opcode = PDU_TEXT_REQUEST}, response = {.transfer_tag = PDU_NO_TAG};
	const void *answer;
	void *text;
	size_t size, answer_size;
	bool inside = false;
	require(exchange != NULL);
	while (next_request(input, &request, &text, &size)) {
		request.transfer_tag = request.flags & 1 ? PDU_NO_TAG : response.transfer_tag;
		if (request.transfer_tag == PDU_NO_TAG)
			inside = false;
		int reject = text_exchange_step(exchange, &request, text, size, &response, &answer,
						&answer_size);
		free(text);
		require(reject >= 0 && reject <= REJECT_WAITING_FOR_LOGOUT);
		require(parameters.max_send >= 512 && parameters.max_send < 1u << 24);
		if (reject)
			continue;
		require(answer_size <= (1u << 24) && response.data_length == answer_size);
		require((response.flags == PDU_FINAL) == (response.transfer_tag == PDU_NO_TAG));
		check_text(answer, answer_size, response.flags & PDU_CONTINUE, &inside);
	}
	text_exchange_free(&exchange);
}

static void log_in(struct input *input, const struct login_server *server)
{
	struct login *login = login_new(server);
	struct pdu request = {.opcode = PDU_LOGIN_REQUEST}, response;
	const void *answer;
	void *text;
	size_t size, answer_size;
	bool inside = false;
	require(login != NULL);
	while (!login_is_done(login) && !login_has_failed(login) &&
	       next_request(input, &request, &text, &size)) {
		login_step(login, &request, text, size, &response, &answer, &answer_size);
		free(text);
		require(answer_size <= 8192 && response.data_length == answer_size);
		require(response.opcode == PDU_LOGIN_RESPONSE && response.itt == request.itt);
		require(login_has_failed(login) == (response.response != 0));
		require(!login_has_failed(login) || (!answer_size && !response.flags));
		check_text(answer, answer_size,
			   login_has_failed(login) || response.flags & PDU_CONTINUE, &inside);
	}
	if (login_is_done(login)) {
		check_parameters(login_parameters(login), input);
		converse(input, login_parameters(login));
	}
	login_free(&login);
	require(login == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct input input = {.data = data + 1, .size = size - 1};
	struct iscsi_settings settings = {
		.header_digest = data[0] & DIGESTS,
		.max_receive = data[0] & SMALL ? 512 : 0,
		.alias = data[0] & SMALL ? "small" : NULL,
	};
	const struct login_server server = {
		.context = &input, .settings = &settings, .authorize = authorize, .portal_group = 1};
	log_set_level(LOG_LEVEL_ERROR);
	if (data[0] & WITH_CHAP) {
		strcpy(input.access.user, "user");
		strcpy(input.access.secret, "a secret that the input does not know");
	}
	if (data[0] & WITH_MUTUAL) {
		strcpy(input.access.mutual_user, "target");
		strcpy(input.access.mutual_secret, "another secret");
	}
	input.status = data[0] & REFUSED ? LOGIN_AUTHORIZATION : LOGIN_OK;
	log_in(&input, &server);
	return 0;
}
