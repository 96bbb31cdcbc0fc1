/* SPDX-License-Identifier: MIT */
/*
 * The table of keys: for each its kind (how two values make one), when it may be sent, its range,
 * what holds without it, and what we want. Sections are those of RFC 7143.
 *
 * What is not in the table is answered with NotUnderstood: X- keys, and those of iSER
 * (RDMAExtensions, InitiatorRecvDataSegmentLength, ...), which has no meaning over plain TCP. The
 * markers of RFC 3720 are in it: 13.25 forbids NotUnderstood for them.
 *
 * A value that is none for its key is answered with Reject and the parameter keeps what it had;
 * whether to go on is the initiator's choice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "target/iscsi/keys.h"

#define SEGMENT_MAX 16777215u
#define CHAP_VALUE_MAX 2050u /* "0x" and 1024 bytes */

enum key_kind {
	KIND_CALLER,   /* names, authentication: not answered here */
	KIND_TARGETS,  /* sent by targets only */
	KIND_AND, KIND_OR, KIND_MIN, KIND_MAX,
	KIND_LIST,     /* the value is the place in `choices` */
	KIND_DECLARED, /* a number that is told, not agreed on */
	KIND_REJECTED,
};

enum key_flags {
	NORMAL_ONLY = 1 << 0, /* Irrelevant in a discovery session */
	OURS_TOO = 1 << 1,    /* we tell it unasked: a refusal of that is no proposal */
};

struct key {
	const char *name;
	enum key_kind kind;
	uint8_t phases, flags;
	uint16_t value_max; /* characters; 0: TEXT_VALUE_MAX */
	uint32_t minimum, maximum;
	uint32_t initial; /* RFC's default */
	uint32_t wanted;
	uint16_t setting; /* offset of what replaces `wanted`; 0: nothing does */
	uint16_t member;  /* offset of the parameter */
	uint8_t width;	  /* its size; 0: there is none */
	const char *const *choices;
};

static const char *const digests[] = {"None", "CRC32C", NULL};
static const char *const reportings[] = {"RFC3720", NULL};

#define LOGIN	       (KEY_SECURITY | KEY_OPERATIONAL)
#define ANY	       (LOGIN | KEY_FULL_FEATURE)
#define PARAMETER(name)                                                                            \
	.member = offsetof(struct iscsi_parameters, name),                                         \
	.width = sizeof(((struct iscsi_parameters *)NULL)->name)
#define SETTING(name) .setting = offsetof(struct iscsi_settings, name)

/* clang-format off */
static const struct key keys[KEY_COUNT] = {
	/* 13.4 to 13.9, 13.21: who they are */
	[KEY_INITIATOR_NAME] = {.name = "InitiatorName", .phases = LOGIN},
	[KEY_INITIATOR_ALIAS] = {.name = "InitiatorAlias", .phases = ANY},
	[KEY_TARGET_NAME] = {.name = "TargetName", .phases = LOGIN},
	[KEY_SESSION_TYPE] = {.name = "SessionType", .phases = LOGIN},
	[KEY_TARGET_ALIAS] = {.name = "TargetAlias", .kind = KIND_TARGETS, .phases = ANY, .flags = OURS_TOO},
	[KEY_TARGET_ADDRESS] = {.name = "TargetAddress", .kind = KIND_TARGETS, .phases = ANY,
		.flags = OURS_TOO},
	[KEY_TARGET_PORTAL_GROUP_TAG] = {.name = "TargetPortalGroupTag", .kind = KIND_TARGETS,
		.phases = LOGIN, .flags = OURS_TOO},
	/* 12: authentication */
	[KEY_AUTH_METHOD] = {.name = "AuthMethod", .phases = KEY_SECURITY},
	[KEY_CHAP_A] = {.name = "CHAP_A", .phases = KEY_SECURITY},
	[KEY_CHAP_I] = {.name = "CHAP_I", .phases = KEY_SECURITY},
	[KEY_CHAP_C] = {.name = "CHAP_C", .phases = KEY_SECURITY, .value_max = CHAP_VALUE_MAX},
	[KEY_CHAP_N] = {.name = "CHAP_N", .phases = KEY_SECURITY},
	[KEY_CHAP_R] = {.name = "CHAP_R", .phases = KEY_SECURITY, .value_max = CHAP_VALUE_MAX},
	/* 13.1 */
	[KEY_HEADER_DIGEST] = {.name = "HeaderDigest", .kind = KIND_LIST, .phases = KEY_OPERATIONAL,
		.choices = digests, SETTING(header_digest), PARAMETER(header_digest)},
	[KEY_DATA_DIGEST] = {.name = "DataDigest", .kind = KIND_LIST, .phases = KEY_OPERATIONAL,
		.choices = digests, SETTING(data_digest), PARAMETER(data_digest)},
	/* 13.2, 13.10 to 13.20 */
	[KEY_MAX_CONNECTIONS] = {.name = "MaxConnections", .kind = KIND_MIN, .phases = KEY_OPERATIONAL,
		.flags = NORMAL_ONLY, .minimum = 1, .maximum = 65535, .initial = 1, .wanted = 1},
	[KEY_INITIAL_R2T] = {.name = "InitialR2T", .kind = KIND_OR, .phases = KEY_OPERATIONAL,
		.flags = NORMAL_ONLY, .initial = true, .wanted = false, PARAMETER(initial_r2t)},
	[KEY_IMMEDIATE_DATA] = {.name = "ImmediateData", .kind = KIND_AND, .phases = KEY_OPERATIONAL,
		.flags = NORMAL_ONLY, .initial = true, .wanted = true, PARAMETER(immediate_data)},
	[KEY_MAX_RECEIVE] = {.name = "MaxRecvDataSegmentLength", .kind = KIND_DECLARED,
		.phases = KEY_OPERATIONAL | KEY_FULL_FEATURE, .flags = OURS_TOO, .minimum = 512,
		.maximum = SEGMENT_MAX, .initial = 8192, .wanted = 1u << 20, SETTING(max_receive),
		PARAMETER(max_send)},
	[KEY_MAX_BURST] = {.name = "MaxBurstLength", .kind = KIND_MIN, .phases = KEY_OPERATIONAL,
		.flags = NORMAL_ONLY, .minimum = 512, .maximum = SEGMENT_MAX, .initial = 262144,
		.wanted = 16776192, SETTING(max_burst), PARAMETER(max_burst)},
	[KEY_FIRST_BURST] = {.name = "FirstBurstLength", .kind = KIND_MIN, .phases = KEY_OPERATIONAL,
		.flags = NORMAL_ONLY, .minimum = 512, .maximum = SEGMENT_MAX, .initial = 65536,
		.wanted = 1u << 20, SETTING(first_burst), PARAMETER(first_burst)},
	[KEY_TIME2WAIT] = {.name = "DefaultTime2Wait", .kind = KIND_MAX, .phases = KEY_OPERATIONAL,
		.maximum = 3600, .initial = 2, .wanted = 2, PARAMETER(time2wait)},
	[KEY_TIME2RETAIN] = {.name = "DefaultTime2Retain", .kind = KIND_MIN, .phases = KEY_OPERATIONAL,
		.maximum = 3600, .initial = 20, .wanted = 0, PARAMETER(time2retain)},
	[KEY_MAX_R2T] = {.name = "MaxOutstandingR2T", .kind = KIND_MIN, .phases = KEY_OPERATIONAL,
		.flags = NORMAL_ONLY, .minimum = 1, .maximum = 65535, .initial = 1, .wanted = 8,
		PARAMETER(max_r2t)},
	[KEY_DATA_PDU_IN_ORDER] = {.name = "DataPDUInOrder", .kind = KIND_OR, .phases = KEY_OPERATIONAL,
		.flags = NORMAL_ONLY, .initial = true, .wanted = true, PARAMETER(data_pdu_in_order)},
	[KEY_DATA_SEQUENCE_IN_ORDER] = {.name = "DataSequenceInOrder", .kind = KIND_OR,
		.phases = KEY_OPERATIONAL, .flags = NORMAL_ONLY, .initial = true, .wanted = true,
		PARAMETER(data_sequence_in_order)},
	[KEY_ERROR_RECOVERY] = {.name = "ErrorRecoveryLevel", .kind = KIND_MIN,
		.phases = KEY_OPERATIONAL, .maximum = 2, .initial = 0, .wanted = 0,
		PARAMETER(error_recovery)},
	/* 13.23, 13.24 */
	[KEY_TASK_REPORTING] = {.name = "TaskReporting", .kind = KIND_LIST, .phases = KEY_OPERATIONAL,
		.flags = NORMAL_ONLY, .choices = reportings},
	[KEY_PROTOCOL_LEVEL] = {.name = "iSCSIProtocolLevel", .kind = KIND_MIN,
		.phases = KEY_OPERATIONAL, .flags = NORMAL_ONLY, .maximum = 31, .initial = 1, .wanted = 1},
	/* 13.25: gone since RFC 3720 */
	[KEY_IF_MARKER] = {.name = "IFMarker", .kind = KIND_AND, .phases = KEY_OPERATIONAL},
	[KEY_OF_MARKER] = {.name = "OFMarker", .kind = KIND_AND, .phases = KEY_OPERATIONAL},
	[KEY_IF_MARK_INT] = {.name = "IFMarkInt", .kind = KIND_REJECTED, .phases = KEY_OPERATIONAL},
	[KEY_OF_MARK_INT] = {.name = "OFMarkInt", .kind = KIND_REJECTED, .phases = KEY_OPERATIONAL},
	/* Appendix C */
	[KEY_SEND_TARGETS] = {.name = "SendTargets", .phases = KEY_FULL_FEATURE},
};
/* clang-format on */

const char *key_name(enum key_id key)
{
	return keys[key].name;
}

static int key_find(const char *name)
{
	for (int id = 0; id < KEY_COUNT; id++) {
		if (!strcmp(keys[id].name, name))
			return id;
	}
	return -ENOENT;
}

/* ---- values ------------------------------------------------------------------------------ */

bool list_has(const char *list, const char *item)
{
	size_t length = strlen(item);
	for (const char *at = list;; at++) {
		size_t this = strcspn(at, ",");
		if (this == length && !memcmp(at, item, length))
			return true;
		at += this;
		if (!*at)
			return false;
	}
}

int number_parse(const char *string, uint64_t *number)
{
	bool hex = string[0] == '0' && (string[1] == 'x' || string[1] == 'X');
	const char *digits = string + (hex ? 2 : 0);
	size_t length = strlen(digits);
	if (!length || strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != length)
		return -EINVAL;
	errno = 0;
	uint64_t value = strtoull(digits, NULL, hex ? 16 : 10);
	if (errno)
		return -EINVAL;
	*number = value;
	return 0;
}

static void parameter_set(const struct key *key, struct iscsi_parameters *parameters,
			  uint32_t value)
{
	uint8_t *member = (uint8_t *)parameters + key->member;
	if (key->width == sizeof(bool))
		memcpy(member, &(bool){value}, sizeof(bool));
	else if (key->width == sizeof(uint32_t))
		memcpy(member, &value, sizeof(value));
	else
		ASSERT(key->width == 0);
}

void parameters_init(struct iscsi_parameters *parameters)
{
	*parameters = (struct iscsi_parameters){.max_receive = keys[KEY_MAX_RECEIVE].initial};
	for (int id = 0; id < KEY_COUNT; id++)
		parameter_set(&keys[id], parameters, keys[id].initial);
}

/* What we want of a number: the setting's value, kept within the key's range. */
static uint32_t number_wanted(const struct key *key, const struct iscsi_settings *settings)
{
	uint32_t set = 0;
	if (key->setting)
		memcpy(&set, (const uint8_t *)settings + key->setting, sizeof(set));
	uint32_t value = set ? set : key->wanted;
	if (value < key->minimum)
		return key->minimum;
	return value > key->maximum ? key->maximum : value;
}

/* ---- answers: each gives the text, or NULL for what cannot be --------------------------------- */

static const char *answer_boolean(struct negotiation *negotiation, const struct key *key,
				  const char *value)
{
	bool theirs = !strcmp(value, "Yes");
	if (!theirs && strcmp(value, "No"))
		return NULL;
	bool result = key->kind == KIND_AND ? theirs && key->wanted : theirs || key->wanted;
	parameter_set(key, negotiation->parameters, result);
	return result ? "Yes" : "No";
}

/* -EINVAL: it is not one, or out of its key's range. */
static int number_take(const struct key *key, const char *value, uint32_t *number)
{
	uint64_t theirs;
	if (number_parse(value, &theirs) || theirs < key->minimum || theirs > key->maximum)
		return -EINVAL;
	*number = (uint32_t)theirs;
	return 0;
}

static int number_agree(struct negotiation *negotiation, const struct key *key, const char *value,
			uint32_t *result)
{
	uint32_t theirs, ours = number_wanted(key, negotiation->settings);
	int error = number_take(key, value, &theirs);
	if (error)
		return error;
	/* 13.14: never over what MaxBurstLength has come to. */
	if (key == &keys[KEY_FIRST_BURST] && ours > negotiation->parameters->max_burst)
		ours = negotiation->parameters->max_burst;
	bool keep = key->kind == KIND_MIN ? theirs < ours : theirs > ours;
	*result = keep ? theirs : ours;
	parameter_set(key, negotiation->parameters, *result);
	return 0;
}

static const char *answer_list(struct negotiation *negotiation, const struct key *key,
			       const char *value)
{
	bool prefer_last = false;
	if (key->setting)
		memcpy(&prefer_last, (const uint8_t *)negotiation->settings + key->setting,
		       sizeof(prefer_last));
	unsigned best = 0;
	const char *found = NULL;
	/* The first of theirs that is one of ours; or the last of ours, where that is wanted. */
	for (const char *at = value; *at && !found; at += strcspn(at, ","), at += *at == ',') {
		size_t length = strcspn(at, ",");
		for (unsigned i = 0; key->choices[i] && !found; i++) {
			if (strlen(key->choices[i]) == length && !memcmp(key->choices[i], at, length)) {
				best = i;
				found = key->choices[i];
			}
		}
	}
	for (unsigned i = best + 1; prefer_last && found && key->choices[i]; i++) {
		if (list_has(value, key->choices[i])) {
			best = i;
			found = key->choices[i];
		}
	}
	if (found)
		parameter_set(key, negotiation->parameters, best);
	return found;
}

static bool is_irrelevant(const struct negotiation *negotiation, const struct key *key)
{
	const struct iscsi_parameters *parameters = negotiation->parameters;
	if (key->flags & NORMAL_ONLY && parameters->discovery)
		return true;
	return key == &keys[KEY_FIRST_BURST] && parameters->initial_r2t &&
	       !parameters->immediate_data;
}

static void answer_text(struct text_buffer *answer, const struct key *key, const char *value)
{
	text_add(answer, key->name, "%s", value ? value : "Reject");
}

static void answer_number(struct negotiation *negotiation, const struct key *key,
			  const char *value)
{
	uint32_t result;
	if (number_agree(negotiation, key, value, &result))
		answer_text(negotiation->answer, key, NULL);
	else
		text_add(negotiation->answer, key->name, "%u", result);
}

static void key_answer(struct negotiation *negotiation, const struct key *key, const char *value)
{
	uint32_t number;
	if (is_irrelevant(negotiation, key)) {
		answer_text(negotiation->answer, key, "Irrelevant");
		return;
	}
	switch (key->kind) {
	case KIND_CALLER:
	case KIND_TARGETS:
		break;
	case KIND_AND:
	case KIND_OR:
		answer_text(negotiation->answer, key, answer_boolean(negotiation, key, value));
		break;
	case KIND_MIN:
	case KIND_MAX:
		answer_number(negotiation, key, value);
		break;
	case KIND_LIST:
		answer_text(negotiation->answer, key, answer_list(negotiation, key, value));
		break;
	case KIND_DECLARED:
		if (number_take(key, value, &number))
			answer_text(negotiation->answer, key, NULL);
		else
			parameter_set(key, negotiation->parameters, number);
		break;
	case KIND_REJECTED:
		answer_text(negotiation->answer, key, NULL);
		break;
	}
}

/* ---- a negotiation -------------------------------------------------------------------------- */

static bool is_refusal(const char *value)
{
	return !strcmp(value, "NotUnderstood") || !strcmp(value, "Irrelevant") ||
	       !strcmp(value, "Reject");
}

static bool is_allowed(const struct negotiation *negotiation, const struct key *key)
{
	return key->kind != KIND_TARGETS && (key->phases & negotiation->phase);
}

static int pair_remember(struct negotiation *negotiation, int id, const char *value)
{
	size_t limit = keys[id].value_max ? keys[id].value_max : TEXT_VALUE_MAX;
	size_t length = strlen(value);
	if (length > limit)
		return -EPROTO;
	char **seen = &negotiation->seen[id];
	if (*seen)
		return strcmp(*seen, value) ? -EPROTO : 0;
	*seen = mem_try_alloc(length + 1, 1);
	if (!*seen)
		return -ENOMEM;
	memcpy(*seen, value, length + 1);
	return 0;
}

static int pair_take(struct negotiation *negotiation, const struct text_pair *pair)
{
	int id = key_find(pair->key);
	if (id < 0) {
		text_add(negotiation->answer, pair->key, "NotUnderstood");
		return 0;
	}
	if ((keys[id].flags & OURS_TOO) && is_refusal(pair->value))
		return 0;
	if (!is_allowed(negotiation, &keys[id])) {
		if (negotiation->phase != KEY_FULL_FEATURE)
			return -EPROTO;
		text_add(negotiation->answer, pair->key, "Reject");
		return 0;
	}
	int error = pair_remember(negotiation, id, pair->value);
	if (!error)
		negotiation->fresh[id] = pair->value;
	return error;
}

int negotiation_take(struct negotiation *negotiation, const struct text_pair *pairs, size_t count)
{
	memset(negotiation->fresh, 0, sizeof(negotiation->fresh));
	for (size_t i = 0; i < count; i++) {
		int error = pair_take(negotiation, &pairs[i]);
		if (error)
			return error;
	}
	return 0;
}

const char *negotiation_value(const struct negotiation *negotiation, enum key_id key)
{
	return negotiation->fresh[key];
}

void negotiation_answer(struct negotiation *negotiation)
{
	for (int id = 0; id < KEY_COUNT; id++) {
		if (negotiation->fresh[id])
			key_answer(negotiation, &keys[id], negotiation->fresh[id]);
	}
}

void negotiation_declare(struct negotiation *negotiation)
{
	uint32_t ours = number_wanted(&keys[KEY_MAX_RECEIVE], negotiation->settings);
	negotiation->parameters->max_receive = ours;
	text_add(negotiation->answer, keys[KEY_MAX_RECEIVE].name, "%u", ours);
}

void negotiation_free(struct negotiation *negotiation)
{
	for (int id = 0; id < KEY_COUNT; id++)
		free(negotiation->seen[id]);
	*negotiation = (struct negotiation){0};
}
