/* SPDX-License-Identifier: MIT */
/*
 * The personalities: one row for each product. Names, revisions and element
 * addresses are those that the products answer with, because backup software
 * looks them up in its own tables. A drive's revision matters too: LTFS wants
 * at least B170 of an IBM LTO-5 and HB81 of an LTO-8.
 */
#include "target/changer/personality.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct personality personalities[] = {
	{
		.name = "stk-l700",
		.title = "STK L700",
		.vendor = "STK",
		.product = "L700",
		.revision = "550V",
		.first_transport = 1,
		.first_import_export = 10,
		.first_drive = 500,
		.first_storage = 1000,
		.barcode_length = 8,
		.serial_suffix = "",
		.drive = "ibm-td8",
	},
	{
		.name = "ibm-3584",
		.title = "IBM TS3500 (3584)",
		.vendor = "IBM",
		.product = "03584L32",
		.revision = "0402",
		.first_transport = 1,
		.first_import_export = 768,
		.first_drive = 257,
		.first_storage = 1024,
		.inquiry_barcode = true,
		.barcode_length = 8,
		.serial_has_storage = true,
		.serial_suffix = "",
		.drive = "ibm-td8",
	},
	{
		.name = "ibm-3573",
		.title = "IBM TS3200 (3573)",
		.vendor = "IBM",
		.product = "3573-TL",
		.revision = "B.50",
		.first_transport = 1,
		.first_import_export = 16,
		.first_drive = 256,
		.first_storage = 4096,
		.inquiry_barcode = true,
		.barcode_length = 8,
		.serial_suffix = "_LL0",
		.drive = "ibm-td8",
	},
	{
		.name = "hp-msl",
		.title = "HP MSL G3",
		.vendor = "HP",
		.product = "MSL G3 Series",
		.revision = "5.30",
		.first_transport = 1,
		.first_import_export = 448,
		.first_drive = 480,
		.first_storage = 32,
		.barcode_length = 8,
		.identifier_is_serial = true,
		.identifier_always = true,
		.serial_suffix = "",
		.drive = "hpe-ultrium8",
	},
	{
		.name = "adic-scalar",
		.title = "ADIC Scalar i500",
		.vendor = "ADIC",
		.product = "Scalar i500",
		.revision = "500G",
		.first_transport = 1,
		.first_import_export = 16,
		.first_drive = 256,
		.first_storage = 4096,
		.inquiry_barcode = true,
		.barcode_length = 8,
		.serial_suffix = "_LLA",
		.drive = "ibm-td8",
	},
};

static const struct drive_model models[] = {
	{ "ibm-td4", "IBM", "ULT3580-TD4", "C7QH", 4 },
	{ "ibm-td5", "IBM", "ULT3580-TD5", "G9Q1", 5 },
	{ "ibm-td6", "IBM", "ULT3580-TD6", "J451", 6 },
	{ "ibm-td7", "IBM", "ULT3580-TD7", "KAJ9", 7 },
	{ "ibm-td8", "IBM", "ULT3580-TD8", "K4K1", 8 },
	{ "ibm-td9", "IBM", "ULT3580-TD9", "Q3F4", 9 },
	{ "hp-ultrium4", "HP", "Ultrium 4-SCSI", "H64W", 4 },
	{ "hp-ultrium5", "HP", "Ultrium 5-SCSI", "Z64W", 5 },
	{ "hp-ultrium6", "HP", "Ultrium 6-SCSI", "J5SW", 6 },
	{ "hp-ultrium7", "HP", "Ultrium 7-SCSI", "G9Q1", 7 },
	{ "hpe-ultrium8", "HPE", "Ultrium 8-SCSI", "M571", 8 },
	{ "hpe-ultrium9", "HPE", "Ultrium 9-SCSI", "R3G3", 9 },
};

const struct personality *personality_at(unsigned n)
{
	return n < COUNT(personalities) ? &personalities[n] : NULL;
}

const struct personality *personality_find(const char *name)
{
	for (size_t i = 0; i < COUNT(personalities); i++)
		if (strcmp(personalities[i].name, name) == 0)
			return &personalities[i];
	return NULL;
}

const struct drive_model *drive_model_at(unsigned n)
{
	return n < COUNT(models) ? &models[n] : NULL;
}

const struct drive_model *drive_model_find(const char *name)
{
	for (size_t i = 0; i < COUNT(models); i++)
		if (strcmp(models[i].name, name) == 0)
			return &models[i];
	return NULL;
}
