/* SPDX-License-Identifier: MIT */
/* A disk that hangs: fdatasync() of this process stands still behind a gate. */
#ifndef TESTS_UNIT_TAPE_GATE_H
#define TESTS_UNIT_TAPE_GATE_H

void gate_close(void);
/* Until a thread stands at it. */
void gate_await(void);
void gate_open(void);

#endif
