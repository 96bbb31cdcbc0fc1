/* SPDX-License-Identifier: MIT */
/* The fs.* methods of the sample daemon. */
#ifndef TESTS_SVC_SAMPLE_FS_H
#define TESTS_SVC_SAMPLE_FS_H
#define SAMPLE_FS_METHODS {NULL}
#endif
