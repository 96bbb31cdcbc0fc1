/* SPDX-License-Identifier: MIT */
/* What may be the name of a library, a barcode, an iSCSI name, a network, a secret. */
#ifndef TARGET_SERVICE_NAMES_H
#define TARGET_SERVICE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Each returns NULL, or the end of a sentence that begins with the name: "must begin with ...". */
const char *name_check_library(const char *name);
const char *name_check_barcode(const char *barcode);
const char *name_check_iscsi(const char *name);
/* An initiator of an access row: "", a whole name, or the beginning of one with '*' at its end. */
const char *name_check_initiator(const char *pattern);
/* "": any; "192.0.2.7", "192.0.2.0/24", "2001:db8::/32". */
const char *name_check_network(const char *network);
const char *name_check_user(const char *user);
const char *name_check_secret(const char *secret);

#define SECRET_LEAST 12u /* characters: 96 bits is what RFC 7143 9.2.1 asks for */

#endif
