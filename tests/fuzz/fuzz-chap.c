/* SPDX-License-Identifier: MIT */
/*
 * Any string as each of the values that CHAP and names carry: binary values stay within their room,
 * a response is never right by chance, an answer to a challenge comes only for what was one, and a
 * normal name is its own normal form.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "target/iscsi/access.h"
#include "target/iscsi/chap.h"
#include "target/iscsi/keys.h"
#include "target/iscsi/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_binary(const char *string, size_t room)
{
	uint8_t *data = malloc(room + 1);
	size_t size = SIZE_MAX;
	require(data != NULL);
	data[room] = 0x5a;
	int error = binary_parse(string, data, room, &size);
	require(error == 0 ? size <= room && size > 0 : error == -EINVAL || error == -EMSGSIZE);
	require(data[room] == 0x5a);
	free(data);
}

static void check_chap(const char *string)
{
	struct chap chap = {0};
	struct text_buffer answer = {0};
	uint8_t challenge[CHAP_CHALLENGE_MAX];
	size_t size;
	int error = chap_begin(&chap, string, &answer);
	require(error == 0 || error == -ENOTSUP);
	if (error) {
		require(answer.size == 0);
		require(chap_begin(&chap, "7", &answer) == 0);
	}
	error = chap_check(&chap, "a secret", string);
	require(error == -EACCES || error == -EINVAL);
	text_buffer_clear(&answer);
	error = chap_reply(&chap, "me", "mine", "7", string, &answer);
	bool is_challenge = !binary_parse(string, challenge, sizeof(challenge), &size);
	require(is_challenge == (error == 0) && (answer.size > 0) == (error == 0));
	text_buffer_free(&answer);
	chap_clear(&chap);
}

static void check_name(const char *string)
{
	char name[SCSI_NAME_MAX], again[SCSI_NAME_MAX];
	if (iscsi_name_normalise(string, name))
		return;
	require(iscsi_name_normalise(name, again) == 0 && !strcmp(name, again));
	require(strlen(name) == strlen(string));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *string = malloc(size + 1);
	struct sockaddr address = {.sa_family = 0};
	uint64_t number;
	require(string != NULL);
	memcpy(string, data, size);
	string[size] = '\0';
	for (size_t room = 0; room < 40; room += 13)
		check_binary(string, room);
	check_binary(string, CHAP_CHALLENGE_MAX);
	check_chap(string);
	check_name(string);
	require(number_parse(string, &number) == 0 || strspn(string, "0123456789") < size ||
		!string[0] || size > 19);
	require(network_has(string, &address) <= 0);
	free(string);
	return 0;
}
