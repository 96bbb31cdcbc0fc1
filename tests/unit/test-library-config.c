/* SPDX-License-Identifier: MIT */
/*
 * A library's files: what is saved is loaded again to the last field; what is damaged, contradicts
 * itself or comes from a later version is refused; secrets are in their own file.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "target/service/plan.h"
#include "target/service/reader.h"

static char reason[LIBRARY_MESSAGE];
static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/granary-config.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	CLEANUP_FREE char *command = mem_printf("rm -rf %s", folder);

	fault_set(NULL);
	return system(command);
}

static struct library_plan plan_of(const char *personality)
{
	return (struct library_plan){.name = "main",
				     .personality = personality,
				     .iqn_prefix = "iqn.2026-11.local.granary",
				     .tapes = "/srv/\"quoted\" tapes",
				     .drives = 3,
				     .slots = 20,
				     .import_slots = 4,
				     .tape_size = UINT64_C(12000000000000),
				     .recycle_days = 7,
				     .encryption = true};
}

static struct library_config make_config(void)
{
	const struct library_plan plan = plan_of("stk-l700");
	struct library_config config;
	char message[256] = "";

	if (library_plan_make(&plan, &config, message))
		fail_msg("%s", message);
	strcpy(library_config_element(&config, 1003)->barcode, "A00001L8");
	struct element *drive = library_config_element(&config, 501);

	strcpy(drive->barcode, "A00002L8");
	drive->source = 1007;
	library_config_element(&config, 10)->imported = true;
	library_config_element(&config, 11)->disabled = true;
	return config;
}

static void check_identity(const struct scsi_identity *a, const struct scsi_identity *b)
{
	assert_string_equal(a->vendor, b->vendor);
	assert_string_equal(a->product, b->product);
	assert_string_equal(a->revision, b->revision);
	assert_string_equal(a->serial, b->serial);
	assert_memory_equal(a->naa, b->naa, sizeof(a->naa));
	assert_memory_equal(a->uuid, b->uuid, sizeof(a->uuid));
}

static void check_same(const struct library_config *a, const struct library_config *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->iqn, b->iqn);
	assert_string_equal(a->tapes, b->tapes);
	assert_memory_equal(a->uuid, b->uuid, sizeof(a->uuid));
	assert_ptr_equal(a->personality, b->personality);
	check_identity(&a->identity, &b->identity);
	assert_int_equal(a->tape_size, b->tape_size);
	assert_int_equal(a->encryption, b->encryption);
	assert_int_equal(a->recycle_days, b->recycle_days);
	assert_int_equal(a->drive_count, b->drive_count);
	for (size_t i = 0; i < a->drive_count; i++) {
		check_identity(&a->drives[i].identity, &b->drives[i].identity);
		assert_ptr_equal(a->drives[i].model, b->drives[i].model);
		assert_int_equal(a->drives[i].address, b->drives[i].address);
	}
	assert_int_equal(a->element_count, b->element_count);
	for (size_t i = 0; i < a->element_count; i++) {
		assert_int_equal(a->elements[i].address, b->elements[i].address);
		assert_int_equal(a->elements[i].type, b->elements[i].type);
		assert_string_equal(a->elements[i].barcode, b->elements[i].barcode);
		assert_int_equal(a->elements[i].source, b->elements[i].source);
		assert_int_equal(a->elements[i].imported, b->elements[i].imported);
		assert_int_equal(a->elements[i].disabled, b->elements[i].disabled);
	}
	assert_int_equal(a->access.count, b->access.count);
	for (size_t i = 0; i < a->access.count; i++) {
		assert_string_equal(a->access.rows[i].initiator, b->access.rows[i].initiator);
		assert_string_equal(a->access.rows[i].network, b->access.rows[i].network);
		assert_string_equal(a->access.rows[i].user, b->access.rows[i].user);
		assert_string_equal(a->access.rows[i].secret, b->access.rows[i].secret);
		assert_string_equal(a->access.rows[i].mutual_user, b->access.rows[i].mutual_user);
		assert_string_equal(a->access.rows[i].mutual_secret, b->access.rows[i].mutual_secret);
	}
}

static void add_row(struct access_list *list, const char *initiator, const char *network,
		    const char *user, const char *secret)
{
	struct iscsi_access row = {0};

	strcpy(row.initiator, initiator);
	strcpy(row.network, network);
	strcpy(row.user, user);
	strcpy(row.secret, secret);
	if (*user) {
		strcpy(row.mutual_user, "box \"7\"\\");
		strcpy(row.mutual_secret, "another long secret");
	}
	assert_int_equal(access_list_put(list, &row), 0);
}

static void test_round_trip(void **state)
{
	CLEANUP_FREE char *path = mem_printf("%s/main.conf", folder);
	CLEANUP_FREE char *secrets = mem_printf("%s/main.secrets", folder);
	CLEANUP_FREE char *text = NULL;
	struct library_config config = make_config(), again;
	struct stat st;
	size_t size;

	(void)state;
	add_row(&config.access, "", "", "joe", "a \"secret\" \\ with \x01 in it\xc3\xa4");
	add_row(&config.access, "iqn.2020-01.example:a", "192.0.2.0/24", "", "");
	assert_int_equal(access_secrets_save(secrets, &config.access), 0);
	assert_int_equal(library_config_save(path, &config), 0);
	assert_int_equal(stat(secrets, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read_all(path, READER_FILE_MAX, &text, &size), 0);
	assert_null(strstr(text, "another long"));
	assert_int_equal(library_config_load(path, &again, reason), 0);
	check_same(&config, &again);
	library_config_clear(&config);
	library_config_clear(&again);
}

/* A file of secrets that is damaged is refused, with its line; one that is not there closes rows. */
static void test_wrong_secrets(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *reason;
	} files[] = {
		{"# only a comment\n\n", 0, NULL},
		{"granary-secrets 2\n\t\tjoe\ta long secret\t\t\n", 0, NULL},
		{"granary-secrets 2\n\t\tjoe\ta long secret\t\t", 0, NULL}, /* no end of line */
		{"granary-secrets 3\n", -EPROTONOSUPPORT, ":1: "},
		{"\t\tjoe\ta long secret\t\t\n", -EPROTONOSUPPORT, ":1: "},
		{"granary-secrets 2\n# five\n\t\tjoe\ta long secret\t\n", -EBADMSG, ":3: "},
		{"granary-secrets 2\n\t\tjoe\ta long secret\t\t\t\n", -EBADMSG, ":2: "},
	};
	CLEANUP_FREE char *secrets = mem_printf("%s/wrong.secrets", folder);
	struct access_list list = {0};

	(void)state;
	add_row(&list, "", "", "joe", "");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		memset(list.rows[0].secret, 0, sizeof(list.rows[0].secret));
		assert_int_equal(file_replace(secrets, files[i].text, strlen(files[i].text), 0600), 0);
		assert_int_equal(access_secrets_load(secrets, &list, reason), files[i].error);
		if (files[i].reason)
			assert_non_null(strstr(reason, files[i].reason));
		else
			assert_int_equal(strcmp(list.rows[0].secret, "a long secret") == 0, i > 0);
	}
	assert_int_equal(file_replace(secrets, "granary-secrets 2\n\0\n", 20, 0600), 0);
	assert_int_equal(access_secrets_load(secrets, &list, reason), -EBADMSG);
	/* A field that is too long, and one that no line can have. */
	char line[400] = "granary-secrets 2\n\t\tjoe\t";
	memset(line + strlen(line), 'x', 300);
	strcpy(line + 324, "\t\t\n");
	assert_int_equal(file_replace(secrets, line, strlen(line), 0600), 0);
	assert_int_equal(access_secrets_load(secrets, &list, reason), -EBADMSG);
	strcpy(list.rows[0].secret, "a tab\tin the secret");
	assert_int_equal(access_secrets_save(secrets, &list), -EINVAL);
	access_list_clear(&list);
}

/* Rows that name more come first, whatever the order in which they are given. */
static void test_row_order(void **state)
{
	struct access_list list = {0};

	(void)state;
	add_row(&list, "", "", "", "");
	add_row(&list, "iqn.2020-01.example:*", "", "", "");
	add_row(&list, "iqn.2020-01.example:host", "", "", "");
	add_row(&list, "iqn.2020-01.example:*", "192.0.2.0/24", "", "");
	add_row(&list, "*", "", "joe", "twelve letters");
	assert_int_equal(list.count, 4);
	assert_string_equal(list.rows[0].initiator, "iqn.2020-01.example:host");
	assert_string_equal(list.rows[1].network, "192.0.2.0/24");
	assert_string_equal(list.rows[2].initiator, "iqn.2020-01.example:*");
	assert_string_equal(list.rows[3].user, "joe");
	assert_int_equal(access_list_remove(&list, "iqn.2020-01.example:*", ""), 0);
	assert_int_equal(access_list_remove(&list, "iqn.2020-01.example:*", ""), -ENOENT);
	assert_int_equal(list.count, 3);
	access_list_clear(&list);
}

/* The text of a saved library with one place changed. */
static int parse_changed(const char *from, const char *to)
{
	CLEANUP_FREE char *path = mem_printf("%s/main.conf", folder);
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *changed = NULL;
	struct library_config config = make_config(), again;
	size_t size;

	assert_int_equal(library_config_save(path, &config), 0);
	library_config_clear(&config);
	assert_int_equal(file_read_all(path, READER_FILE_MAX, &text, &size), 0);
	const char *place = strstr(text, from);

	assert_non_null(place);
	changed = mem_printf("%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
	int error = library_config_parse(path, changed, &again, reason);

	library_config_clear(&again);
	return error;
}

static void test_refused(void **state)
{
	static const struct {
		const char *from, *to;
		int error;
	} rows[] = {
		{"version = 1", "version = 1", 0},
		{"version = 1", "version = 2", -EPROTONOSUPPORT},
		{"version = 1", "version = \"1\"", -EBADMSG},
		{"version = 1;", "", -EBADMSG},
		{"name = \"main\"", "name = \"Main\"", -EBADMSG},
		{"name = \"main\"", "nam = \"main\"", -EBADMSG},
		{"name = \"main\"", "name = \"\"", -EBADMSG},
		{"iqn = \"iqn.", "iqn = \"iqm.", -EBADMSG},
		{"tapes = \"/srv", "tapes = \"srv", -EBADMSG},
		{"tape_size = ", "tape_size = -", -EBADMSG},
		{"encryption = true", "encryption = 1", -EBADMSG},
		{"recycle_days = 7", "recycle_days = 40000", -EBADMSG},
		{"personality = \"stk", "personality = \"abc", -EBADMSG},
		{"model = \"ibm-td8\"", "model = \"ibm-td3\"", -EBADMSG},
		{"address = 501; model", "address = 500; model", -EBADMSG},
		{"address = 501; model", "address = 1001; model", -EBADMSG},
		{"address = 1004;", "address = 1003;", -EBADMSG},
		{"address = 1004;", "address = 70000;", -EBADMSG},
		{"type = \"storage\"; barcode", "type = \"robot\"; barcode", -EBADMSG},
		{"type = \"storage\"", "type = \"drive\"", -EBADMSG},
		{"A00001L8", "A00002L8", -EBADMSG},
		{"A00001L8", "../../etc", -EBADMSG},
		{"A00001L8", "A000000000000000000000000000000000001L8", -EBADMSG},
		{"source = 1007", "source = 1007; sauce = 1", -EBADMSG},
		{"imported = true", "imported = \"yes\"", -EBADMSG},
		{"version = 1;", "version = 1;\n @include \"/etc/hostname\"", -EBADMSG},
		{"access = (", "access = ({ initiator = \"x y\"; }", -EBADMSG},
		{"access = (", "access = ({ network = \"1.2.3.4/99\"; }", -EBADMSG},
		{"access = (", "access = ({ secret = \"x\"; }", -EBADMSG},
		{"access = (", "access = (17", -EBADMSG},
		{"drives = (", "drives = [", -EBADMSG},
		{"uuid = \"", "uuid = \"0", -EBADMSG},
		{"naa = \"", "naa = \"x", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (parse_changed(rows[i].from, rows[i].to) != rows[i].error)
			fail_msg("\"%s\" for \"%s\": not %d", rows[i].to, rows[i].from, rows[i].error);
		else if (rows[i].error)
			assert_non_null(strstr(reason, "/main.conf:"));
}

/* A file that was cut off anywhere is refused, or says the same as the whole. */
static void test_torn(void **state)
{
	CLEANUP_FREE char *path = mem_printf("%s/main.conf", folder);
	CLEANUP_FREE char *text = NULL;
	struct library_config config = make_config(), again;
	size_t size, refused = 0;

	(void)state;
	assert_int_equal(library_config_save(path, &config), 0);
	assert_int_equal(file_read_all(path, READER_FILE_MAX, &text, &size), 0);
	for (size_t length = size - 1; length > 0; length -= length > 37 ? 37 : length) {
		text[length] = '\0';
		if (library_config_parse(path, text, &again, reason) == 0)
			assert_int_equal(again.element_count, config.element_count);
		else
			refused++;
		library_config_clear(&again);
	}
	assert_true(refused > size / 37 / 2);
	library_config_clear(&config);
}

/* What cannot be written leaves what was there. */
static void test_fault(void **state)
{
	CLEANUP_FREE char *path = mem_printf("%s/main.conf", folder);
	struct library_config config = make_config(), again;

	(void)state;
	assert_int_equal(library_config_save(path, &config), 0);
	strcpy(library_config_element(&config, 1004)->barcode, "A00009L8");
	fault_set("pwrite:1");
	assert_int_equal(library_config_save(path, &config), -EIO);
	fault_set("fdatasync:1");
	assert_int_equal(library_config_save(path, &config), -EIO);
	fault_set(NULL);
	assert_int_equal(library_config_load(path, &again, reason), 0);
	assert_string_equal(library_config_element(&again, 1004)->barcode, "");
	library_config_clear(&again);
	library_config_clear(&config);
}

/* A row whose secret is lost is closed by one that nobody knows. */
static void test_lost_secret(void **state)
{
	CLEANUP_FREE char *path = mem_printf("%s/main.conf", folder);
	struct library_config config = make_config(), again;

	(void)state;
	add_row(&config.access, "", "", "joe", "twelve letters");
	assert_int_equal(library_config_save(path, &config), 0);
	assert_int_equal(library_config_load(path, &again, reason), 0);
	assert_int_equal(again.access.count, 1);
	assert_true(strlen(again.access.rows[0].secret) >= 32);
	assert_string_not_equal(again.access.rows[0].secret, "twelve letters");
	library_config_clear(&again);
	library_config_clear(&config);
}

static void test_personalities(void **state)
{
	const struct personality *p;
	char message[256];

	(void)state;
	for (unsigned n = 0; (p = personality_at(n)) != NULL; n++) {
		struct library_plan plan = plan_of(p->name);
		struct library_config config;

		assert_int_equal(library_plan_make(&plan, &config, message), 0);
		assert_int_equal(config.element_count, 1 + 3 + 20 + 4);
		assert_int_equal(config.identity.naa[0] >> 4, 3);
		assert_int_equal(strlen(config.identity.serial), 10);
		library_config_clear(&config);
		plan.slots = 65535;
		assert_int_equal(library_plan_make(&plan, &config, message), -EINVAL);
	}
}

static void test_resize(void **state)
{
	struct library_config config = make_config(), copy;
	struct library_plan plan = plan_of("stk-l700");
	char message[256], serial[33];

	(void)state;
	strcpy(serial, config.drives[2].identity.serial);
	plan.drives = 5;
	plan.slots = 25;
	plan.drive = "ibm-td9";
	assert_int_equal(library_config_copy(&config, &copy), 0);
	assert_int_equal(library_plan_resize(&plan, &copy, message), 0);
	assert_int_equal(copy.drive_count, 5);
	assert_string_equal(copy.drives[2].identity.serial, serial);
	assert_string_equal(copy.drives[4].model->name, "ibm-td9");
	assert_string_equal(library_config_element(&copy, 501)->barcode, "A00002L8");
	library_config_clear(&copy);
	assert_int_equal(library_config_copy(&config, &copy), 0);
	plan.drives = 1;
	assert_int_equal(library_plan_resize(&plan, &copy, message), -EINVAL);
	assert_string_equal(message, "tape A00002L8 is in place 501, which would go");
	library_config_clear(&copy);
	library_config_clear(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_wrong_secrets, make_folder, remove_folder),
		cmocka_unit_test(test_row_order),
		cmocka_unit_test_setup_teardown(test_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_torn, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_fault, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_lost_secret, make_folder, remove_folder),
		cmocka_unit_test(test_personalities),
		cmocka_unit_test(test_resize),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
