/* SPDX-License-Identifier: MIT */
/*
 * Fingerprints. OpenSSL is the reference and works everywhere: the algorithm is
 * fetched once for the process, a fetch per digest would cost as much as the
 * digest of a small chunk, and each thread keeps one context. Where the
 * processor has SHA instructions our own kernel does two chunks at a time;
 * GRANARY_CPU=portable keeps it away. Both give the same digests.
 */
#include "fs/chunk/fingerprint.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fs/chunk/fingerprint_kernel.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
/* Written once under start_lock, before any other call. */
static EVP_MD *algorithm_md;
static pthread_key_t context_key;
static bool use_shani;

static void context_free(void *context)
{
	EVP_MD_CTX_free(context);
}

static bool shani_wanted(void)
{
#if defined(__x86_64__)
	const char *most = getenv("GRANARY_CPU");
	return !(most && strcmp(most, "portable") == 0) && fingerprint_shani_supported();
#else
	return false;
#endif
}

int fingerprint_start(enum fingerprint_algorithm algorithm)
{
	if (algorithm != FINGERPRINT_SHA256)
		return -ENOTSUP;
	LOCK_SCOPE(&start_lock);
	if (!algorithm_md) {
		EVP_MD *md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
		if (!md)
			return -ENOTSUP;
		int error = pthread_key_create(&context_key, context_free);
		if (error) {
			EVP_MD_free(md);
			return -error;
		}
		algorithm_md = md;
		use_shani = shani_wanted();
	}
	return 0;
}

/* The thread's context, made at its first use. */
static EVP_MD_CTX *context_get(void)
{
	EVP_MD_CTX *context = pthread_getspecific(context_key);
	if (context)
		return context;
	context = EVP_MD_CTX_new();
	if (context && pthread_setspecific(context_key, context) != 0) {
		EVP_MD_CTX_free(context);
		context = NULL;
	}
	return context;
}

static int openssl_many(const struct fingerprint_input *inputs, size_t count,
			struct fingerprint *out)
{
	EVP_MD_CTX *context = context_get();
	if (!context)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		unsigned size = 0;
		if (EVP_DigestInit_ex2(context, algorithm_md, NULL) != 1 ||
		    EVP_DigestUpdate(context, inputs[i].data, inputs[i].size) != 1 ||
		    EVP_DigestFinal_ex(context, out[i].bytes, &size) != 1 ||
		    size != FINGERPRINT_SIZE)
			return -EIO;
	}
	return 0;
}

int fingerprint_many(const struct fingerprint_input *inputs, size_t count, struct fingerprint *out)
{
	ASSERT(algorithm_md != NULL);
#if defined(__x86_64__)
	if (use_shani) {
		fingerprint_shani_many(inputs, count, out);
		return 0;
	}
#endif
	return openssl_many(inputs, count, out);
}

const char *fingerprint_kernel(void)
{
	return use_shani ? "sha-ni x2" : "openssl";
}
