/* SPDX-License-Identifier: MIT */
/*
 * Text in the full feature phase: SendTargets tells what the session may know, wrong requests fail
 * and the session lives on, long answers and long requests go over several PDUs, and parameters
 * change with the last response or not at all.
 */
#include <errno.h>

#include "lib/base/fault.h"
#include "tests/unit/login_scene.h"

#define OTHER "iqn.2001-04.com.example:other"
#define FINAL 0x80
#define MORE  0x40

struct place {
	struct iscsi_parameters parameters;
	struct text_exchange *exchange;
	struct scene *scene; /* for its text */
	struct pdu request, response;
	unsigned targets; /* that SendTargets=All tells */
	unsigned asked;
	char which[SCSI_NAME_MAX];
	int error;
	int reject;
};

static int send_targets(void *context, const char *which, struct text_buffer *text)
{
	struct place *place = context;
	place->asked++;
	snprintf(place->which, sizeof(place->which), "%s", which ? which : "all");
	if (place->error)
		return place->error;
	if (which && strcmp(which, TARGET) != 0)
		return -ENOENT;
	for (unsigned i = 0; i < (which ? 1 : place->targets); i++) {
		if (i == 0)
			text_add(text, "TargetName", "%s", TARGET);
		else
			text_add(text, "TargetName", "%s.%u", TARGET, i);
		text_add(text, "TargetAddress", "192.0.2.1:3260,%u", i + 1);
	}
	return 0;
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	assert_non_null(place);
	place->scene = scene_new();
	place->targets = 2;
	place->parameters.max_send = 8192;
	strcpy(place->parameters.target, TARGET);
	place->request = (struct pdu){
		.opcode = PDU_TEXT_REQUEST, .itt = 9, .lun = 5, .transfer_tag = PDU_NO_TAG};
	place->exchange = text_exchange_new(&place->parameters, send_targets, place);
	assert_non_null(place->exchange);
	*state = place;
	return 0;
}

static int setup_discovery(void **state)
{
	setup(state);
	((struct place *)*state)->parameters.discovery = true;
	((struct place *)*state)->parameters.target[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	text_exchange_free(&place->exchange);
	scene_free(place->scene);
	free(place);
	return 0;
}

/* Newlines become NULs. */
static void ask(struct place *place, uint8_t flags, const char *lines)
{
	const void *answer = NULL;
	size_t size = strlen(lines);
	char *text = malloc(size ? size : 1);
	assert_non_null(text);
	for (size_t i = 0; i < size; i++)
		text[i] = lines[i] == '\n' ? '\0' : lines[i];
	place->request.flags = flags;
	place->response = (struct pdu){0};
	place->scene->text_size = 0;
	place->reject = text_exchange_step(place->exchange, &place->request, text, size,
					   &place->response, &answer, &place->scene->text_size);
	free(text);
	if (place->reject)
		return;
	assert_int_equal(place->response.opcode, PDU_TEXT_RESPONSE);
	assert_int_equal(place->response.itt, place->request.itt);
	assert_int_equal(place->response.data_length, place->scene->text_size);
	assert_true(place->scene->text_size <= place->parameters.max_send);
	if (place->scene->text_size)
		memcpy(place->scene->text, answer, place->scene->text_size);
	place->scene->text[place->scene->text_size] = '\0';
	if (place->response.flags & FINAL)
		assert_int_equal(place->response.transfer_tag, PDU_NO_TAG);
	else
		assert_int_not_equal(place->response.transfer_tag, PDU_NO_TAG);
}

/* A new negotiation of one request. */
static void ask_once(struct place *place, const char *lines)
{
	place->request.transfer_tag = PDU_NO_TAG;
	ask(place, FINAL, lines);
}

static void discovery_tells_all(void **state)
{
	struct place *place = *state;
	ask_once(place, "SendTargets=All\n");
	assert_int_equal(place->reject, 0);
	assert_int_equal(place->response.flags, FINAL);
	assert_string_equal(place->which, "all");
	assert_value(place->scene, "TargetName", TARGET);
	assert_value(place->scene, "TargetAddress", "192.0.2.1:3260,1");
	ask_once(place, "SendTargets=IQN.2001-04.com.example:LIBRARY\n");
	assert_string_equal(place->which, TARGET);
	assert_value(place->scene, "TargetName", TARGET);
}

static void unknown_target_is_an_empty_answer(void **state)
{
	struct place *place = *state;
	ask_once(place, "SendTargets=" OTHER "\n");
	assert_int_equal(place->reject, 0);
	assert_int_equal(place->response.flags, FINAL);
	assert_int_equal(place->scene->text_size, 0);
}

static void normal_session_tells_its_own_target(void **state)
{
	static const char *const good[] = {"SendTargets=\n", "SendTargets=" TARGET "\n"};
	static const char *const bad[] = {"SendTargets=All\n", "SendTargets=" OTHER "\n"};
	struct place *place = *state;
	for (unsigned i = 0; i < 2; i++) {
		ask_once(place, good[i]);
		assert_string_equal(place->which, TARGET);
		assert_value(place->scene, "TargetName", TARGET);
		assert_value(place->scene, "SendTargets", NULL);
	}
	place->asked = 0;
	for (unsigned i = 0; i < 2; i++) {
		ask_once(place, bad[i]);
		assert_value(place->scene, "SendTargets", "Reject");
		assert_value(place->scene, "TargetName", NULL);
	}
	assert_int_equal(place->asked, 0);
}

/* In both kinds of sessions. */
static void wrong_requests_fail_and_the_session_lives_on(void **state)
{
	static const struct {
		const char *text, *key, *answer;
	} cases[] = {
		{"SendTargets=Alle\n", "SendTargets", "Reject"},
		{"SendTargets=A\n", "SendTargets", "Reject"},
		{"SendTargets=all\n", "SendTargets", "Reject"},
		{"SendTargets=ALL\n", "SendTargets", "Reject"},
		{"SendTargetsPlease=All\n", "SendTargetsPlease", "NotUnderstood"},
		{"sENDtARGETS=aLL\n", "sENDtARGETS", "NotUnderstood"},
		{"X-other=1\n", "X-other", "NotUnderstood"},
		{"HeaderDigest=CRC32C\n", "HeaderDigest", "Reject"},
		{"InitialR2T=No\n", "InitialR2T", "Reject"},
		{"MaxBurstLength=8192\n", "MaxBurstLength", "Reject"},
		{"InitiatorName=" INITIATOR "\n", "InitiatorName", "Reject"},
		{"AuthMethod=None\n", "AuthMethod", "Reject"},
		{"MaxRecvDataSegmentLength=1\n", "MaxRecvDataSegmentLength", "Reject"},
	};
	struct place *place = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s", cases[i].text);
		ask_once(place, cases[i].text);
		assert_int_equal(place->reject, 0);
		assert_int_equal(place->response.flags, FINAL);
		assert_value(place->scene, cases[i].key, cases[i].answer);
	}
	assert_int_equal(place->asked, 0);
	assert_int_equal(place->parameters.max_send, 8192);
}

static void malformed_text_is_rejected_and_the_session_lives_on(void **state)
{
	static const char *const cases[] = {"SendTargets\n", "SendTargets=All", "=\n",
					    "SendTargets=All\nSendTargets=\n"};
	struct place *place = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask_once(place, cases[i]);
		assert_int_equal(place->reject, REJECT_PROTOCOL);
		ask_once(place, "SendTargets=\n");
		assert_int_equal(place->reject, 0);
		assert_value(place->scene, "TargetName", TARGET);
	}
}

static void failing_server_is_a_lack_of_resources(void **state)
{
	struct place *place = *state;
	place->error = -ENOMEM;
	ask_once(place, "SendTargets=\n");
	assert_int_equal(place->reject, REJECT_RESOURCES);
}

static void long_answers_go_out_in_parts(void **state)
{
	struct place *place = *state;
	char *all = calloc(1, sizeof(place->scene->text));
	size_t size = 0;
	unsigned parts = 0;
	assert_non_null(all);
	place->targets = 500;
	place->parameters.max_send = 1000;
	ask_once(place, "SendTargets=All\n");
	for (;;) {
		assert_int_equal(place->reject, 0);
		memcpy(all + size, place->scene->text, place->scene->text_size);
		size += place->scene->text_size;
		parts++;
		if (place->response.flags == FINAL)
			break;
		assert_int_equal(place->response.flags, MORE);
		assert_int_equal(place->scene->text_size, 1000);
		uint32_t last = place->request.transfer_tag;
		place->request.transfer_tag = place->response.transfer_tag;
		assert_int_not_equal(last, place->request.transfer_tag);
		ask(place, FINAL, "");
	}
	assert_int_equal(parts, (size + 999) / 1000);
	assert_int_equal(place->asked, 1);
	unsigned names = 0;
	for (size_t at = 0; at < size; at += strlen(all + at) + 1)
		names += !strncmp(all + at, "TargetName=" TARGET, strlen("TargetName=" TARGET));
	assert_int_equal(names, 500);
	free(all);
}

static void long_requests_come_in_parts(void **state)
{
	struct place *place = *state;
	ask(place, MORE, "SendTar");
	assert_int_equal(place->response.flags, 0);
	assert_int_equal(place->scene->text_size, 0);
	place->request.transfer_tag = place->response.transfer_tag;
	ask(place, MORE, "gets=");
	place->request.transfer_tag = place->response.transfer_tag;
	ask(place, FINAL, "\n");
	assert_int_equal(place->response.flags, FINAL);
	assert_value(place->scene, "TargetName", TARGET);
}

static void requests_without_end_are_refused(void **state)
{
	static char part[8193];
	struct place *place = *state;
	memset(part, 'x', 8192);
	for (unsigned i = 0; i < 8; i++) {
		ask(place, MORE, part);
		assert_int_equal(place->reject, 0);
		place->request.transfer_tag = place->response.transfer_tag;
	}
	ask(place, MORE, "x");
	assert_int_equal(place->reject, REJECT_RESOURCES);
	ask_once(place, "SendTargets=\n");
	assert_value(place->scene, "TargetName", TARGET);
}

static void tags_that_are_none_are_refused(void **state)
{
	struct place *place = *state;
	place->request.transfer_tag = 1;
	ask(place, FINAL, "SendTargets=\n");
	assert_int_equal(place->reject, REJECT_INVALID_FIELD);
	/* The tag of a negotiation that is over, another tag, another task. */
	for (unsigned i = 0; i < 3; i++) {
		place->request.transfer_tag = PDU_NO_TAG;
		place->request.itt = 9;
		ask(place, 0, "InitiatorAlias=a\n");
		assert_int_equal(place->response.flags, 0);
		uint32_t tag = place->response.transfer_tag;
		place->request.transfer_tag = tag + (i == 1);
		place->request.itt = i == 2 ? 10 : 9;
		if (i == 0) {
			ask(place, FINAL, "");
			assert_int_equal(place->response.flags, FINAL);
		}
		ask(place, FINAL, "");
		assert_int_equal(place->reject, REJECT_INVALID_FIELD);
	}
}

static void text_while_ours_goes_on_is_refused(void **state)
{
	struct place *place = *state;
	place->parameters.max_send = 512;
	place->targets = 50;
	ask_once(place, "SendTargets=All\n");
	assert_int_equal(place->response.flags, MORE);
	place->request.transfer_tag = place->response.transfer_tag;
	ask(place, FINAL, "InitiatorAlias=x\n");
	assert_int_equal(place->reject, REJECT_PROTOCOL);
	ask_once(place, "InitiatorAlias=x\n");
	assert_int_equal(place->response.flags, FINAL);
}

static void new_negotiation_ends_the_open_one(void **state)
{
	struct place *place = *state;
	place->targets = 500;
	ask_once(place, "SendTargets=All\n");
	assert_int_equal(place->response.flags, MORE);
	place->targets = 1;
	ask_once(place, "SendTargets=All\n");
	assert_int_equal(place->response.flags, FINAL);
	assert_value(place->scene, "TargetName", TARGET);
}

static void parameters_change_with_the_last_response(void **state)
{
	struct place *place = *state;
	ask(place, 0, "MaxRecvDataSegmentLength=65536\nInitiatorAlias=new\n");
	assert_int_equal(place->response.flags, 0);
	assert_int_equal(place->parameters.max_send, 8192);
	place->request.transfer_tag = place->response.transfer_tag;
	ask(place, FINAL, "");
	assert_int_equal(place->response.flags, FINAL);
	assert_int_equal(place->parameters.max_send, 65536);
	assert_string_equal(place->parameters.initiator_alias, "new");
}

static void parameters_of_a_failed_negotiation_are_dropped(void **state)
{
	struct place *place = *state;
	ask(place, 0, "MaxRecvDataSegmentLength=65536\n");
	place->request.transfer_tag = place->response.transfer_tag;
	ask(place, FINAL, "MaxRecvDataSegmentLength=4096\n");
	assert_int_equal(place->reject, REJECT_PROTOCOL);
	assert_int_equal(place->parameters.max_send, 8192);
	ask_once(place, "");
	assert_int_equal(place->response.flags, FINAL);
	assert_int_equal(place->parameters.max_send, 8192);
}

static void final_and_continued_is_neither(void **state)
{
	struct place *place = *state;
	ask(place, FINAL | MORE, "SendTargets=\n");
	assert_int_equal(place->reject, REJECT_INVALID_FIELD);
}

static void no_memory_is_a_lack_of_resources(void **state)
{
	struct place *place = *state;
	unsigned refused = 0;
	for (unsigned n = 1;; n++) {
		char fault[32];
		text_exchange_free(&place->exchange);
		place->exchange = text_exchange_new(&place->parameters, send_targets, place);
		assert_non_null(place->exchange);
		snprintf(fault, sizeof(fault), "mem:%u", n);
		fault_set(fault);
		ask_once(place, "SendTargets=\nInitiatorAlias=x\nX-a=1\n");
		bool hit = fault_count("mem") >= n;
		fault_set(NULL);
		assert_int_equal(place->reject, hit ? REJECT_RESOURCES : 0);
		if (!hit)
			break;
		refused++;
	}
	assert_true(refused >= 4);
}

#define TEST(function)	    cmocka_unit_test_setup_teardown(function, setup, teardown)
#define DISCOVERS(function) cmocka_unit_test_setup_teardown(function, setup_discovery, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISCOVERS(discovery_tells_all),
		DISCOVERS(unknown_target_is_an_empty_answer),
		TEST(normal_session_tells_its_own_target),
		TEST(wrong_requests_fail_and_the_session_lives_on),
		DISCOVERS(wrong_requests_fail_and_the_session_lives_on),
		TEST(malformed_text_is_rejected_and_the_session_lives_on),
		TEST(failing_server_is_a_lack_of_resources),
		DISCOVERS(long_answers_go_out_in_parts),
		TEST(long_requests_come_in_parts),
		TEST(requests_without_end_are_refused),
		TEST(tags_that_are_none_are_refused),
		DISCOVERS(text_while_ours_goes_on_is_refused),
		DISCOVERS(new_negotiation_ends_the_open_one),
		TEST(parameters_change_with_the_last_response),
		TEST(parameters_of_a_failed_negotiation_are_dropped),
		TEST(final_and_continued_is_neither),
		TEST(no_memory_is_a_lack_of_resources),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
