/* SPDX-License-Identifier: MIT */
/*
 * Text keys: each offer has the answer that its rule gives, the parameters are what both sides
 * will then think they are, and what initiators in the field offer is accepted whole.
 */
#include "tests/unit/login_scene.h"
#include "target/iscsi/keys.h"

#define DIRECT (LOGIN_T | OPERATIONAL | TO_FULL_FEATURE)

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

struct offer {
	const char *offer, *key, *answer;
	bool discovery;
};

/* What is offered, after the names; NULL: there is no answer. */
static const struct offer offers[] = {
	{"HeaderDigest=None\n", "HeaderDigest", "None"},
	{"HeaderDigest=CRC32C\n", "HeaderDigest", "CRC32C"},
	{"HeaderDigest=None,CRC32C\n", "HeaderDigest", "None"},
	{"HeaderDigest=X-md5,CRC32C,None\n", "HeaderDigest", "CRC32C"},
	{"HeaderDigest=X-md5\n", "HeaderDigest", "Reject"},
	{"HeaderDigest=CRC32\n", "HeaderDigest", "Reject"},
	{"HeaderDigest=CRC32CX,\n", "HeaderDigest", "Reject"},
	{"HeaderDigest=\n", "HeaderDigest", "Reject"},
	{"DataDigest=CRC32C,None\n", "DataDigest", "CRC32C"},
	{"DataDigest=crc32c\n", "DataDigest", "Reject"},
	{"MaxConnections=1\n", "MaxConnections", "1"},
	{"MaxConnections=65535\n", "MaxConnections", "1"},
	{"MaxConnections=0\n", "MaxConnections", "Reject"},
	{"MaxConnections=65536\n", "MaxConnections", "Reject"},
	{"MaxConnections=4\n", "MaxConnections", "Irrelevant", true},
	{"InitialR2T=Yes\n", "InitialR2T", "Yes"},
	{"InitialR2T=No\n", "InitialR2T", "No"},
	{"InitialR2T=yes\n", "InitialR2T", "Reject"},
	{"InitialR2T=No\n", "InitialR2T", "Irrelevant", true},
	{"ImmediateData=Yes\n", "ImmediateData", "Yes"},
	{"ImmediateData=No\n", "ImmediateData", "No"},
	{"ImmediateData=1\n", "ImmediateData", "Reject"},
	{"ImmediateData=Yes\n", "ImmediateData", "Irrelevant", true},
	{"MaxRecvDataSegmentLength=512\n", "MaxRecvDataSegmentLength", "1048576"},
	{"MaxRecvDataSegmentLength=511\n", "MaxRecvDataSegmentLength", "Reject"},
	{"MaxRecvDataSegmentLength=16777216\n", "MaxRecvDataSegmentLength", "Reject"},
	{"MaxBurstLength=16776192\n", "MaxBurstLength", "16776192"},
	{"MaxBurstLength=16777215\n", "MaxBurstLength", "16776192"},
	{"MaxBurstLength=512\n", "MaxBurstLength", "512"},
	{"MaxBurstLength=0x40000\n", "MaxBurstLength", "262144"},
	{"MaxBurstLength=0X40000\n", "MaxBurstLength", "262144"},
	{"MaxBurstLength=511\n", "MaxBurstLength", "Reject"},
	{"MaxBurstLength=16777216\n", "MaxBurstLength", "Reject"},
	{"MaxBurstLength=18446744073709551616\n", "MaxBurstLength", "Reject"},
	{"MaxBurstLength=18446744073709552128\n", "MaxBurstLength", "Reject"},
	{"MaxBurstLength=-1\n", "MaxBurstLength", "Reject"},
	{"MaxBurstLength= 512\n", "MaxBurstLength", "Reject"},
	{"MaxBurstLength=512k\n", "MaxBurstLength", "Reject"},
	{"MaxBurstLength=0x\n", "MaxBurstLength", "Reject"},
	{"MaxBurstLength=\n", "MaxBurstLength", "Reject"},
	{"MaxBurstLength=262144\n", "MaxBurstLength", "Irrelevant", true},
	{"FirstBurstLength=262144\n", "FirstBurstLength", "262144"},
	{"FirstBurstLength=16777215\n", "FirstBurstLength", "262144"},
	{"FirstBurstLength=16777215\nMaxBurstLength=16776192\n", "FirstBurstLength", "1048576"},
	{"FirstBurstLength=65536\nMaxBurstLength=8192\n", "FirstBurstLength", "8192"},
	{"FirstBurstLength=65536\nImmediateData=No\nInitialR2T=Yes\n", "FirstBurstLength", "Irrelevant"},
	{"FirstBurstLength=65536\nImmediateData=No\n", "FirstBurstLength", "Irrelevant"},
	{"FirstBurstLength=65536\nImmediateData=No\nInitialR2T=No\n", "FirstBurstLength", "65536"},
	{"FirstBurstLength=65536\n", "FirstBurstLength", "Irrelevant", true},
	{"DefaultTime2Wait=0\n", "DefaultTime2Wait", "2"},
	{"DefaultTime2Wait=5\n", "DefaultTime2Wait", "5"},
	{"DefaultTime2Wait=3601\n", "DefaultTime2Wait", "Reject"},
	{"DefaultTime2Wait=2\n", "DefaultTime2Wait", "2", true},
	{"DefaultTime2Retain=20\n", "DefaultTime2Retain", "0"},
	{"DefaultTime2Retain=3601\n", "DefaultTime2Retain", "Reject"},
	{"MaxOutstandingR2T=1\n", "MaxOutstandingR2T", "1"},
	{"MaxOutstandingR2T=16\n", "MaxOutstandingR2T", "8"},
	{"MaxOutstandingR2T=0\n", "MaxOutstandingR2T", "Reject"},
	{"MaxOutstandingR2T=1\n", "MaxOutstandingR2T", "Irrelevant", true},
	{"DataPDUInOrder=Yes\n", "DataPDUInOrder", "Yes"},
	{"DataPDUInOrder=No\n", "DataPDUInOrder", "Yes"},
	{"DataPDUInOrder=No\n", "DataPDUInOrder", "Irrelevant", true},
	{"DataSequenceInOrder=No\n", "DataSequenceInOrder", "Yes"},
	{"DataSequenceInOrder=Maybe\n", "DataSequenceInOrder", "Reject"},
	{"DataSequenceInOrder=No\n", "DataSequenceInOrder", "Irrelevant", true},
	{"ErrorRecoveryLevel=0\n", "ErrorRecoveryLevel", "0"},
	{"ErrorRecoveryLevel=2\n", "ErrorRecoveryLevel", "0"},
	{"ErrorRecoveryLevel=3\n", "ErrorRecoveryLevel", "Reject"},
	{"TaskReporting=RFC3720\n", "TaskReporting", "RFC3720"},
	{"TaskReporting=FastAbort,ResponseFence,RFC3720\n", "TaskReporting", "RFC3720"},
	{"TaskReporting=FastAbort\n", "TaskReporting", "Reject"},
	{"TaskReporting=RFC3720\n", "TaskReporting", "Irrelevant", true},
	{"iSCSIProtocolLevel=1\n", "iSCSIProtocolLevel", "1"},
	{"iSCSIProtocolLevel=2\n", "iSCSIProtocolLevel", "1"},
	{"iSCSIProtocolLevel=0\n", "iSCSIProtocolLevel", "0"},
	{"iSCSIProtocolLevel=32\n", "iSCSIProtocolLevel", "Reject"},
	{"iSCSIProtocolLevel=1\n", "iSCSIProtocolLevel", "Irrelevant", true},
	{"IFMarker=No\n", "IFMarker", "No"},
	{"IFMarker=Yes\n", "IFMarker", "No"},
	{"OFMarker=Yes\n", "OFMarker", "No"},
	{"OFMarker=2\n", "OFMarker", "Reject"},
	{"IFMarkInt=2048~65535\n", "IFMarkInt", "Reject"},
	{"OFMarkInt=2048\n", "OFMarkInt", "Reject"},
	{"InitiatorAlias=host\n", "InitiatorAlias", NULL},
	{"RDMAExtensions=Yes\n", "RDMAExtensions", "NotUnderstood"},
	{"InitiatorRecvDataSegmentLength=8192\n", "InitiatorRecvDataSegmentLength", "NotUnderstood"},
	{"TargetRecvDataSegmentLength=8192\n", "TargetRecvDataSegmentLength", "NotUnderstood"},
	{"MaxOutstandingUnexpectedPDUs=0\n", "MaxOutstandingUnexpectedPDUs", "NotUnderstood"},
	{"X-com.example.speed=9\n", "X-com.example.speed", "NotUnderstood"},
	{"X#NodeArchitecture=linux\n", "X#NodeArchitecture", "NotUnderstood"},
	{"headerdigest=None\n", "headerdigest", "NotUnderstood"},
	{"Unknown=\n", "Unknown", "NotUnderstood"},
	/* The refusal of what we tell unasked is no offer. */
	{"TargetAlias=NotUnderstood\n", "TargetAlias", NULL},
	{"TargetPortalGroupTag=Irrelevant\n", "TargetPortalGroupTag", "7"},
	{"MaxRecvDataSegmentLength=Reject\n", "MaxRecvDataSegmentLength", "1048576"},
};

static void every_offer_has_its_answer(void **state)
{
	struct scene *scene = *state;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		char text[1024];
		scene_restart(scene);
		snprintf(text, sizeof(text), "%s%s", offers[i].discovery ? DISCOVERY : NAMES,
			 offers[i].offer);
		print_message("%s", offers[i].offer);
		scene_send(scene, DIRECT, text);
		assert_int_equal(scene_status(scene), LOGIN_OK);
		assert_true(login_is_done(scene->login));
		assert_value(scene, offers[i].key, offers[i].answer);
	}
}

/* Digests when the administrator wants them, whatever the initiator likes more. */
static void settings_may_prefer_digests(void **state)
{
	struct scene *scene = *state;
	scene->settings.header_digest = true;
	scene_send(scene, DIRECT, NAMES "HeaderDigest=None,CRC32C\nDataDigest=None,CRC32C\n");
	assert_value(scene, "HeaderDigest", "CRC32C");
	assert_value(scene, "DataDigest", "None");
	assert_true(login_parameters(scene->login)->header_digest);
	assert_false(login_parameters(scene->login)->data_digest);
	scene_restart(scene);
	scene_send(scene, DIRECT, NAMES "HeaderDigest=None\n");
	assert_value(scene, "HeaderDigest", "None");
}

static void settings_bound_the_lengths(void **state)
{
	struct scene *scene = *state;
	scene->settings.max_burst = 65536;
	scene->settings.first_burst = 4096;
	scene->settings.max_receive = 100; /* too little: 512 is the least */
	scene_send(scene, DIRECT, NAMES "MaxBurstLength=262144\nFirstBurstLength=65536\n");
	assert_value(scene, "MaxBurstLength", "65536");
	assert_value(scene, "FirstBurstLength", "4096");
	assert_value(scene, "MaxRecvDataSegmentLength", "512");
	assert_int_equal(login_parameters(scene->login)->max_receive, 512);
	assert_int_equal(login_parameters(scene->login)->max_burst, 65536);
	assert_int_equal(login_parameters(scene->login)->first_burst, 4096);
}

static void without_offers_the_defaults_hold(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, DIRECT, NAMES);
	const struct iscsi_parameters *is = login_parameters(scene->login);
	assert_false(is->header_digest || is->data_digest || is->discovery);
	assert_true(is->initial_r2t && is->immediate_data);
	assert_true(is->data_pdu_in_order && is->data_sequence_in_order);
	assert_int_equal(is->max_burst, 262144);
	assert_int_equal(is->first_burst, 65536);
	assert_int_equal(is->max_send, 8192);
	assert_int_equal(is->max_receive, 1048576);
	assert_int_equal(is->max_r2t, 1);
	assert_int_equal(is->time2wait, 2);
	assert_int_equal(is->time2retain, 20);
	assert_int_equal(is->error_recovery, 0);
	assert_string_equal(is->user, "");
}

/* A refused value leaves what there was. */
static void rejected_values_change_nothing(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, DIRECT, NAMES "MaxBurstLength=1\nInitialR2T=nO\nMaxRecvDataSegmentLength=1\n");
	assert_int_equal(login_parameters(scene->login)->max_burst, 262144);
	assert_true(login_parameters(scene->login)->initial_r2t);
	assert_int_equal(login_parameters(scene->login)->max_send, 8192);
}

/* open-iscsi's and iscsistart's single request. */
static void open_iscsi_gets_all_that_it_offers(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, DIRECT,
		   NAMES "HeaderDigest=None\nDataDigest=None\nDefaultTime2Wait=2\nDefaultTime2Retain=0\n"
			 "IFMarker=No\nOFMarker=No\nErrorRecoveryLevel=0\nInitialR2T=No\nImmediateData=Yes\n"
			 "MaxBurstLength=16776192\nFirstBurstLength=262144\nMaxOutstandingR2T=1\n"
			 "MaxConnections=1\nDataPDUInOrder=Yes\nDataSequenceInOrder=Yes\n"
			 "MaxRecvDataSegmentLength=262144\n");
	const struct iscsi_parameters *is = login_parameters(scene->login);
	assert_true(login_is_done(scene->login));
	assert_false(is->initial_r2t);
	assert_true(is->immediate_data);
	assert_int_equal(is->max_burst, 16776192);
	assert_int_equal(is->first_burst, 262144);
	assert_int_equal(is->max_send, 262144);
	assert_int_equal(is->time2retain, 0);
	assert_value(scene, "InitialR2T", "No");
	assert_value(scene, "IFMarker", "No");
	assert_value(scene, "FirstBurstLength", "262144");
}

/* libiscsi begins with the security stage and offers numbers in its own order. */
static void libiscsi_gets_all_that_it_offers(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, LOGIN_T | SECURITY | TO_OPERATIONAL, NAMES "InitiatorAlias=x\nAuthMethod=None\n");
	assert_value(scene, "AuthMethod", "None");
	assert_int_equal(scene->response.flags, LOGIN_T | SECURITY | TO_OPERATIONAL);
	scene_send(scene, DIRECT,
		   "HeaderDigest=None,CRC32C\nDataDigest=None\nInitialR2T=No\nImmediateData=Yes\n"
		   "MaxBurstLength=262144\nFirstBurstLength=262144\nMaxRecvDataSegmentLength=262144\n"
		   "DataPDUInOrder=Yes\nMaxConnections=1\nDefaultTime2Wait=2\nDefaultTime2Retain=0\n"
		   "MaxOutstandingR2T=1\nErrorRecoveryLevel=0\nIFMarker=No\nOFMarker=No\n"
		   "DataSequenceInOrder=Yes\n");
	assert_true(login_is_done(scene->login));
	assert_int_equal(login_parameters(scene->login)->first_burst, 262144);
}

/* Windows offers more than we do, and asks in several requests. */
static void windows_is_brought_down_to_what_we_do(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, LOGIN_T | SECURITY | TO_OPERATIONAL,
		   "InitiatorName=iqn.1991-05.com.microsoft:host.example.com\nSessionType=Normal\n"
		   "AuthMethod=None\nTargetName=" TARGET "\n");
	assert_int_equal(scene->response.flags, LOGIN_T | SECURITY | TO_OPERATIONAL);
	scene_send(scene, DIRECT,
		   "HeaderDigest=None,CRC32C\nDataDigest=None,CRC32C\nErrorRecoveryLevel=2\nInitialR2T=No\n"
		   "ImmediateData=Yes\nMaxRecvDataSegmentLength=65536\nMaxBurstLength=262144\n"
		   "FirstBurstLength=65536\nMaxConnections=32\nDataPDUInOrder=Yes\n"
		   "DataSequenceInOrder=Yes\nDefaultTime2Wait=0\nDefaultTime2Retain=60\n"
		   "MaxOutstandingR2T=16\n");
	assert_true(login_is_done(scene->login));
	assert_value(scene, "ErrorRecoveryLevel", "0");
	assert_value(scene, "MaxConnections", "1");
	assert_value(scene, "DefaultTime2Retain", "0");
	assert_int_equal(login_parameters(scene->login)->error_recovery, 0);
}

/* Our answers are single: no key twice, each one NUL-terminated. */
static void answers_are_well_formed(void **state)
{
	struct scene *scene = *state;
	scene_send(scene, DIRECT, NAMES "InitialR2T=No\nInitialR2T=No\nMaxBurstLength=262144\nX-a=1\n");
	assert_int_equal(scene->text[scene->text_size - 1], 0);
	unsigned found = 0;
	for (size_t at = 0; at < scene->text_size; at += strlen(scene->text + at) + 1) {
		assert_non_null(strchr(scene->text + at, '='));
		found += !strncmp(scene->text + at, "InitialR2T=", 11);
	}
	assert_int_equal(found, 1);
}

static void lists_have_whole_items(void **state)
{
	(void)state;
	assert_true(list_has("5", "5"));
	assert_true(list_has("7,5", "5"));
	assert_true(list_has("5,7", "5"));
	assert_true(list_has(",,5", "5"));
	assert_false(list_has("56", "5"));
	assert_false(list_has("65", "5"));
	assert_false(list_has("", "5"));
	assert_false(list_has(" 5", "5"));
	assert_false(list_has("5 ,6", "5"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_offer_has_its_answer),
		TEST(settings_may_prefer_digests),
		TEST(settings_bound_the_lengths),
		TEST(without_offers_the_defaults_hold),
		TEST(rejected_values_change_nothing),
		TEST(open_iscsi_gets_all_that_it_offers),
		TEST(libiscsi_gets_all_that_it_offers),
		TEST(windows_is_brought_down_to_what_we_do),
		TEST(answers_are_well_formed),
		cmocka_unit_test(lists_have_whole_items),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
