/* SPDX-License-Identifier: MIT */
/*
 * Login: stages change as the RFC allows and no other way, what is missing or wrong ends it with
 * the exact status, text may come and go in parts, and names are told to the server as they are
 * compared.
 */
#include "lib/base/fault.h"
#include "tests/unit/login_scene.h"

static int setup(void **state)
{
	*state = scene_new();
	return 0;
}

static int teardown(void **state)
{
	scene_free(*state);
	return 0;
}

static void one_request_is_enough(void **state)
{
	struct scene *scene = *state;
	scene->settings.alias = "the library";
	scene_send(scene, LOGIN_T | OPERATIONAL | TO_FULL_FEATURE, NAMES);
	assert_int_equal(scene_status(scene), LOGIN_OK);
	assert_int_equal(scene->response.flags, LOGIN_T | OPERATIONAL | TO_FULL_FEATURE);
	assert_true(login_is_done(scene->login));
	assert_value(scene, "TargetPortalGroupTag", "7");
	assert_value(scene, "TargetAlias", "the library");
	assert_value(scene, "MaxRecvDataSegmentLength", "1048576");
	assert_int_equal(scene->response.itt, 0x1234);
	assert_memory_equal(scene->response.isid, scene->request.isid, 6);
	assert_int_equal(scene->response.version_min, 0);
}

static void stages_follow_each_other(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, SECURITY, NAMES "AuthMethod=CHAP,None\n");
	assert_int_equal(scene->response.flags, SECURITY);
	assert_value(scene, "AuthMethod", "None");
	assert_value(scene, "TargetPortalGroupTag", "7");
	assert_value(scene, "MaxRecvDataSegmentLength", NULL);
	scene_send(scene, LOGIN_T | SECURITY | TO_OPERATIONAL, "");
	assert_int_equal(scene->response.flags, LOGIN_T | SECURITY | TO_OPERATIONAL);
	assert_int_equal(scene->text_size, 0);
	scene_send(scene, OPERATIONAL, "HeaderDigest=CRC32C,None\n");
	assert_int_equal(scene->response.flags, OPERATIONAL);
	assert_value(scene, "HeaderDigest", "CRC32C");
	assert_value(scene, "TargetPortalGroupTag", NULL);
	assert_false(login_is_done(scene->login));
	scene_send(scene, LOGIN_T | OPERATIONAL | TO_FULL_FEATURE, "");
	assert_int_equal(scene->response.flags, LOGIN_T | OPERATIONAL | TO_FULL_FEATURE);
	assert_value(scene, "MaxRecvDataSegmentLength", NULL);
	assert_true(login_is_done(scene->login));
	assert_true(login_parameters(scene->login)->header_digest);
	assert_false(login_parameters(scene->login)->data_digest);
}

/* What has not been told does not hold: a login without an operational stage keeps 8192. */
static void security_stage_may_be_the_last(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, LOGIN_T | SECURITY | TO_FULL_FEATURE, NAMES "AuthMethod=None\n");
	assert_true(login_is_done(scene->login));
	assert_int_equal(login_parameters(scene->login)->max_receive, 8192);
	assert_int_equal(login_parameters(scene->login)->max_send, 8192);
	assert_true(login_parameters(scene->login)->initial_r2t);
}

static void server_is_asked_with_normal_names(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, LOGIN_T | OPERATIONAL | TO_FULL_FEATURE,
		   "InitiatorName=IQN.1991-05.com.Microsoft:HOST\nTargetName=iqn.2001-04.COM.example:T\n"
		   "InitiatorAlias=Some Host\n");
	assert_true(login_is_done(scene->login));
	assert_int_equal(scene->asked, 1);
	assert_string_equal(scene->asked_initiator, "iqn.1991-05.com.microsoft:host");
	assert_string_equal(scene->asked_target, "iqn.2001-04.com.example:t");
	assert_false(scene->asked_discovery);
	assert_string_equal(login_parameters(scene->login)->initiator, scene->asked_initiator);
	assert_string_equal(login_parameters(scene->login)->initiator_alias, "Some Host");
}

static void discovery_needs_no_target(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, LOGIN_T | OPERATIONAL | TO_FULL_FEATURE, DISCOVERY);
	assert_true(login_is_done(scene->login));
	assert_true(scene->asked_discovery);
	assert_string_equal(scene->asked_target, "");
	assert_value(scene, "TargetPortalGroupTag", NULL);
	assert_true(login_parameters(scene->login)->discovery);
}

/* ---- what ends it: one request each ----------------------------------------------------------- */

struct refusal {
	const char *what;
	uint8_t flags;
	const char *text;
	enum login_status status;
};

#define DIRECT (LOGIN_T | OPERATIONAL | TO_FULL_FEATURE)
#define LONG_16 "0123456789abcdef"
#define LONG_64 LONG_16 LONG_16 LONG_16 LONG_16

static const struct refusal refusals[] = {
	{"no names", DIRECT, "", LOGIN_MISSING},
	{"no initiator", DIRECT, "TargetName=" TARGET "\n", LOGIN_MISSING},
	{"no target", DIRECT, "InitiatorName=" INITIATOR "\n", LOGIN_MISSING},
	{"no target, normal", DIRECT, "InitiatorName=" INITIATOR "\nSessionType=Normal\n", LOGIN_MISSING},
	{"a type that is none", DIRECT, "InitiatorName=" INITIATOR "\nSessionType=normal\n",
	 LOGIN_SESSION_TYPE},
	{"an initiator that is none", DIRECT, "InitiatorName=host\nTargetName=" TARGET "\n",
	 LOGIN_INITIATOR_ERROR},
	{"an empty initiator", DIRECT, "InitiatorName=\nTargetName=" TARGET "\n", LOGIN_INITIATOR_ERROR},
	{"a target that is none", DIRECT, "InitiatorName=" INITIATOR "\nTargetName=x\n", LOGIN_NOT_FOUND},
	{"no equals sign", DIRECT, NAMES "HeaderDigest\n", LOGIN_INITIATOR_ERROR},
	{"no key", DIRECT, NAMES "=None\n", LOGIN_INITIATOR_ERROR},
	{"no NUL at the end", DIRECT, NAMES "HeaderDigest=None", LOGIN_INITIATOR_ERROR},
	{"a blank in a key", DIRECT, NAMES "Header Digest=None\n", LOGIN_INITIATOR_ERROR},
	{"a key of 64 characters", DIRECT, NAMES LONG_64 "=1\n", LOGIN_INITIATOR_ERROR},
	{"a value of 256 characters", DIRECT, NAMES "InitiatorAlias=" LONG_64 LONG_64 LONG_64 LONG_64 "\n",
	 LOGIN_INITIATOR_ERROR},
	{"a key twice", DIRECT, NAMES "HeaderDigest=None\nHeaderDigest=CRC32C\n", LOGIN_INITIATOR_ERROR},
	{"a security key in the operational stage", DIRECT, NAMES "AuthMethod=None\n",
	 LOGIN_INITIATOR_ERROR},
	{"an operational key in the security stage", LOGIN_T | SECURITY | TO_OPERATIONAL,
	 NAMES "HeaderDigest=None\n", LOGIN_INITIATOR_ERROR},
	{"a key of the full feature phase", DIRECT, NAMES "SendTargets=All\n", LOGIN_INITIATOR_ERROR},
	{"a key that only targets send", DIRECT, NAMES "TargetAlias=x\n", LOGIN_INITIATOR_ERROR},
	{"T and C", DIRECT | LOGIN_C, NAMES, LOGIN_INITIATOR_ERROR},
	{"a stage of 2", LOGIN_T | 0x08 | TO_FULL_FEATURE, NAMES, LOGIN_INITIATOR_ERROR},
	{"a stage of 3", LOGIN_T | 0x0c | TO_FULL_FEATURE, NAMES, LOGIN_INITIATOR_ERROR},
	{"to stage 2", LOGIN_T | OPERATIONAL | 2, NAMES, LOGIN_INITIATOR_ERROR},
	{"to the same stage", LOGIN_T | OPERATIONAL | TO_OPERATIONAL, NAMES, LOGIN_INITIATOR_ERROR},
	{"backwards", LOGIN_T | OPERATIONAL, NAMES, LOGIN_INITIATOR_ERROR},
	{"from security to security", LOGIN_T | SECURITY, NAMES, LOGIN_INITIATOR_ERROR},
	{"only methods that we have not", SECURITY, NAMES "AuthMethod=KRB5,SRP\n", LOGIN_AUTHENTICATION},
	{"a method that is nearly ours", SECURITY, NAMES "AuthMethod=none,NoneX\n", LOGIN_AUTHENTICATION},
	{"CHAP out of turn", SECURITY, NAMES "CHAP_A=5\n", LOGIN_AUTHENTICATION},
};

static void what_is_wrong_has_its_status(void **state)
{
	struct scene *scene = *state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		print_message("%s\n", refusals[i].what);
		scene_restart(scene);
		scene_send(scene, refusals[i].flags, refusals[i].text);
		assert_refused(scene, refusals[i].status);
	}
}

static void only_version_0_is_spoken(void **state)
{
	struct scene *scene = *state;
	scene->request.version_max = 1;
	scene_send(scene, DIRECT, NAMES);
	assert_true(login_is_done(scene->login));
	scene_restart(scene);
	scene->request.version_min = 1;
	scene_send(scene, DIRECT, NAMES);
	assert_refused(scene, LOGIN_VERSION);
}

static void only_login_requests_are_taken(void **state)
{
	struct scene *scene = *state;
	scene->request.opcode = PDU_NOP_OUT;
	scene_send(scene, DIRECT, NAMES);
	assert_refused(scene, LOGIN_INVALID_REQUEST);
}

static void servers_word_is_the_status(void **state)
{
	static const enum login_status words[] = {LOGIN_AUTHORIZATION, LOGIN_NOT_FOUND,
						  LOGIN_REMOVED, LOGIN_UNAVAILABLE};
	struct scene *scene = *state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		scene_restart(scene);
		scene->authorized = words[i];
		scene_send(scene, DIRECT, NAMES);
		assert_refused(scene, words[i]);
	}
	scene_restart(scene);
	scene->authorized = LOGIN_OK;
	scene_send(scene, DIRECT, NAMES);
	login_refuse(scene->login, LOGIN_NO_SESSION, "no such session", &scene->response);
	scene->text_size = 0;
	assert_refused(scene, LOGIN_NO_SESSION);
	assert_int_equal(scene->response.data_length, 0);
}

static void requests_of_another_login_are_refused(void **state)
{
	struct scene *scene = *state;
	for (unsigned i = 0; i < 5; i++) {
		scene_free(scene);
		*state = scene = scene_new();
		scene_send(scene, OPERATIONAL, NAMES);
		assert_int_equal(scene_status(scene), LOGIN_OK);
		scene->request.itt += i == 0;
		scene->request.cid += i == 1;
		scene->request.tsih += i == 2;
		scene->request.isid[5] ^= i == 3;
		scene_send(scene, i == 4 ? SECURITY : OPERATIONAL, "");
		assert_refused(scene, LOGIN_INITIATOR_ERROR);
	}
}

static void nothing_comes_after_the_end(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, DIRECT, NAMES);
	assert_true(login_is_done(scene->login));
	scene_send(scene, DIRECT, "");
	assert_refused(scene, LOGIN_INVALID_REQUEST);
	scene_send(scene, DIRECT, NAMES);
	assert_refused(scene, LOGIN_INVALID_REQUEST);
}

static void logins_have_an_end(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, OPERATIONAL, NAMES);
	for (unsigned i = 0; i < 200 && !login_has_failed(scene->login); i++)
		scene_send(scene, OPERATIONAL, "");
	assert_refused(scene, LOGIN_INITIATOR_ERROR);
}

/* ---- names that come again -------------------------------------------------------------------- */

static void same_names_may_come_again(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, LOGIN_T | SECURITY | TO_OPERATIONAL, NAMES "AuthMethod=None\n");
	scene_send(scene, DIRECT, NAMES "InitialR2T=No\nInitialR2T=No\n");
	assert_true(login_is_done(scene->login));
	assert_value(scene, "InitialR2T", "No");
	assert_int_equal(scene->asked, 1);
}

static void other_names_may_not(void **state)
{
	static const char *const others[] = {
		"InitiatorName=iqn.1993-08.org.debian:other\n",
		"TargetName=iqn.2001-04.com.example:other\n",
		"SessionType=Discovery\n",
	};
	struct scene *scene = *state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		scene_restart(scene);
		scene_send(scene, OPERATIONAL, NAMES);
		scene_send(scene, OPERATIONAL, others[i]);
		assert_refused(scene, LOGIN_INITIATOR_ERROR);
	}
	/* Without a type it is Normal, and stays that; a target cannot come to a discovery either. */
	scene_restart(scene);
	scene_send(scene, OPERATIONAL, "InitiatorName=" INITIATOR "\nTargetName=" TARGET "\n");
	scene_send(scene, OPERATIONAL, "SessionType=Discovery\n");
	assert_refused(scene, LOGIN_INITIATOR_ERROR);
	scene_restart(scene);
	scene_send(scene, OPERATIONAL, DISCOVERY);
	scene_send(scene, OPERATIONAL, "TargetName=" TARGET "\n");
	assert_refused(scene, LOGIN_INITIATOR_ERROR);
}

/* ---- text in parts ---------------------------------------------------------------------------- */

static void text_may_come_byte_by_byte(void **state)
{
	struct scene *scene = *state;
	static const char text[] = "InitiatorName=iqn.1993-08.org.debian:x\0TargetName=" TARGET;
	for (size_t i = 0; i < sizeof(text); i++) {
		bool last = i + 1 == sizeof(text);
		scene_send_bytes(scene, last ? DIRECT : LOGIN_C | OPERATIONAL, text + i, 1);
		assert_int_equal(scene_status(scene), LOGIN_OK);
		if (!last)
			assert_int_equal(scene->text_size, 0);
		if (!last)
			assert_int_equal(scene->response.flags, OPERATIONAL);
	}
	assert_true(login_is_done(scene->login));
	assert_value(scene, "TargetPortalGroupTag", "7");
}

static void too_much_text_is_refused(void **state)
{
	struct scene *scene = *state;
	static char part[8192];
	memset(part, 'x', sizeof(part));
	for (unsigned i = 0; i < 8; i++) {
		scene_send_bytes(scene, LOGIN_C | OPERATIONAL, part, sizeof(part));
		assert_int_equal(scene_status(scene), LOGIN_OK);
	}
	scene_send_bytes(scene, LOGIN_C | OPERATIONAL, part, 1);
	assert_refused(scene, LOGIN_NO_RESOURCES);
}

/* 900 keys that we do not know: 15 bytes of answer and more for each, in parts of 8192. */
static void send_many_keys(struct scene *scene, uint8_t flags)
{
	static char text[65536];
	size_t size = (size_t)snprintf(text, sizeof(text), "%s", NAMES);
	for (unsigned i = 0; i < 900; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "X-%u=\n", i);
	scene_send(scene, flags, text);
}

static void long_answers_go_out_in_parts(void **state)
{
	struct scene *scene = *state;
	char all[65536];
	size_t size = 0, parts = 0;
	send_many_keys(scene, DIRECT);
	for (;;) {
		memcpy(all + size, scene->text, scene->text_size);
		size += scene->text_size;
		parts++;
		if (!(scene->response.flags & LOGIN_C))
			break;
		assert_int_equal(scene->text_size, 8192);
		assert_int_equal(scene->response.flags, LOGIN_C | OPERATIONAL);
		scene_send(scene, DIRECT, "");
		assert_int_equal(scene_status(scene), LOGIN_OK);
	}
	assert_true(login_is_done(scene->login));
	assert_int_equal(parts, (size + 8191) / 8192);
	memcpy(scene->text, all, size);
	scene->text_size = size;
	assert_value(scene, "X-0", "NotUnderstood");
	assert_value(scene, "X-899", "NotUnderstood");
	assert_value(scene, "MaxRecvDataSegmentLength", "1048576");
}

static void text_while_ours_goes_on_is_refused(void **state)
{
	struct scene *scene = *state;
	send_many_keys(scene, DIRECT);
	assert_true(scene->response.flags & LOGIN_C);
	scene_send(scene, DIRECT, "InitialR2T=No\n");
	assert_refused(scene, LOGIN_INITIATOR_ERROR);
}

/* Each allocation fails once: the login ends with a status or goes through, and leaks nothing. */
static void no_memory_is_no_crash(void **state)
{
	struct scene *scene = *state;
	bool hit = true;
	unsigned refused = 0;
	for (unsigned n = 1; hit; n++) {
		char fault[32];
		scene_restart(scene);
		snprintf(fault, sizeof(fault), "mem:%u", n);
		fault_set(fault);
		scene_send(scene, LOGIN_C | OPERATIONAL, NAMES);
		if (!login_has_failed(scene->login))
			scene_send(scene, DIRECT, "InitiatorAlias=x\nInitialR2T=No\nX-a=1\n");
		hit = fault_count("mem") >= n;
		fault_set(NULL);
		if (!hit) {
			assert_true(login_is_done(scene->login));
			break;
		}
		assert_refused(scene, LOGIN_NO_RESOURCES);
		refused++;
	}
	assert_true(refused >= 5);
	struct login_server server = scene->server;
	fault_set("mem:1");
	assert_null(login_new(&server));
	fault_set(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_request_is_enough),
		TEST(stages_follow_each_other),
		TEST(security_stage_may_be_the_last),
		TEST(server_is_asked_with_normal_names),
		TEST(discovery_needs_no_target),
		TEST(what_is_wrong_has_its_status),
		TEST(only_version_0_is_spoken),
		TEST(only_login_requests_are_taken),
		TEST(servers_word_is_the_status),
		TEST(requests_of_another_login_are_refused),
		TEST(nothing_comes_after_the_end),
		TEST(logins_have_an_end),
		TEST(same_names_may_come_again),
		TEST(other_names_may_not),
		TEST(text_may_come_byte_by_byte),
		TEST(too_much_text_is_refused),
		TEST(long_answers_go_out_in_parts),
		TEST(text_while_ours_goes_on_is_refused),
		TEST(no_memory_is_no_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
