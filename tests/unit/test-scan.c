/* SPDX-License-Identifier: MIT */
/* A scan of the segments finds every pack, and of several with one number the right one counts. */
#include "tests/unit/store_support.h"

#include <stdio.h>

#include "fs/format.h"
#include "fs/store/sweep.h"
#include "fs/tool/scan.h"
#include "lib/base/fault.h"

#define COUNT 200u

/* Cleaning has copied pack 1 forward, others have committed packs behind the copy, and the power
 * fails before the step's own commit: *known is what the catalogue says of pack 1 then. */
static struct chunk_ref cut_off_cleaning(struct fixture *f, struct pack_row *known)
{
	struct chunk_ref refs[COUNT], more[COUNT];
	struct store_marks *marks = NULL;
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {.step_packs = 100};
	struct scan scan = {0};
	struct pack_list packs = {0};
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	assert_int_equal(scan_store(f->path, f->sb.uuid, &scan), 0);
	assert_int_equal(scan_choose(&scan, &packs, &packs), 0);
	*known = *pack_list_find(&packs, refs[0].pack);
	pack_list_clear(&packs);
	scan_clear(&scan);
	assert_int_equal(store_marks_begin(f->store, 0, 1 << 20, &marks), 0);
	for (unsigned i = 0; i < COUNT; i += 2)
		store_mark(f->store, marks, refs[i]);
	assert_int_equal(store_sweep_begin(f->store, marks, &options, &sweep), 0);
	assert_int_equal(store_sweep_step(sweep), 1);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 9000, COUNT, more);
	assert_int_equal(commit(f->store), 0);
	fixture_copy(f, "cut");
	store_sweep_done(sweep, false);
	store_sweep_end(&sweep);
	store_marks_end(f->store, &marks);
	return refs[0];
}

static void test_what_the_catalogue_knows_counts(void **state)
{
	struct fixture *f = *state;
	struct scan scan = {0};
	struct pack_list none = {0}, chosen = {0}, known = {0};
	struct pack_row row;
	char cut[400];
	struct chunk_ref ref = cut_off_cleaning(f, &row);
	snprintf(cut, sizeof(cut), "%s/cut", f->folder);
	assert_int_equal(scan_store(cut, f->sb.uuid, &scan), 0);
	assert_int_equal(scan_choose(&scan, &none, &chosen), 0);
	assert_int_equal(pack_list_find(&chosen, ref.pack)->version, 2);
	known.rows = &row;
	known.count = 1;
	assert_int_equal(scan_choose(&scan, &known, &chosen), 0);
	assert_int_equal(pack_list_find(&chosen, ref.pack)->version, 1);
	assert_int_equal(pack_list_find(&chosen, ref.pack)->offset, row.offset);
	/* One that is not where the catalogue had it has been copied forward since. */
	row.offset += 512;
	assert_int_equal(scan_choose(&scan, &known, &chosen), 0);
	assert_int_equal(pack_list_find(&chosen, ref.pack)->version, 2);
	pack_list_clear(&chosen);
	scan_clear(&scan);
}

/* Packs are written in the order in which they are compressed, which is not that of their numbers. */
static const struct pack_row *second_in_place(const struct scan *scan)
{
	for (size_t i = 0; i < scan->packs.count; i++) {
		size_t before = 0;
		for (size_t k = 0; k < scan->packs.count; k++)
			before += scan->packs.rows[k].segment == scan->packs.rows[i].segment &&
				  scan->packs.rows[k].offset < scan->packs.rows[i].offset;
		if (scan->packs.rows[i].segment == 1 && before == 1)
			return &scan->packs.rows[i];
	}
	fail();
	return NULL;
}

/* A place that the disk does not give back ends nothing, and the pack there stays known. */
static void test_unreadable_place_is_passed_over(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct scan scan = {0}, less = {0};
	struct pack_list none = {0}, all = {0}, chosen = {0};
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	assert_int_equal(scan_store(f->path, f->sb.uuid, &scan), 0);
	assert_true(scan.packs.count > 2);
	/* Its end would do. */
	const struct pack_row *second = second_in_place(&scan);
	damage_pack(f, second->pack, second->length - 1);
	fault_set("pread:3");
	assert_int_equal(scan_store(f->path, f->sb.uuid, &less), 0);
	assert_int_equal(less.packs.count, scan.packs.count - 1);
	assert_int_equal(scan_choose(&scan, &none, &all), 0);
	assert_int_equal(scan_choose(&less, &none, &chosen), 0);
	assert_int_equal(chosen.count, all.count - 1);
	assert_int_equal(scan_choose(&less, &all, &chosen), 0);
	assert_int_equal(chosen.count, all.count);
	for (size_t i = 0; i < all.count; i++)
		assert_int_equal(chosen.rows[i].offset, all.rows[i].offset);
	assert_int_equal(less.segments[0].end, scan.segments[0].end);
	assert_int_equal(less.segments[0].used, scan.segments[0].used);
	pack_list_clear(&chosen);
	pack_list_clear(&all);
	scan_clear(&scan);
	scan_clear(&less);
}

/* A pack is found from its end, whatever of its beginning is damaged. */
static void test_damaged_beginnings_are_found(void **state)
{
	static const uint64_t places[] = {0, 30, 119, PACK_HEADER_SIZE, PACK_HEADER_SIZE + 700};
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct scan scan = {0};
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	assert_int_equal(scan_store(f->path, f->sb.uuid, &scan), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct scan again = {0};
		/* Of all packs, so that they follow each other without a good beginning. */
		for (size_t k = 0; k < scan.packs.count; k++)
			damage_pack(f, scan.packs.rows[k].pack, places[i]);
		assert_int_equal(scan_store(f->path, f->sb.uuid, &again), 0);
		assert_int_equal(again.packs.count, scan.packs.count);
		for (size_t k = 0; k < scan.packs.count; k++) {
			const struct pack_row *was = &scan.packs.rows[k], *now = &again.packs.rows[k];
			assert_int_equal(now->pack, was->pack);
			assert_int_equal(now->version, was->version);
			assert_int_equal(now->offset, was->offset);
			assert_int_equal(now->length, was->length);
			assert_int_equal(now->slots, was->slots);
			assert_false(now->partly);
			damage_pack(f, now->pack, places[i]);
		}
		assert_int_equal(again.segments[0].end, scan.segments[0].end);
		scan_clear(&again);
	}
	scan_clear(&scan);
}

/* A good copy that has been damaged and healed in its turn leads on. */
static void test_healings_are_followed(void **state)
{
	struct pack_heal heals[] = {{{1, 0}, {2, 7}}, {{1, 3}, {5, 1}}, {{2, 7}, {3, 5}}};
	const struct pack_list list = {.heals = heals, .heal_count = 3};
	(void)state;
	assert_true(chunk_ref_equal(pack_list_healed(&list, (struct chunk_ref){1, 0}),
				    (struct chunk_ref){3, 5}));
	assert_true(chunk_ref_equal(pack_list_healed(&list, (struct chunk_ref){1, 1}),
				    (struct chunk_ref){1, 1}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		STORE_TEST(test_what_the_catalogue_knows_counts),
		STORE_TEST(test_unreadable_place_is_passed_over),
		STORE_TEST(test_damaged_beginnings_are_found),
		cmocka_unit_test(test_healings_are_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
