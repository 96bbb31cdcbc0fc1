/* SPDX-License-Identifier: MIT */
/* The scene that a program's tests share, one after another: set up quiet, without what power-on tells. */
#ifndef TESTS_UNIT_SCSI_SCENE_H
#define TESTS_UNIT_SCSI_SCENE_H

#include "lib/base/fault.h"
#include "tests/unit/scsi-fake.h"

static struct scene scene;
static struct answer answer;

static int start(void **state)
{
	(void)state;
	scene_start(&scene, true);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fault_set(NULL);
	scene_stop(&scene);
	return 0;
}

#endif
