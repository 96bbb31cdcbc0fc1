/* SPDX-License-Identifier: MIT */
/*
 * An initiator without a socket, for the tests of login and text: it sends requests whose text is
 * written with a newline for each NUL, and looks at what comes back.
 */
#ifndef TESTS_UNIT_LOGIN_SCENE_H
#define TESTS_UNIT_LOGIN_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/log.h"
#include "target/iscsi/login.h"

#define INITIATOR "iqn.1993-08.org.debian:01:c0ffee"
#define TARGET	  "iqn.2001-04.com.example:library"
#define NAMES	  "InitiatorName=" INITIATOR "\nSessionType=Normal\nTargetName=" TARGET "\n"
#define DISCOVERY "InitiatorName=" INITIATOR "\nSessionType=Discovery\n"

/* Flags of a login request. */
#define LOGIN_T	    0x80
#define LOGIN_C	    0x40
#define SECURITY    0x00
#define OPERATIONAL 0x04
#define TO_OPERATIONAL	0x01
#define TO_FULL_FEATURE 0x03

struct scene {
	struct iscsi_settings settings;
	struct login_server server;
	struct login *login;
	struct iscsi_access access; /* of everybody */
	enum login_status authorized;
	unsigned asked;
	char asked_initiator[SCSI_NAME_MAX], asked_target[SCSI_NAME_MAX];
	bool asked_discovery;
	struct pdu request, response;
	char text[1 << 20]; /* the last answer, pair by pair */
	size_t text_size;
};

static inline enum login_status scene_authorize(void *context, const char *initiator,
						const char *target, bool discovery,
						struct iscsi_access *access)
{
	struct scene *scene = context;
	scene->asked++;
	snprintf(scene->asked_initiator, sizeof(scene->asked_initiator), "%s", initiator);
	snprintf(scene->asked_target, sizeof(scene->asked_target), "%s", target);
	scene->asked_discovery = discovery;
	*access = scene->access;
	return scene->authorized;
}

static inline struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	assert_non_null(scene);
	log_set_level(LOG_LEVEL_ERROR);
	scene->server = (struct login_server){
		.context = scene,
		.settings = &scene->settings,
		.authorize = scene_authorize,
		.portal_group = 7,
		.peer = "192.0.2.1",
	};
	scene->request = (struct pdu){
		.opcode = PDU_LOGIN_REQUEST,
		.immediate = true,
		.isid = {0x80, 1, 2, 3, 4, 5},
		.itt = 0x1234,
		.cid = 1,
	};
	return scene;
}

/* A new login; settings and access stay. */
static inline void scene_restart(struct scene *scene)
{
	login_free(&scene->login);
	scene->login = login_new(&scene->server);
	assert_non_null(scene->login);
}

static inline void scene_free(struct scene *scene)
{
	login_free(&scene->login);
	free(scene);
}

static inline void scene_send_bytes(struct scene *scene, uint8_t flags, const void *text,
				    size_t size)
{
	const void *answer;
	uint8_t *copy = malloc(size ? size : 1); /* of the exact size, for the sanitizers */
	assert_non_null(copy);
	if (size)
		memcpy(copy, text, size);
	if (!scene->login)
		scene_restart(scene);
	scene->request.flags = flags;
	scene->request.data_length = (uint32_t)size;
	login_step(scene->login, &scene->request, copy, size, &scene->response, &answer,
		   &scene->text_size);
	free(copy);
	assert_true(scene->text_size < sizeof(scene->text));
	assert_int_equal(scene->response.data_length, scene->text_size);
	assert_int_equal(scene->response.opcode, PDU_LOGIN_RESPONSE);
	if (scene->text_size)
		memcpy(scene->text, answer, scene->text_size);
	scene->text[scene->text_size] = '\0';
}

/* Newlines become NULs. */
static inline void scene_send(struct scene *scene, uint8_t flags, const char *lines)
{
	char *text = strdup(lines);
	size_t size = strlen(lines);
	assert_non_null(text);
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			text[i] = '\0';
	}
	scene_send_bytes(scene, flags, text, size);
	free(text);
}

/* The value of a key in the last answer, or NULL. */
static inline const char *scene_value(const struct scene *scene, const char *key)
{
	size_t length = strlen(key);
	for (size_t at = 0; at < scene->text_size; at += strlen(scene->text + at) + 1) {
		if (!strncmp(scene->text + at, key, length) && scene->text[at + length] == '=')
			return scene->text + at + length + 1;
	}
	return NULL;
}

static inline unsigned scene_status(const struct scene *scene)
{
	return (unsigned)(scene->response.response << 8 | scene->response.status);
}

static inline void assert_value(const struct scene *scene, const char *key, const char *value)
{
	const char *is = scene_value(scene, key);
	if (!value) {
		assert_null(is);
		return;
	}
	if (!is)
		fail_msg("%s is not answered", key);
	else
		assert_string_equal(is, value);
}

/* The login has ended with this status. */
static inline void assert_refused(const struct scene *scene, enum login_status status)
{
	assert_int_equal(scene_status(scene), status);
	assert_true(login_has_failed(scene->login));
	assert_false(login_is_done(scene->login));
	assert_int_equal(scene->text_size, 0);
	assert_int_equal(scene->response.flags, 0);
}

#endif
