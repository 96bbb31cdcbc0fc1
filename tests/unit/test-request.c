/* SPDX-License-Identifier: MIT */
/* A request line is taken apart as JSON-RPC 2.0 says, and each fault has its own code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/daemon.h"
#include "lib/daemon/request.h"

static struct request request;
static char message[256];

static int parse(const char *line)
{
	request_clear(&request);
	*message = 0;
	return request_parse(line, strlen(line), &request, message);
}

static int end(void **state)
{
	(void)state;
	request_clear(&request);
	return 0;
}

static void a_good_request_is_taken_apart(void **state)
{
	(void)state;
	assert_int_equal(
		parse("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":{\"a\":1}}"), 0);
	assert_string_equal(request.method, "m");
	assert_false(request.notification);
	assert_int_equal(json_integer_value(request.id), 7);
	assert_int_equal(json_integer_value(json_object_get(request.params, "a")), 1);
}

static void params_and_id_may_be_missing(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"method\":\"m\"}"), 0);
	assert_true(request.notification);
	assert_true(json_is_object(request.params));
	assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":null}"), 0);
	assert_false(request.notification);
}

static void each_fault_has_its_code(void **state)
{
	static const struct {
		const char *line;
		int error;
	} wrong[] = {
		{"", RPC_PARSE_ERROR},
		{"{\"jsonrpc\":\"2.0\"", RPC_PARSE_ERROR},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"method\":\"b\"}", RPC_PARSE_ERROR},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}", RPC_PARSE_ERROR},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\"} x", RPC_PARSE_ERROR},
		{"[]", RPC_INVALID_REQUEST},
		{"{}", RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"1.0\",\"method\":\"a\"}", RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":2.0,\"method\":\"a\"}", RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":7}", RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":[1]}", RPC_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":[1]}", RPC_INVALID_PARAMS},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(parse(wrong[i].line), wrong[i].error);
		assert_int_not_equal(*message, 0);
		assert_non_null(request.id);
	}
}

static void a_fault_is_answered_with_its_id(void **state)
{
	size_t size;
	(void)state;
	assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":7}"),
			 RPC_INVALID_REQUEST);
	char *line = request_answer_error(&request, RPC_INVALID_REQUEST, "no", &size);
	assert_string_equal(line, "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"error\":{\"code\":-32600,"
				  "\"message\":\"no\"}}\n");
	assert_int_equal(size, strlen(line));
	free(line);
}

static void an_errno_becomes_failed_with_data(void **state)
{
	size_t size;
	(void)state;
	assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}"), 0);
	char *line = request_answer_error(&request, -ENOSPC, "", &size);
	assert_string_equal(line,
			    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,"
			    "\"message\":\"No space left on device\",\"data\":{\"errno\":28}}}\n");
	free(line);
	line = request_answer_error(&request, -EIO, "a name: \xff\n", &size);
	assert_non_null(strstr(line, "a name: \\\\xff\\n"));
	free(line);
}

static void params_are_checked_by_kind(void **state)
{
	const char *text = "kept";
	uint64_t number = 7;
	(void)state;
	assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":"
			       "{\"s\":\"x\",\"n\":5,\"neg\":-1,\"real\":1.5}}"),
			 0);
	assert_int_equal(rpc_param_string(request.params, "n", &text, message), RPC_INVALID_PARAMS);
	assert_int_equal(rpc_param_string(request.params, "none", &text, message),
			 RPC_INVALID_PARAMS);
	assert_string_equal(text, "kept");
	assert_int_equal(rpc_param_string(request.params, "s", &text, message), 0);
	assert_string_equal(text, "x");
	assert_int_equal(rpc_param_number(request.params, "neg", &number, message),
			 RPC_INVALID_PARAMS);
	assert_int_equal(rpc_param_number(request.params, "real", &number, message),
			 RPC_INVALID_PARAMS);
	assert_int_equal(number, 7);
	assert_int_equal(rpc_param_number(request.params, "n", &number, message), 0);
	assert_int_equal(number, 5);
}

static void names_that_are_no_text_are_shown_in_bytes(void **state)
{
	(void)state;
	json_t *good = rpc_text("gr\xc3\xbc"
				"n");
	json_t *bad = rpc_text("a\xff\x80z");
	assert_string_equal(json_string_value(good), "gr\xc3\xbc"
						     "n");
	assert_string_equal(json_string_value(bad), "a\\xff\\x80z");
	json_decref(good);
	json_decref(bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_request_is_taken_apart),
		cmocka_unit_test(params_and_id_may_be_missing),
		cmocka_unit_test(each_fault_has_its_code),
		cmocka_unit_test(a_fault_is_answered_with_its_id),
		cmocka_unit_test(an_errno_becomes_failed_with_data),
		cmocka_unit_test(params_are_checked_by_kind),
		cmocka_unit_test(names_that_are_no_text_are_shown_in_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, end);
}
