/* SPDX-License-Identifier: MIT */
/*
 * Text in the full feature phase (RFC 7143 11.10, 11.11, Appendix C): one negotiation at a time.
 *
 *   IDLE      -> OPEN   a request without a target transfer tag; it also ends one that is open
 *   OPEN      -> OPEN   text comes in parts (C), or ours goes out in parts, or F is not set yet
 *   OPEN      -> IDLE   the response with F; or a request that is refused
 *
 * Each response that is not the last carries a new transfer tag, and the next request must bring
 * that one. Parameters change with the last response, all or none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "target/iscsi/keys.h"
#include "target/iscsi/login.h"
#include "target/iscsi/names.h"

#define EXCHANGE_MAGIC 0x7e47e8c4u

struct text_exchange {
	uint32_t magic;
	struct iscsi_parameters *parameters; /* the session's */
	struct iscsi_parameters wanted;	     /* what they become */
	int (*send_targets)(void *context, const char *which, struct text_buffer *text);
	void *context;
	bool open;
	uint32_t itt, transfer_tag;
	struct text_input input;
	struct text_buffer output;
	struct negotiation negotiation;
};

/* Nothing that the settings say can be negotiated here. */
static const struct iscsi_settings no_settings;

struct text_exchange *text_exchange_new(struct iscsi_parameters *parameters,
	int (*send_targets)(void *context, const char *which, struct text_buffer *text), void *context)
{
	struct text_exchange *exchange = mem_try_zalloc(1, sizeof(*exchange));
	if (!exchange)
		return NULL;
	exchange->magic = EXCHANGE_MAGIC;
	exchange->parameters = parameters;
	exchange->send_targets = send_targets;
	exchange->context = context;
	return exchange;
}

static void exchange_close(struct text_exchange *exchange)
{
	exchange->open = false;
	text_input_clear(&exchange->input);
	negotiation_free(&exchange->negotiation);
}

void text_exchange_free(struct text_exchange **exchange_pointer)
{
	struct text_exchange *exchange = *exchange_pointer;
	if (!exchange)
		return;
	ASSERT_OBJECT(exchange, EXCHANGE_MAGIC);
	exchange_close(exchange);
	text_input_free(&exchange->input);
	text_buffer_free(&exchange->output);
	free(exchange);
	*exchange_pointer = NULL;
}

static void exchange_open(struct text_exchange *exchange, const struct pdu *request)
{
	exchange_close(exchange);
	text_buffer_clear(&exchange->output);
	exchange->open = true;
	exchange->itt = request->itt;
	exchange->wanted = *exchange->parameters;
	exchange->negotiation = (struct negotiation){
		.settings = &no_settings,
		.parameters = &exchange->wanted,
		.answer = &exchange->output,
		.phase = KEY_FULL_FEATURE,
	};
}

static int request_check(struct text_exchange *exchange, const struct pdu *request, size_t size)
{
	if ((request->flags & PDU_FINAL) && (request->flags & PDU_CONTINUE))
		return REJECT_INVALID_FIELD;
	if (request->transfer_tag == PDU_NO_TAG) {
		exchange_open(exchange, request);
		return 0;
	}
	if (!exchange->open || request->transfer_tag != exchange->transfer_tag ||
	    request->itt != exchange->itt)
		return REJECT_INVALID_FIELD;
	/* Ours goes on: the initiator has nothing to say until it has all of it. */
	if (text_buffer_pending(&exchange->output) && (size || request->flags & PDU_CONTINUE))
		return REJECT_PROTOCOL;
	return 0;
}

/* Which targets an initiator asks for: NULL for all; -EINVAL for what it cannot ask. */
static int which_targets(const struct text_exchange *exchange, const char *value,
			 char name[SCSI_NAME_MAX], const char **which)
{
	const struct iscsi_parameters *parameters = exchange->parameters;
	bool all = !strcmp(value, "All"), own = !value[0];
	*which = name;
	if (parameters->discovery) {
		if (all) {
			*which = NULL;
			return 0;
		}
		return iscsi_name_normalise(value, name);
	}
	if (!own && (iscsi_name_normalise(value, name) || strcmp(name, parameters->target) != 0))
		return -EINVAL;
	*which = parameters->target;
	return 0;
}

/* 0, or an enum pdu_reject. */
static int send_targets_answer(struct text_exchange *exchange, const char *value)
{
	char name[SCSI_NAME_MAX];
	const char *which;
	if (which_targets(exchange, value, name, &which)) {
		text_add(&exchange->output, key_name(KEY_SEND_TARGETS), "Reject");
		return 0;
	}
	int error = exchange->send_targets(exchange->context, which, &exchange->output);
	return error && error != -ENOENT ? REJECT_RESOURCES : 0;
}

static void alias_take(struct text_exchange *exchange)
{
	const char *alias = negotiation_value(&exchange->negotiation, KEY_INITIATOR_ALIAS);
	if (alias)
		iscsi_alias_copy(exchange->wanted.initiator_alias,
				 sizeof(exchange->wanted.initiator_alias), alias);
}

/* The text of a request is whole. 0, or an enum pdu_reject. */
static int text_answer(struct text_exchange *exchange)
{
	struct negotiation *negotiation = &exchange->negotiation;
	text_buffer_clear(&exchange->output);
	int error = text_input_split(&exchange->input);
	if (error)
		return error == -ENOMEM ? REJECT_RESOURCES : REJECT_PROTOCOL;
	error = negotiation_take(negotiation, exchange->input.pairs, exchange->input.count);
	if (error)
		return error == -ENOMEM ? REJECT_RESOURCES : REJECT_PROTOCOL;
	negotiation_answer(negotiation);
	alias_take(exchange);
	const char *which = negotiation_value(negotiation, KEY_SEND_TARGETS);
	int reject = which ? send_targets_answer(exchange, which) : 0;
	text_input_clear(&exchange->input);
	return !reject && exchange->output.error ? REJECT_RESOURCES : reject;
}

static int request_take(struct text_exchange *exchange, const struct pdu *request,
			const void *text, size_t size)
{
	if (text_buffer_pending(&exchange->output))
		return 0;
	if (text_input_add(&exchange->input, text, size))
		return REJECT_RESOURCES;
	return request->flags & PDU_CONTINUE ? 0 : text_answer(exchange);
}

static void exchange_respond(struct text_exchange *exchange, const struct pdu *request,
			     struct pdu *response)
{
	response->transfer_tag = PDU_NO_TAG;
	if (text_buffer_pending(&exchange->output)) {
		response->flags = PDU_CONTINUE;
	} else if (request->flags & PDU_FINAL) {
		response->flags = PDU_FINAL;
		*exchange->parameters = exchange->wanted;
		exchange_close(exchange);
		return;
	}
	if (++exchange->transfer_tag == PDU_NO_TAG)
		exchange->transfer_tag = 1;
	response->transfer_tag = exchange->transfer_tag;
}

int text_exchange_step(struct text_exchange *exchange, const struct pdu *request, const void *text,
		       size_t size, struct pdu *response, const void **answer, size_t *answer_size)
{
	ASSERT_OBJECT(exchange, EXCHANGE_MAGIC);
	int reject = request_check(exchange, request, size);
	if (!reject)
		reject = request_take(exchange, request, text, size);
	if (reject) {
		exchange_close(exchange);
		text_buffer_clear(&exchange->output);
		return reject;
	}
	*response = (struct pdu){
		.opcode = PDU_TEXT_RESPONSE,
		.itt = request->itt,
		.lun = request->lun,
	};
	text_buffer_take(&exchange->output, exchange->parameters->max_send, answer, answer_size);
	response->data_length = (uint32_t)*answer_size;
	exchange_respond(exchange, request, response);
	return 0;
}
