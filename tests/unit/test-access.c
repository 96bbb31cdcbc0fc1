/* SPDX-License-Identifier: MIT */
/*
 * Names and access lists: names are told from what is none and compared without case; the first
 * row that matches name and network counts; a list without rows is open, a row that cannot be read
 * lets nobody in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "target/iscsi/access.h"
#include "target/iscsi/names.h"

#define HOST "iqn.1993-08.org.debian:host"
#define HEX32 "0123456789abcdef0123456789abcdef"
#define TEN   "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

static const struct {
	const char *name, *normal; /* NULL: it is none */
} names[] = {
	{"iqn.2001-04.com.example", "iqn.2001-04.com.example"},
	{"iqn.2001-04.com.example:Disk.1", "iqn.2001-04.com.example:disk.1"},
	{"IQN.2001-04.COM.EXAMPLE:X_Y", "iqn.2001-04.com.example:x_y"},
	{"iqn.2001-04.com.example:\xc3\xa9", NULL}, /* it could be written as e and an accent, too */
	{"eui.02004567A425678D", "eui.02004567a425678d"},
	{"naa.52004567BA64678D", "naa.52004567ba64678d"},
	{"naa." HEX32, "naa." HEX32},
	{"iqn.2001-04.com.example:" FIFTY FIFTY FIFTY FIFTY, /* 224 characters */ NULL},
	{"iqn.2001-04.com.exampl:" FIFTY FIFTY FIFTY FIFTY,
	 "iqn.2001-04.com.exampl:" FIFTY FIFTY FIFTY FIFTY},
	{"", NULL},
	{"iqn.", NULL},
	{"iqn.2001-04", NULL},
	{"iqn.2001-04.", NULL},
	{"iqn.2001-04.:x", NULL},
	{"iqn.2001-13.com.example", NULL},
	{"iqn.2001-00.com.example", NULL},
	{"iqn.01-04.com.example", NULL},
	{"iqn.2001-04.com.example: x", NULL},
	{"iqn.2001-04.com.example:\n", NULL},
	{"iqn.2001-04.com.example:\x7f", NULL},
	{"iqn.2001-04.com.example:\xff", NULL},
	{"iqn.2001-04.com.example:\xc3", NULL},
	{"iqn.2001-04.com.example:\xe0\x80\x80", NULL},
	{"iqn.2001-04.com.example:\xed\xa0\x80", NULL},
	{"iqn.2001-04.com.example:\xf0\x8f\xbf\xbf", NULL},
	{"iqn.2001-04.com.example:\xf4\x90\x80\x80", NULL},
	{"iqn.2001-04.com.example:\xf0\x9f\x93\xbc", NULL},
	{"iqn.2001-04.com.example:\xef\xbd\x81", NULL}, /* a wide a */
	{"eui.02004567A425678", NULL},
	{"eui.02004567A425678G", NULL},
	{"eui." HEX32, NULL},
	{"naa.52004567BA64678D0", NULL},
	{"naa.", NULL},
	{"All", NULL},
};

static void names_are_told_from_what_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char normal[SCSI_NAME_MAX] = "";
		print_message("%s\n", names[i].name);
		int error = iscsi_name_normalise(names[i].name, normal);
		assert_int_equal(error == 0, names[i].normal != NULL);
		if (names[i].normal)
			assert_string_equal(normal, names[i].normal);
	}
}

static void aliases_can_be_printed(void **state)
{
	(void)state;
	static const struct {
		const char *alias, *copy;
	} cases[] = {
		{"", ""},
		{"Some Host", "Some Host"},
		{"caf\xc3\xa9", "caf\xc3\xa9"},
		{"a\nb\x1b[0m\x7f", "a?b?[0m?"},
		{"\xff\xc3", "??"},
		{"0123456789abcdefg", "0123456789abcde"},
		{"0123456789abcd\xc3\xa9", "0123456789abcd"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char alias[16];
		iscsi_alias_copy(alias, sizeof(alias), cases[i].alias);
		assert_string_equal(alias, cases[i].copy);
	}
}

static const struct sockaddr *address(const char *text, struct sockaddr_storage *storage)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	memset(storage, 0, sizeof(*storage));
	if (strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
		memcpy(storage, &v6, sizeof(v6));
	} else {
		assert_int_equal(inet_pton(AF_INET, text, &v4.sin_addr), 1);
		memcpy(storage, &v4, sizeof(v4));
	}
	return (const struct sockaddr *)storage;
}

static const struct {
	const char *network, *address;
	int has; /* -1: no network */
} networks[] = {
	{"192.0.2.0/24", "192.0.2.255", 1},
	{"192.0.2.0/24", "192.0.3.0", 0},
	{"192.0.2.0/23", "192.0.3.0", 1},
	{"192.0.2.128/25", "192.0.2.127", 0},
	{"192.0.2.128/25", "192.0.2.128", 1},
	{"192.0.2.7", "192.0.2.7", 1},
	{"192.0.2.7", "192.0.2.6", 0},
	{"192.0.2.7/32", "192.0.2.6", 0},
	{"0.0.0.0/0", "203.0.113.1", 1},
	{"0.0.0.0/0", "2001:db8::1", 0},
	{"192.0.2.0/24", "::ffff:192.0.2.9", 1},
	{"2001:db8::/32", "2001:db8:ffff::1", 1},
	{"2001:db8::/32", "2001:db9::1", 0},
	{"2001:db8::/33", "2001:db8:8000::", 0},
	{"2001:db8::1", "2001:db8::1", 1},
	{"::/0", "2001:db8::1", 1},
	{"::/0", "192.0.2.1", 0},
	{"::1/128", "::1", 1},
	{"192.0.2.0/33", "192.0.2.1", -1},
	{"192.0.2.0/", "192.0.2.1", -1},
	{"192.0.2.0/-1", "192.0.2.1", -1},
	{"192.0.2.0/+8", "192.0.2.1", -1},
	{"192.0.2.0/24x", "192.0.2.1", -1},
	{"192.0.2/24", "192.0.2.1", -1},
	{"2001:db8::/129", "2001:db8::1", -1},
	{"/8", "192.0.2.1", -1},
	{"host", "192.0.2.1", -1},
	{FIFTY TEN TEN, "192.0.2.1", -1},
};

static void networks_have_their_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		struct sockaddr_storage storage;
		print_message("%s %s\n", networks[i].network, networks[i].address);
		int has = network_has(networks[i].network, address(networks[i].address, &storage));
		assert_int_equal(has < 0 ? -1 : has, networks[i].has);
	}
}

static void first_row_that_matches_counts(void **state)
{
	(void)state;
	static const struct iscsi_access rows[] = {
		{.initiator = HOST, .network = "192.0.2.0/24", .user = "near"},
		{.initiator = "IQN.1993-08.org.Debian:*", .user = "family"},
		{.initiator = "iqn.2001-04.com.example:x", .user = "exact"},
		{.network = "2001:db8::/32", .user = "net"},
	};
	struct sockaddr_storage storage;
	struct iscsi_access row;
	static const struct {
		const char *initiator, *peer, *user; /* NULL: nobody */
	} cases[] = {
		{HOST, "192.0.2.1", "near"},
		{HOST, "198.51.100.1", "family"},
		{HOST "2", "192.0.2.1", "family"},
		{"iqn.2001-04.com.example:x", "192.0.2.1", "exact"},
		{"iqn.2001-04.com.example:xy", "192.0.2.1", NULL},
		{"iqn.2001-04.com.example:", "2001:db8::5", "net"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum login_status status = access_find(rows, 4, cases[i].initiator,
						       address(cases[i].peer, &storage), &row);
		assert_int_equal(status, cases[i].user ? LOGIN_OK : LOGIN_AUTHORIZATION);
		if (cases[i].user)
			assert_string_equal(row.user, cases[i].user);
	}
}

static void list_without_rows_is_open(void **state)
{
	(void)state;
	struct iscsi_access row = {.user = "left over"};
	assert_int_equal(access_find(NULL, 0, HOST, NULL, &row), LOGIN_OK);
	assert_string_equal(row.user, "");
}

static void row_that_cannot_be_read_lets_nobody_in(void **state)
{
	(void)state;
	static const struct iscsi_access rows[] = {{.network = "192.0.2.0/240"}};
	struct sockaddr_storage storage;
	struct iscsi_access row;
	assert_int_equal(access_find(rows, 1, HOST, address("192.0.2.1", &storage), &row),
			 LOGIN_AUTHORIZATION);
	assert_int_equal(access_find(rows, 1, HOST, NULL, &row), LOGIN_AUTHORIZATION);
}

static void rows_are_checked(void **state)
{
	(void)state;
	static const struct {
		struct iscsi_access row;
		bool good, weak;
	} cases[] = {
		{{.initiator = ""}, true, false},
		{{.user = "u", .secret = "twelve bytes"}, true, false},
		{{.user = "u", .secret = "eleven byte"}, true, true},
		{{.user = "u", .secret = "twelve bytes", .mutual_user = "m", .mutual_secret = "short"}, true,
		 true},
		{{.user = "u"}, false, false},
		{{.secret = "twelve bytes"}, false, false},
		{{.user = "u", .secret = "twelve bytes", .mutual_user = "m"}, false, false},
		{{.mutual_user = "m", .mutual_secret = "twelve bytes"}, false, false},
		{{.user = "u", .secret = "the same secret", .mutual_user = "m",
		  .mutual_secret = "the same secret"}, false, false},
		{{.network = "192.0.2.0/33"}, false, false},
		{{.user = "a\nb", .secret = "twelve bytes"}, false, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why;
		assert_int_equal(access_check(&cases[i].row, &why) == 0, cases[i].good);
		assert_int_equal(why == NULL, cases[i].good);
		assert_int_equal(access_is_weak(&cases[i].row), cases[i].weak);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_told_from_what_is_none),
		cmocka_unit_test(aliases_can_be_printed),
		cmocka_unit_test(networks_have_their_addresses),
		cmocka_unit_test(first_row_that_matches_counts),
		cmocka_unit_test(list_without_rows_is_open),
		cmocka_unit_test(row_that_cannot_be_read_lets_nobody_in),
		cmocka_unit_test(rows_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
