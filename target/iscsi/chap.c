/* SPDX-License-Identifier: MIT */
/*
 * CHAP: the response is the digest of the identifier, the secret and the challenge. The four
 * algorithms are OpenSSL's; one that is not there (MD5 where only FIPS ones are allowed) is not
 * offered. Nothing here depends on the time that a comparison takes, and no secret leaves.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/base/assert.h"
#include "target/iscsi/chap.h"
#include "target/iscsi/keys.h"

struct chap_algorithm {
	const char *number; /* in CHAP_A */
	const char *name;   /* OpenSSL's */
	size_t size;	    /* of the digest; our challenge has as many bytes */
};

/* The strongest first. */
static const struct chap_algorithm algorithms[] = {
	{.number = "8", .name = "SHA3-256", .size = 32},
	{.number = "7", .name = "SHA256", .size = 32},
	{.number = "6", .name = "SHA1", .size = 20},
	{.number = "5", .name = "MD5", .size = 16},
};
#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

static void cleanup_digest(EVP_MD **digest)
{
	EVP_MD_free(*digest);
}

static void cleanup_digest_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static bool algorithm_is_there(const struct chap_algorithm *algorithm)
{
	__attribute__((cleanup(cleanup_digest))) EVP_MD *digest =
		EVP_MD_fetch(NULL, algorithm->name, NULL);
	return digest;
}

static void text_add_binary(struct text_buffer *answer, enum key_id key, const uint8_t *data,
			    size_t size)
{
	char hex[2 * CHAP_DIGEST_MAX + 1];
	ASSERT(size <= CHAP_DIGEST_MAX);
	for (size_t i = 0; i < size; i++) {
		hex[2 * i] = "0123456789abcdef"[data[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
	}
	hex[2 * size] = '\0';
	text_add(answer, key_name(key), "0x%s", hex);
}

int chap_begin(struct chap *chap, const char *list, struct text_buffer *answer)
{
	const struct chap_algorithm *found = NULL;
	for (size_t i = 0; i < ALGORITHMS && !found; i++) {
		if (list_has(list, algorithms[i].number) && algorithm_is_there(&algorithms[i]))
			found = &algorithms[i];
	}
	if (!found)
		return -ENOTSUP;
	if (RAND_bytes(&chap->id, 1) != 1 || RAND_bytes(chap->challenge, (int)found->size) != 1)
		return -EIO;
	chap->algorithm = found;
	text_add(answer, key_name(KEY_CHAP_A), "%s", found->number);
	text_add(answer, key_name(KEY_CHAP_I), "%u", chap->id);
	text_add_binary(answer, KEY_CHAP_C, chap->challenge, found->size);
	return 0;
}

static int digest_of(const struct chap_algorithm *algorithm, uint8_t id, const char *secret,
		     const uint8_t *challenge, size_t size, uint8_t digest[CHAP_DIGEST_MAX])
{
	__attribute__((cleanup(cleanup_digest))) EVP_MD *kind =
		EVP_MD_fetch(NULL, algorithm->name, NULL);
	__attribute__((cleanup(cleanup_digest_context))) EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned length = 0;
	if (!kind || !context || EVP_DigestInit_ex2(context, kind, NULL) != 1 ||
	    EVP_DigestUpdate(context, &id, 1) != 1 ||
	    EVP_DigestUpdate(context, secret, strlen(secret)) != 1 ||
	    EVP_DigestUpdate(context, challenge, size) != 1 ||
	    EVP_DigestFinal_ex(context, digest, &length) != 1)
		return -EIO;
	ASSERT(length == algorithm->size);
	return 0;
}

int chap_check(const struct chap *chap, const char *secret, const char *response)
{
	const struct chap_algorithm *algorithm = chap->algorithm;
	uint8_t theirs[CHAP_DIGEST_MAX], ours[CHAP_DIGEST_MAX];
	size_t size;
	ASSERT(algorithm);
	if (binary_parse(response, theirs, sizeof(theirs), &size) || size != algorithm->size)
		return -EINVAL;
	int error = digest_of(algorithm, chap->id, secret, chap->challenge, algorithm->size, ours);
	if (!error && CRYPTO_memcmp(theirs, ours, size) != 0)
		error = -EACCES;
	OPENSSL_cleanse(ours, sizeof(ours));
	return error;
}

int chap_reply(const struct chap *chap, const char *user, const char *secret, const char *id,
	       const char *challenge, struct text_buffer *answer)
{
	const struct chap_algorithm *algorithm = chap->algorithm;
	uint8_t theirs[CHAP_CHALLENGE_MAX], digest[CHAP_DIGEST_MAX];
	uint64_t number;
	size_t size;
	ASSERT(algorithm);
	if (number_parse(id, &number) || number > UINT8_MAX ||
	    binary_parse(challenge, theirs, sizeof(theirs), &size))
		return -EINVAL;
	/* 12.1.3: whoever sends our own challenge back wants us to compute the answer to it. */
	if (size == algorithm->size && !CRYPTO_memcmp(theirs, chap->challenge, size))
		return -ELOOP;
	int error = digest_of(algorithm, (uint8_t)number, secret, theirs, size, digest);
	if (error)
		return error;
	text_add(answer, key_name(KEY_CHAP_N), "%s", user);
	text_add_binary(answer, KEY_CHAP_R, digest, algorithm->size);
	return 0;
}

void chap_clear(struct chap *chap)
{
	OPENSSL_cleanse(chap, sizeof(*chap));
}
