/* SPDX-License-Identifier: MIT */
/*
 * CHAP: an initiator that knows its secret gets in with each algorithm and in each notation of its
 * answer, the target proves itself when asked, and nobody else gets in: wrong names, secrets,
 * lengths, tokens that are nearly right, steps out of order, our own challenge sent back.
 */
#include <errno.h>
#include <openssl/evp.h>

#include "target/iscsi/chap.h"
#include "tests/unit/login_scene.h"

#define SECRET	"a secret of the initiator"
#define MUTUAL	"a secret of the target"
#define SECURED (LOGIN_T | SECURITY | TO_OPERATIONAL)

static const struct algorithm {
	const char *number, *name;
	unsigned size;
} algorithms[] = {
	{"5", "MD5", 16},
	{"6", "SHA1", 20},
	{"7", "SHA256", 32},
	{"8", "SHA3-256", 32},
};

static int setup(void **state)
{
	struct scene *scene = scene_new();
	strcpy(scene->access.user, "backup");
	strcpy(scene->access.secret, SECRET);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	scene_free(*state);
	return 0;
}

static void begin(struct scene *scene, const char *algorithms_offered)
{
	char text[256];
	scene_restart(scene);
	scene_send(scene, SECURED, NAMES "AuthMethod=CHAP,None\n");
	assert_int_equal(scene->response.flags, SECURITY);
	assert_value(scene, "AuthMethod", "CHAP");
	snprintf(text, sizeof(text), "CHAP_A=%s\n", algorithms_offered);
	scene_send(scene, SECURITY, text);
}

/* What CHAP says, done with nothing of the target's. */
static void digest(const struct algorithm *algorithm, unsigned id, const char *secret,
		   const uint8_t *challenge, size_t size, uint8_t out[EVP_MAX_MD_SIZE])
{
	uint8_t all[2048];
	size_t length = strlen(secret);
	all[0] = (uint8_t)id;
	memcpy(all + 1, secret, length);
	memcpy(all + 1 + length, challenge, size);
	assert_int_equal(EVP_Q_digest(NULL, algorithm->name, NULL, all, 1 + length + size, out, NULL),
			 1);
}

static size_t challenge_of(const struct scene *scene, uint8_t challenge[64])
{
	const char *value = scene_value(scene, "CHAP_C");
	size_t size;
	assert_non_null(value);
	assert_memory_equal(value, "0x", 2);
	assert_int_equal(binary_parse(value, challenge, 64, &size), 0);
	return size;
}

static void to_hex(const uint8_t *data, size_t size, char *hex)
{
	*hex = '\0';
	for (size_t i = 0; i < size; i++)
		sprintf(hex + 2 * i, "%02x", data[i]);
}

static void response(const struct scene *scene, const struct algorithm *algorithm,
		     const char *secret, uint8_t out[EVP_MAX_MD_SIZE])
{
	uint8_t challenge[64];
	size_t size = challenge_of(scene, challenge);
	digest(algorithm, (unsigned)atoi(scene_value(scene, "CHAP_I")), secret, challenge, size, out);
}

/* CHAP_N and CHAP_R in hex, and whatever else. */
static void answer(struct scene *scene, const struct algorithm *algorithm, const char *name,
		   const char *secret, const char *more)
{
	char text[4096], hex[2 * EVP_MAX_MD_SIZE + 1];
	uint8_t out[EVP_MAX_MD_SIZE];
	response(scene, algorithm, secret, out);
	to_hex(out, algorithm->size, hex);
	snprintf(text, sizeof(text), "CHAP_N=%s\nCHAP_R=0x%s\n%s", name, hex, more);
	scene_send(scene, SECURED, text);
}

static void whoever_knows_the_secret_gets_in(void **state)
{
	struct scene *scene = *state;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t challenge[64];
		begin(scene, algorithms[i].number);
		assert_value(scene, "CHAP_A", algorithms[i].number);
		assert_true(challenge_of(scene, challenge) >= 16);
		assert_int_equal(scene->response.flags, SECURITY);
		answer(scene, &algorithms[i], "backup", SECRET, "");
		assert_int_equal(scene_status(scene), LOGIN_OK);
		assert_int_equal(scene->response.flags, SECURED);
		assert_string_equal(login_parameters(scene->login)->user, "backup");
		assert_value(scene, "CHAP_N", NULL);
		scene_send(scene, LOGIN_T | OPERATIONAL | TO_FULL_FEATURE, "InitialR2T=No\n");
		assert_true(login_is_done(scene->login));
	}
}

static void strongest_common_algorithm_is_taken(void **state)
{
	static const struct {
		const char *offered, *taken; /* NULL: none in common */
	} cases[] = {
		{"5,6,7,8", "8"}, {"8,5", "8"}, {"5,7,6", "7"}, {"6,5", "6"},  {"5", "5"},
		{"56", NULL},	  {"", NULL},	{"4", NULL},	{"85,75", NULL}, {"0x5", NULL},
		{" 5", NULL},	  {"5 ,6 ", NULL}, {"05", NULL}, {"55,5", "5"},
	};
	struct scene *scene = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("CHAP_A=%s\n", cases[i].offered);
		begin(scene, cases[i].offered);
		if (cases[i].taken)
			assert_value(scene, "CHAP_A", cases[i].taken);
		else
			assert_refused(scene, LOGIN_AUTHENTICATION);
	}
}

static void nobody_else_gets_in(void **state)
{
	struct scene *scene = *state;
	static const struct {
		const char *name, *secret;
	} cases[] = {
		{"backup", "another secret"}, {"backup", ""},	    {"backu", SECRET},
		{"backupX", SECRET},	      {"", SECRET},	    {"BACKUP", SECRET},
		{"backup", SECRET " "},	      {"other", "another"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(scene, "7");
		answer(scene, &algorithms[2], cases[i].name, cases[i].secret, "");
		assert_refused(scene, LOGIN_AUTHENTICATION);
		assert_string_equal(login_parameters(scene->login)->user, "");
	}
}

static void names_may_look_like_numbers(void **state)
{
	struct scene *scene = *state;
	strcpy(scene->access.user, "0xbackup");
	begin(scene, "5");
	answer(scene, &algorithms[0], "0xbackup", SECRET, "");
	assert_int_equal(scene->response.flags, SECURED);
}

static void send_response(struct scene *scene, const char *value)
{
	char text[8192];
	snprintf(text, sizeof(text), "CHAP_N=backup\nCHAP_R=%s\n", value);
	scene_send(scene, SECURED, text);
}

static void answers_may_be_in_base64(void **state)
{
	struct scene *scene = *state;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t out[EVP_MAX_MD_SIZE];
		char value[256] = "0b";
		begin(scene, algorithms[i].number);
		response(scene, &algorithms[i], SECRET, out);
		EVP_EncodeBlock((uint8_t *)value + 2, out, (int)algorithms[i].size);
		send_response(scene, value);
		assert_int_equal(scene->response.flags, SECURED);
	}
	begin(scene, "5");
	send_response(scene, "0bAAAAAAAAAAAAAAAAAAAAAA==");
	assert_refused(scene, LOGIN_AUTHENTICATION);
}

static void answers_of_another_length_are_refused(void **state)
{
	struct scene *scene = *state;
	char hex[2 * EVP_MAX_MD_SIZE + 3];
	uint8_t out[EVP_MAX_MD_SIZE] = {0};
	for (unsigned size = 0; size <= 33; size++) {
		if (size == 32)
			continue;
		begin(scene, "7");
		response(scene, &algorithms[2], SECRET, out);
		strcpy(hex, "0x");
		to_hex(out, size, hex + 2);
		send_response(scene, hex);
		assert_refused(scene, LOGIN_AUTHENTICATION);
	}
}

static void malformed_answers_are_refused(void **state)
{
	struct scene *scene = *state;
	static char oversize[3][4200];
	const char *const values[] = {
		"", "0x", "0b", "0xzz", "xyz", "0b=", "0b====", "0bA", "0bAAA", "0bAA=A", "0b!!!!", "-1",
		"123", "0x0g", oversize[0], oversize[1], oversize[2],
	};
	/* Within the longest value and over it, in both notations. */
	memset(oversize[0], 'A', 2050);
	memcpy(oversize[0], "0b", 2);
	memset(oversize[1], 'a', 2050);
	memcpy(oversize[1], "0x", 2);
	memset(oversize[2], 'A', 4100);
	memcpy(oversize[2], "0b", 2);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		begin(scene, "5");
		send_response(scene, values[i]);
		assert_refused(scene, i == 16 ? LOGIN_INITIATOR_ERROR : LOGIN_AUTHENTICATION);
	}
}

static void challenges_are_never_the_same(void **state)
{
	struct scene *scene = *state;
	uint8_t seen[64][64] = {{0}};
	for (unsigned i = 0; i < 64; i++) {
		begin(scene, "5");
		size_t size = challenge_of(scene, seen[i]);
		assert_int_equal(size, 16);
		for (unsigned j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], size);
	}
}

static void steps_out_of_order_are_refused(void **state)
{
	struct scene *scene = *state;
	/* Past authentication at once. */
	scene_restart(scene);
	scene_send(scene, LOGIN_T | OPERATIONAL | TO_FULL_FEATURE, NAMES);
	assert_refused(scene, LOGIN_AUTHENTICATION);
	/* Not offered. */
	scene_restart(scene);
	scene_send(scene, SECURITY, NAMES "AuthMethod=None\n");
	assert_refused(scene, LOGIN_AUTHENTICATION);
	/* Never mentioned. */
	scene_restart(scene);
	scene_send(scene, SECURED, NAMES);
	assert_refused(scene, LOGIN_AUTHENTICATION);
	/* Nearly CHAP. */
	scene_restart(scene);
	scene_send(scene, SECURED, NAMES "AuthMethod=CHAPX,chap\n");
	assert_refused(scene, LOGIN_AUTHENTICATION);
	/* An answer without a challenge. */
	scene_restart(scene);
	scene_send(scene, SECURITY, NAMES "AuthMethod=CHAP\n");
	scene_send(scene, SECURED, "CHAP_N=backup\nCHAP_R=0x00\n");
	assert_refused(scene, LOGIN_AUTHENTICATION);
	/* A second challenge. */
	begin(scene, "5");
	scene_send(scene, SECURITY, "CHAP_A=5\n");
	assert_refused(scene, LOGIN_AUTHENTICATION);
	/* Half of an answer. */
	begin(scene, "5");
	scene_send(scene, SECURED, "CHAP_N=backup\n");
	assert_refused(scene, LOGIN_AUTHENTICATION);
}

/* T before the end is no error: the stage stays until the secret has been proven. */
static void stage_waits_for_the_proof(void **state)
{
	struct scene *scene = *state;
	begin(scene, "5");
	scene_send(scene, SECURED, "");
	assert_int_equal(scene_status(scene), LOGIN_OK);
	assert_int_equal(scene->response.flags, SECURITY);
	scene_send(scene, LOGIN_T | SECURITY | TO_FULL_FEATURE, "");
	assert_false(login_is_done(scene->login));
	assert_int_equal(scene->response.flags, SECURITY);
}

/* ---- mutual ------------------------------------------------------------------------------------- */

static void target_proves_itself(void **state)
{
	struct scene *scene = *state;
	static const uint8_t theirs[] = "challenge of the initiator";
	char more[256], hex[128], wanted[256];
	strcpy(scene->access.mutual_user, "library");
	strcpy(scene->access.mutual_secret, MUTUAL);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t out[EVP_MAX_MD_SIZE];
		begin(scene, algorithms[i].number);
		to_hex(theirs, sizeof(theirs), hex);
		snprintf(more, sizeof(more), "CHAP_I=%s\nCHAP_C=0x%s\n", i % 2 ? "0xc8" : "200", hex);
		answer(scene, &algorithms[i], "backup", SECRET, more);
		assert_int_equal(scene->response.flags, SECURED);
		assert_value(scene, "CHAP_N", "library");
		digest(&algorithms[i], 200, MUTUAL, theirs, sizeof(theirs), out);
		strcpy(wanted, "0x");
		to_hex(out, algorithms[i].size, wanted + 2);
		assert_value(scene, "CHAP_R", wanted);
	}
	/* It does not have to be asked for. */
	begin(scene, "5");
	answer(scene, &algorithms[0], "backup", SECRET, "");
	assert_int_equal(scene->response.flags, SECURED);
}

static void target_proves_itself_to_decimal_and_base64(void **state)
{
	struct scene *scene = *state;
	static const uint8_t bytes[] = {0x01, 0x00, 0x02};
	static const char *const notations[] = {"65538", "0bAQAC", "0x10002", "0X010002"};
	uint8_t out[EVP_MAX_MD_SIZE];
	char more[256], wanted[256] = "0x";
	strcpy(scene->access.mutual_user, "library");
	strcpy(scene->access.mutual_secret, MUTUAL);
	digest(&algorithms[2], 0, MUTUAL, bytes, sizeof(bytes), out);
	to_hex(out, 32, wanted + 2);
	for (unsigned i = 0; i < 4; i++) {
		begin(scene, "7");
		snprintf(more, sizeof(more), "CHAP_I=0\nCHAP_C=%s\n", notations[i]);
		answer(scene, &algorithms[2], "backup", SECRET, more);
		assert_value(scene, "CHAP_R", wanted);
	}
}

static void our_challenge_is_not_answered(void **state)
{
	struct scene *scene = *state;
	char more[256];
	strcpy(scene->access.mutual_user, "library");
	strcpy(scene->access.mutual_secret, MUTUAL);
	begin(scene, "7");
	snprintf(more, sizeof(more), "CHAP_I=1\nCHAP_C=%s\n", scene_value(scene, "CHAP_C"));
	answer(scene, &algorithms[2], "backup", SECRET, more);
	assert_refused(scene, LOGIN_AUTHENTICATION);
}

static void same_secret_in_both_directions_is_refused(void **state)
{
	struct scene *scene = *state;
	strcpy(scene->access.mutual_user, "library");
	strcpy(scene->access.mutual_secret, SECRET);
	begin(scene, "7");
	answer(scene, &algorithms[2], "backup", SECRET, "CHAP_I=1\nCHAP_C=0x1234\n");
	assert_refused(scene, LOGIN_AUTHENTICATION);
}

static void mutual_is_refused_when_it_cannot_be(void **state)
{
	static char oversize[4200];
	const char *const cases[] = {"CHAP_I=1\n", "CHAP_C=0x1234\n", "CHAP_I=256\nCHAP_C=0x1234\n",
			       "CHAP_I=x\nCHAP_C=0x1234\n", "CHAP_I=1\nCHAP_C=0x\n",
			       "CHAP_I=1\nCHAP_C=0xq\n", oversize};
	struct scene *scene = *state;
	/* No secret of ours. */
	begin(scene, "7");
	answer(scene, &algorithms[2], "backup", SECRET, "CHAP_I=1\nCHAP_C=0x1234\n");
	assert_refused(scene, LOGIN_AUTHENTICATION);
	strcpy(scene->access.mutual_user, "library");
	strcpy(scene->access.mutual_secret, MUTUAL);
	/* 1536 bytes of base64: longer than a challenge may be, but not than a value. */
	memset(oversize, 'A', 2070);
	memcpy(oversize, "CHAP_I=1\nCHAP_C=0b", 18);
	strcpy(oversize + 18 + 2048, "\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%.30s\n", cases[i]);
		begin(scene, "7");
		answer(scene, &algorithms[2], "backup", SECRET, cases[i]);
		assert_refused(scene, LOGIN_AUTHENTICATION);
	}
	/* 1024 bytes are what the RFC allows. */
	char *c = oversize;
	c += sprintf(c, "CHAP_I=1\nCHAP_C=0x");
	memset(c, '7', 2048);
	strcpy(c + 2048, "\n");
	begin(scene, "7");
	answer(scene, &algorithms[2], "backup", SECRET, oversize);
	assert_int_equal(scene->response.flags, SECURED);
}

/* A wrong secret is not answered, whatever else is in the request. */
static void target_proves_nothing_to_strangers(void **state)
{
	struct scene *scene = *state;
	strcpy(scene->access.mutual_user, "library");
	strcpy(scene->access.mutual_secret, MUTUAL);
	begin(scene, "7");
	answer(scene, &algorithms[2], "backup", "wrong", "CHAP_I=1\nCHAP_C=0x1234\n");
	assert_refused(scene, LOGIN_AUTHENTICATION);
}

static void user_without_secret_never_gets_in(void **state)
{
	struct scene *scene = *state;
	scene->access.secret[0] = '\0';
	begin(scene, "7");
	answer(scene, &algorithms[2], "backup", "", "");
	assert_refused(scene, LOGIN_AUTHENTICATION);
}

static void binary_values_have_three_notations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t size;
		uint8_t bytes[8];
	} cases[] = {
		{"0x00", 1, {0}},		 {"0xAbC", 2, {0x0a, 0xbc}},
		{"0X0102", 2, {1, 2}},		 {"0bAQ==", 1, {1}},
		{"0bAQI=", 2, {1, 2}},		 {"0BAQID", 3, {1, 2, 3}},
		{"0b+/8=", 2, {0xfb, 0xff}},	 {"0", 1, {0}},
		{"255", 1, {255}},		 {"256", 2, {1, 0}},
		{"18446744073709551615", 8, {255, 255, 255, 255, 255, 255, 255, 255}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t data[8];
		size_t size;
		assert_int_equal(binary_parse(cases[i].text, data, sizeof(data), &size), 0);
		assert_int_equal(size, cases[i].size);
		assert_memory_equal(data, cases[i].bytes, size);
		/* One byte less of room. */
		assert_int_equal(binary_parse(cases[i].text, data, size - 1, &size), -EMSGSIZE);
	}
	uint8_t data[8];
	size_t size;
	assert_int_equal(binary_parse("18446744073709551616", data, sizeof(data), &size), -EINVAL);
}

/* As where only FIPS algorithms are allowed: here none is, and the login ends in order. */
static void algorithms_that_are_not_there_are_not_taken(void **state)
{
	struct scene *scene = *state;
	assert_int_equal(EVP_set_default_properties(NULL, "provider=none"), 1);
	begin(scene, "5,6,7,8");
	int restored = EVP_set_default_properties(NULL, "");
	assert_refused(scene, LOGIN_AUTHENTICATION);
	assert_int_equal(restored, 1);
	begin(scene, "5,6,7,8");
	assert_value(scene, "CHAP_A", "8");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whoever_knows_the_secret_gets_in),
		TEST(strongest_common_algorithm_is_taken),
		TEST(nobody_else_gets_in),
		TEST(names_may_look_like_numbers),
		TEST(answers_may_be_in_base64),
		TEST(answers_of_another_length_are_refused),
		TEST(malformed_answers_are_refused),
		TEST(challenges_are_never_the_same),
		TEST(steps_out_of_order_are_refused),
		TEST(stage_waits_for_the_proof),
		TEST(target_proves_itself),
		TEST(target_proves_itself_to_decimal_and_base64),
		TEST(our_challenge_is_not_answered),
		TEST(same_secret_in_both_directions_is_refused),
		TEST(mutual_is_refused_when_it_cannot_be),
		TEST(target_proves_nothing_to_strangers),
		TEST(user_without_secret_never_gets_in),
		TEST(algorithms_that_are_not_there_are_not_taken),
		cmocka_unit_test(binary_values_have_three_notations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
